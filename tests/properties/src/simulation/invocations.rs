//! Lambda: environments, invocations that run await by await, and every way in which they end.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use jiff::Timestamp;
use notify::Notify;
use scenarios::{Aws, Caches, Settings, notify_config, sweep_event};
use serde_json::{Value, json};
use warden::{decision::grant::Grant, model::scope::Scope, ports::chain, trigger::Trigger};

use super::{Actor, Request, Simulation, latest, now};
use crate::{
    events::Claim,
    grammar::InForce,
    mutants::Flaw,
    ports::{Ec2Port, LedgerPort, MailboxPort, Shared, lock},
    scenario::{ACCOUNTS, Delivery, Ending, NAMES},
};

/// More awaits than any invocation has.
const AWAITS_MAX: usize = 100_000;

/// A running function. It can be left alone or dropped at each await.
pub(super) type Work<T> = Pin<Box<dyn Future<Output = T>>>;

/// An environment of `approve`.
pub(super) struct Environment {
    pub(super) ec2: Ec2Port,
    caches: Caches<Ec2Port>,
    pub(super) running: Option<Invocation>,
}

pub(super) struct Invocation {
    work: Work<Result<(), String>>,
    pub(super) since: Timestamp,
    /// The times that it saw.
    pub(super) nows: Vec<Timestamp>,
    pub(super) in_force: InForce,
    pub(super) claim: Option<Claim>,
    /// The grants at its beginning and since.
    pub(super) granted: Vec<Grant>,
    /// The grants at its beginning that were not revoked since.
    pub(super) granted_throughout: Vec<Grant>,
}

