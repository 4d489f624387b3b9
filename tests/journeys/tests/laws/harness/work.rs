//! Lambda: environments, invocations that go on step by step, and ends of every kind.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};

use approve::ServiceCache;
use jiff::Timestamp;
use journeys::{Aws, sweep_event};
use serde_json::{Value, json};
use warden::{decision::grant::Grant, gather::organization_cache::OrganizationCache, model::scope::Scope};

use super::{
    By, DEFAULT_TOPIC, House, Request, latest, now,
    setting::{notify_config, terms},
};
use crate::{
    events::Claim,
    grammar::InForce,
    mutants::Flaw,
    ports::{Cabinet, Ec2, Post, Shared, lock},
    story::{ACCOUNTS, Delivery, End, NAMES},
    wardens::{Lambda, Office, Warden, Work},
};

/// More steps than any invocation takes here.
const STEPS_MAX: usize = 100_000;

pub(super) struct Environment {
    pub(super) ec2: Ec2,
    pub(super) members: OrganizationCache<Ec2>,
    pub(super) seen: ServiceCache,
    pub(super) at_work: Option<Invocation>,
}

pub(super) struct Invocation {
    pub(super) work: Work<Result<(), String>>,
    pub(super) since: Timestamp,
    /// Every time of day that it saw.
    pub(super) nows: Vec<Timestamp>,
    pub(super) in_force: InForce,
    pub(super) claim: Option<Claim>,
    /// What was granted when it began, and since.
    pub(super) granted: Vec<Grant>,
    /// What was granted when it began, and is still.
    pub(super) phase: Vec<Grant>,
}