impl Simulation<'_> {
    /// Delivers an event to an environment of `approve`. Returns `None` while it runs.
    pub fn invoke(&mut self, environment: usize, event: Delivery, ending: Ending) -> Option<Result<(), String>> {
        let event = match event {
            Delivery::Sweep => sweep_event(),
            Delivery::Sent(n, forgery) => self.sent.get(latest(n, self.sent.len())?)?.forged(forgery, &ACCOUNTS),
        };
        drop(self.advance(environment, AWAITS_MAX));
        self.begin(environment, event.to_string().into_bytes(), Claim::of(&event));
        match ending {
            Ending::Completes => self.advance(environment, AWAITS_MAX),
            Ending::Pauses(awaits) => self.advance(environment, awaits),
            Ending::Crashes(awaits) => {
                let done = self.advance(environment, awaits);
                if done.is_none() {
                    self.crash(environment);
                }
                done
            }
        }
    }

    /// Delivers bytes to `approve`.
    pub fn invoke_with(&mut self, bytes: Vec<u8>) -> Result<(), String> {
        let claim = serde_json::from_slice(&bytes).ok().and_then(|event| Claim::of(&event));
        self.begin(0, bytes, claim);
        self.advance(0, AWAITS_MAX).unwrap()
    }

    fn begin(&mut self, n: usize, bytes: Vec<u8>, claim: Option<Claim>) {
        let settings = Settings {
            scope: if self.flaw == Some(Flaw::IgnoresTheScope) { Scope::All } else { self.scope() },
            observe: self.scenario.world.observe && self.flaw != Some(Flaw::ActsInObserveMode),
            ..self.settings()
        };
        let environment = &self.environments[n];
        {
            let mut log = lock(&environment.ec2.log);
            log.lists.clear();
            log.asked.clear();
            log.accepted.clear();
        }
        let claimed = claim.as_ref().and_then(|claim| Some((claim.endpoint.parse().ok()?, claim.owner.as_ref()?.parse().ok()?)));
        let ec2 = Ec2Port { claimed, ..environment.ec2.clone() };
        let (ledger, caches) = (self.ledger_port(), environment.caches.clone());
        let trusts_shape = self.flaw == Some(Flaw::TrustsTheEventsShape);
        let work = Box::pin(async move {
            if trusts_shape {
                let event: Value = serde_json::from_slice(&bytes).unwrap();
                assert!(event["Records"].is_array() || event["detail-type"].is_string());
            }
            let triggers = Trigger::parse(&bytes).map_err(|error| chain(&error))?;
            let (_, error) = settings.approve(ec2, ledger, caches, triggers, Duration::from_secs(600)).await;
            error.map_or(Ok(()), |error| Err(chain(&error)))
        });
        self.environments[n].running = Some(Invocation {
            work,
            since: now(),
            nows: vec![now()],
            in_force: self.in_force.clone(),
            claim,
            granted: self.grants.clone(),
            granted_throughout: self.grants.clone(),
        });
    }

    /// Continues the invocation in an environment for so many awaits.
    pub fn advance(&mut self, environment: usize, awaits: usize) -> Option<Result<(), String>> {
        for _ in 0..awaits {
            let polled = poll(&mut self.environments[environment].running.as_mut()?.work);
            self.check_changes(Actor::Approve(environment));
            if let Poll::Ready(done) = polled {
                self.end(environment, done.is_ok());
                return Some(done);
            }
        }
        assert!(awaits < AWAITS_MAX, "it does not end");
        None
    }

    fn end(&mut self, environment: usize, reported: bool) {
        self.environments[environment].running = None;
        let log = lock(&self.environments[environment].ec2.log);
        let accepted = |request: &&mut Request| log.accepted.iter().any(|(_, endpoint)| endpoint.as_str() == request.endpoint);
        self.requests.iter_mut().filter(accepted).for_each(|request| request.accepted_and_reported = reported);
    }

    /// Ends an environment, with its caches.
    pub(super) fn crash(&mut self, environment: usize) {
        self.environments[environment] = Environment::cold(self.flaw, &self.aws, self.scenario.world.page_size);
    }

    /// Ends everything that runs.
    pub fn crash_all(&mut self) {
        self.audit = None;
        for n in 0..2 {
            if self.environments[n].running.is_some() {
                self.crash(n);
            }
        }
    }

    /// Invokes `audit`. Returns `None` while it runs.
    pub fn audit(&mut self, ending: Ending) -> Option<Result<(), String>> {
        drop(self.advance_audit(AWAITS_MAX));
        self.audits += 1;
        let (settings, ledger, reports, run) = (self.settings(), self.ledger_port(), self.reports.clone(), format!("run-{}", self.audits));
        // It has a log of its own: `approve` was not told what the audit reads.
        let ec2 = Ec2Port { log: Shared::default(), ..self.environments[0].ec2.clone() };
        let work = Box::pin(async move {
            let done = settings.audit(ec2, ledger, reports, &run, Duration::from_secs(900)).await;
            done.map(drop).map_err(|error| chain(&error))
        });
        self.audit = Some((work, now()));
        match ending {
            Ending::Completes => self.advance_audit(AWAITS_MAX),
            Ending::Pauses(awaits) => self.advance_audit(awaits),
            Ending::Crashes(awaits) => {
                let done = self.advance_audit(awaits);
                self.audit = None;
                done
            }
        }
    }

    fn advance_audit(&mut self, awaits: usize) -> Option<Result<(), String>> {
        for _ in 0..awaits {
            let polled = poll(&mut self.audit.as_mut()?.0);
            self.check_changes(Actor::Other);
            if let Poll::Ready(done) = polled {
                self.audit = None;
                return Some(done);
            }
        }
        None
    }

    /// Delivers the records of the stream to `notify`. Lambda delivers the batch again from the first failed record on.
    pub fn notify(&mut self, ending: Ending, again: bool) -> Option<()> {
        let fresh = self.ledger.take_batch();
        self.untold.extend(fresh["Records"].as_array().unwrap().iter().cloned());
        let awaits = match ending {
            Ending::Completes => AWAITS_MAX,
            Ending::Crashes(awaits) | Ending::Pauses(awaits) => awaits,
        };
        let failed = self.notify_with(json!({"Records": self.untold}), awaits)?.unwrap();
        let sequence_number = |record: &Value| record.pointer("/dynamodb/SequenceNumber").unwrap().as_str().unwrap().to_owned();
        if !again {
            let kept = self.untold.iter().position(|record| failed.contains(&sequence_number(record)));
            self.untold.drain(..kept.unwrap_or(self.untold.len()));
        }
        Some(())
    }

    /// Delivers a batch to `notify`. Returns the records to deliver again.
    pub fn notify_with(&mut self, batch: Value, awaits: usize) -> Option<Result<Vec<String>, String>> {
        let notify = Notify { publish: MailboxPort { mailbox: self.mailbox.clone(), flaw: self.flaw }, config: notify_config() };
        let mut work: Work<_> = Box::pin(async move {
            let response = notify.tell(&batch).await.map_err(|error| chain(&error))?;
            Ok(response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect())
        });
        (0..awaits).find_map(|_| match poll(&mut work) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        })
    }

    fn settings(&self) -> Settings {
        Settings { policy: Arc::clone(&self.policy), scope: self.scope(), observe: self.scenario.world.observe, clock: now }
    }

    fn ledger_port(&self) -> LedgerPort {
        LedgerPort { ledger: self.ledger.clone(), flaw: self.flaw }
    }

    pub(super) fn scope(&self) -> Scope {
        let redis = || Scope::Tag { key: "Name".to_owned(), value: NAMES[0].to_owned() };
        if self.scenario.world.redis_only { redis() } else { Scope::All }
    }
}

impl Environment {
    pub(super) fn cold(flaw: Option<Flaw>, aws: &Aws, page_size: usize) -> Self {
        let ec2 = Ec2Port { aws: aws.clone(), log: Shared::default(), flaw, page_size, claimed: None };
        Self { caches: Caches::cold(ec2.clone()), ec2, running: None }
    }
}

fn poll<T>(work: &mut Work<T>) -> Poll<T> {
    work.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}