impl House<'_> {
    /// An event reaches one of the environments. Nothing: it has not ended.
    pub fn invoke(&mut self, lambda: usize, event: Delivery, end: End) -> Option<Result<(), String>> {
        let (event, claim) = match event {
            Delivery::Sweep => (sweep_event(), None),
            Delivery::Sent(n, forgery) => self.sent.get(latest(n, self.sent.len())?)?.forged(forgery, &ACCOUNTS)?,
        };
        drop(self.go_on(lambda, STEPS_MAX));
        self.begin(lambda, event.to_string().into_bytes(), claim);
        match end {
            End::Well => self.go_on(lambda, STEPS_MAX),
            End::Later(moments) => self.go_on(lambda, moments),
            End::Crash(moments) => {
                let done = self.go_on(lambda, moments);
                if done.is_none() {
                    self.crash(lambda);
                }
                done
            }
        }
    }

    /// Bytes of any kind reach the function.
    pub fn invoke_with(&mut self, bytes: Vec<u8>) -> Result<(), String> {
        self.begin(0, bytes, None);
        self.go_on(0, STEPS_MAX).unwrap()
    }

    pub(super) fn begin(&mut self, lambda: usize, bytes: Vec<u8>, claim: Option<Claim>) {
        let scope = if self.story.world.redis_only && self.warden.flaw() != Some(Flaw::DisregardsItsScope) {
            Scope::Tag { key: "Name".to_owned(), value: NAMES[0].to_owned() }
        } else {
            Scope::All
        };
        let observe = self.story.world.observe && self.warden.flaw() != Some(Flaw::ActsThoughItObserves);
        let environment = &self.lambdas[lambda];
        {
            let mut log = lock(&environment.ec2.log);
            log.lists.clear();
            log.asked.clear();
            log.let_in.clear();
        }
        let claimed = claim.as_ref().map(|claim| (claim.endpoint.parse().unwrap(), claim.owner.parse().unwrap()));
        let work = self.warden.approve(
            Lambda {
                ec2: Ec2 { claimed, ..environment.ec2.clone() },
                ledger: self.book(),
                members: environment.members.clone(),
                seen: environment.seen.clone(),
                policy: Arc::clone(&self.policy),
                scope,
                observe,
            },
            bytes,
        );
        self.lambdas[lambda].at_work = Some(Invocation {
            work,
            since: now(),
            nows: vec![now()],
            in_force: self.in_force.clone(),
            claim,
            granted: self.grants.clone(),
            phase: self.grants.clone(),
        });
    }

    /// Lets what is under way take so many steps. 2 is the audit.
    pub fn go_on(&mut self, lambda: usize, moments: usize) -> Option<Result<(), String>> {
        for _ in 0..moments {
            let work = match lambda {
                2 => self.audit.as_mut().map(|(work, _)| work),
                lambda => self.lambdas[lambda].at_work.as_mut().map(|invocation| &mut invocation.work),
            };
            let polled = step(work?);
            self.look(if lambda == 2 { By::Others } else { By::Lambda(lambda) });
            if let Poll::Ready(done) = polled {
                if lambda == 2 {
                    self.audit = None
                } else {
                    self.end(lambda, done.is_ok())
                }
                return Some(done);
            }
        }
        assert!(moments < STEPS_MAX, "it never ends");
        None
    }

    pub(super) fn end(&mut self, lambda: usize, well: bool) {
        self.lambdas[lambda].at_work = None;
        let log = lock(&self.lambdas[lambda].ec2.log);
        let let_in = |request: &&mut Request| log.let_in.iter().any(|(_, endpoint)| endpoint.as_str() == request.endpoint);
        self.requests.iter_mut().filter(let_in).for_each(|request| request.let_in_well = well);
    }

    /// An environment dies, and what it remembered with it.
    pub(super) fn crash(&mut self, lambda: usize) {
        self.lambdas[lambda] = Environment::cold(self.warden, &self.aws, self.story.world.page);
    }

    pub fn crash_all(&mut self) {
        self.audit = None;
        (0..2).filter(|n| self.lambdas[*n].at_work.is_some()).collect::<Vec<_>>().into_iter().for_each(|n| self.crash(n));
    }

    pub fn audit(&mut self, end: End) -> Option<Result<(), String>> {
        drop(self.go_on(2, STEPS_MAX));
        self.runs += 1;
        let office = Office {
            ec2: Ec2 { claimed: None, ..self.lambdas[0].ec2.clone() },
            ledger: self.book(),
            cabinet: Cabinet(self.shelf.clone()),
            policy: Arc::clone(&self.policy),
            scope: self.scope(),
            terms: terms(self.story.world.observe),
            run: format!("run-{}", self.runs),
        };
        // A log of its own: what an audit reads is nothing that `approve` was told.
        let office = Office { ec2: Ec2 { log: Shared::default(), ..office.ec2 }, ..office };
        self.audit = Some((self.warden.audit(office), now()));
        match end {
            End::Well => self.go_on(2, STEPS_MAX),
            End::Later(moments) => self.go_on(2, moments),
            End::Crash(moments) => {
                let done = self.go_on(2, moments);
                self.audit = None;
                done
            }
        }
    }

    /// The stream's records reach `notify`. It is taken up again at the first that was not told.
    pub fn notify(&mut self, end: End, twice: bool) -> Option<()> {
        let fresh = self.ledger.take_batch();
        self.untold.extend(fresh["Records"].as_array().unwrap().iter().cloned());
        let post = Post { outbox: self.outbox.clone(), flaw: self.warden.flaw(), default_topic: DEFAULT_TOPIC.parse().unwrap() };
        let mut work = self.warden.notify(post, notify_config(), json!({"Records": self.untold}));
        let moments = match end {
            End::Well => STEPS_MAX,
            End::Crash(moments) | End::Later(moments) => moments,
        };
        let failed = (0..moments).find_map(|_| match step(&mut work) {
            Poll::Ready(done) => Some(done.unwrap()),
            Poll::Pending => None,
        })?;
        let name = |record: &Value| record.pointer("/dynamodb/SequenceNumber").unwrap().as_str().unwrap().to_owned();
        if !twice {
            let kept = self.untold.iter().position(|record| failed.contains(&name(record)));
            self.untold.drain(..kept.unwrap_or(self.untold.len()));
        }
        Some(())
    }

    /// Bytes of any kind reach `notify`.
    pub fn notify_with(&mut self, batch: &Value) {
        let post = Post { outbox: self.outbox.clone(), flaw: None, default_topic: DEFAULT_TOPIC.parse().unwrap() };
        let mut work = self.warden.notify(post, notify_config(), batch.clone());
        while step(&mut work).is_pending() {}
    }
}

impl Environment {
    pub(super) fn cold(warden: &dyn Warden, aws: &Aws, page: usize) -> Self {
        let ec2 = Ec2 { aws: aws.clone(), log: Shared::default(), flaw: warden.flaw(), page, claimed: None };
        Self { members: OrganizationCache::new(ec2.clone()), ec2, seen: ServiceCache::default(), at_work: None }
    }
}

/// One step of what is under way.
fn step<T>(work: &mut Work<T>) -> Poll<T> {
    work.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}
