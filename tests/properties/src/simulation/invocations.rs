//! Lambda: environments, invocations that run await by await, and every way in which they end.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use approve::{BatchResponse, Summary};
use jiff::{SignedDuration, Timestamp};
use notify::{Notify, Summary as Told};
use scenarios::{Aws, Bus, Settings, Worker, notify_config, sweep_event};
use serde_json::Value;
use warden::{
    gather::organization_cache::OrganizationCache,
    model::scope::Scope,
    ports::chain,
    trigger::{self, Message},
};

use super::{Actor, Simulation, invariants::Intended, latest, now};
use crate::{
    events::Claim,
    grammar::InForce,
    mutants::Flaw,
    ports::{Ec2Port, LedgerPort, Log, MailboxPort, QueuePort, Shared, lock},
    scenario::{ACCOUNTS, Delivery, Ending, NAMES},
};

/// More awaits than any invocation has.
const AWAITS_MAX: usize = 100_000;
/// The time in which all messages are worked off.
const WORK_MAX: SignedDuration = SignedDuration::from_mins(5);
/// What may pass by itself is told after this.
const PATIENCE: SignedDuration = SignedDuration::from_mins(15);
/// An older message is no hint.
const HINT_AGE_MAX: SignedDuration = SignedDuration::from_mins(15);

/// A running function. It can be left alone or dropped at each await.
pub(super) type Work<T> = Pin<Box<dyn Future<Output = T>>>;

/// An environment of `approve`: a worker of the queue.
pub(super) struct Environment {
    pub(super) ec2: Ec2Port,
    members: OrganizationCache<Ec2Port>,
    pub(super) running: Option<Invocation>,
}

pub(super) struct Invocation {
    work: Work<(BatchResponse, Summary)>,
    batch: Value,
    pub(super) since: Timestamp,
    /// The times that it saw.
    pub(super) nows: Vec<Timestamp>,
    pub(super) in_force: InForce,
    /// What its messages claim.
    pub(super) claims: Vec<Claim>,
    pub(super) intended: Vec<Intended>,
}

impl Simulation<'_> {
    /// Sends a message, and lets an environment of `approve` work. Returns `None` while it runs.
    pub fn invoke(&mut self, environment: usize, event: Delivery, ending: Ending) -> Option<Summary> {
        drop(self.advance(environment, AWAITS_MAX));
        match event {
            Delivery::Queued => {}
            Delivery::Sweep => self.queue.push(&sweep_event().to_string()),
            Delivery::Sent(n, forgery) => {
                let sent = self.sent.get(latest(n, self.sent.len())?)?;
                self.queue.push(&sent.forged(forgery, &ACCOUNTS).to_string());
            }
        }
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

    /// Sends bytes, and lets `approve` work. Returns true if they are unreadable.
    pub fn invoke_with(&mut self, bytes: &[u8]) -> bool {
        let before = self.queue.dead_letters().len();
        self.queue.push(&String::from_utf8_lossy(bytes));
        self.advance(0, AWAITS_MAX).unwrap();
        self.queue.dead_letters().len() > before
    }

    /// Sends a message, and lets time pass until all messages are worked off.
    pub fn work_off(&mut self, event: Delivery) -> Summary {
        let end = now() + WORK_MAX;
        let mut all = self.invoke(0, event, Ending::Completes).unwrap_or_default();
        while let Some(next) = self.queue.next_visible().filter(|next| *next <= end) {
            self.pass(next.duration_since(now()).max(SignedDuration::ZERO));
            add(&mut all, self.advance(0, AWAITS_MAX).unwrap());
        }
        all
    }

    /// Begins with the messages that are visible. Returns false if none is.
    fn begin(&mut self, n: usize) -> bool {
        let Some(batch) = self.queue.receive() else { return false };
        let settings = Settings {
            scope: if self.flaw == Some(Flaw::IgnoresTheScope) { Scope::All } else { self.scope() },
            observe: self.scenario.world.observe && self.flaw != Some(Flaw::ActsInObserveMode),
            ..self.settings()
        };
        let messages = trigger::batch(batch.clone()).unwrap();
        let is_hint = |message: &&Message| message.sent.is_none_or(|sent| now().duration_since(sent) <= HINT_AGE_MAX);
        let bodies = messages.iter().filter(is_hint).filter_map(|message| serde_json::from_str(&message.body).ok());
        let claims: Vec<Claim> = bodies.filter_map(|body| Claim::of(&body)).collect();
        self.claims.extend(claims.iter().cloned());
        let environment = &self.environments[n];
        {
            let mut log = lock(&environment.ec2.log);
            log.lists.clear();
            log.services.clear();
            log.lookups_left = self.lookups_max;
        }
        let claimed = claims.iter().filter_map(|claim| Some((claim.endpoint.parse().ok()?, claim.owner.as_ref()?.parse().ok()?)));
        let ec2 = Ec2Port { claimed: claimed.collect(), ..environment.ec2.clone() };
        let worker = Worker {
            ledger: self.ledger_port(Shared::clone(&environment.ec2.log)),
            queue: QueuePort { queue: self.queue.clone(), flaw: self.flaw },
            members: environment.members.clone(),
            ec2,
        };
        let trusts_shape = self.flaw == Some(Flaw::TrustsTheEventsShape);
        let work = Box::pin(async move {
            for message in messages.iter().filter(|_| trusts_shape) {
                let event: Value = serde_json::from_str(&message.body).unwrap();
                assert!(event["Type"].is_string() || event["source"].is_string());
            }
            worker.approve(settings, messages, Duration::from_secs(3600)).await
        });
        let (since, in_force) = (now(), self.in_force.clone());
        self.environments[n].running = Some(Invocation { work, batch, since, nows: vec![since], in_force, claims, intended: Vec::new() });
        true
    }

    /// Continues the work of an environment for so many awaits. Returns a summary once no message is visible.
    pub fn advance(&mut self, environment: usize, awaits: usize) -> Option<Summary> {
        let mut all = Summary::default();
        for _ in 0..awaits {
            if self.environments[environment].running.is_none() && !self.begin(environment) {
                return Some(all);
            }
            let writes = self.writes();
            let polled = poll(&mut self.environments[environment].running.as_mut()?.work);
            if self.writes() > writes {
                self.take_intent(environment);
            }
            self.check_changes(Actor::Approve(environment));
            if let Poll::Ready((response, summary)) = polled {
                let invocation = self.environments[environment].running.take()?;
                let failed: Vec<String> = response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
                self.queue.settle(&invocation.batch, &failed);
                add(&mut all, summary);
            }
        }
        assert!(awaits < AWAITS_MAX, "it does not end");
        None
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
        let (settings, ledger, reports, run) =
            (self.settings(), self.ledger_port(Shared::default()), self.reports.clone(), format!("run-{}", self.audits));
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

    /// Delivers the records of the stream to `notify`, one each. Lambda delivers again what fails.
    pub fn notify(&mut self, ending: Ending, again: bool) {
        let awaits = match ending {
            Ending::Completes => AWAITS_MAX,
            Ending::Crashes(awaits) | Ending::Pauses(awaits) => awaits,
        };
        let fresh = self.ledger.take_deliveries();
        for delivery in std::mem::take(&mut self.untold).into_iter().chain(fresh) {
            let ended = self.notify_with(delivery.clone(), awaits).is_some_and(|result| result.is_ok());
            if again || !ended {
                self.untold.push(delivery);
            }
        }
    }

    /// Delivers an event to `notify`. `None` if it crashed.
    pub fn notify_with(&mut self, event: Value, awaits: usize) -> Option<Result<Told, String>> {
        let publish = MailboxPort { mailbox: self.mailbox.clone(), flaw: self.flaw };
        let (ledger, untold) = (self.ledger.clone(), self.set_aside.clone());
        let notify = Notify { bus: None::<Bus>, publish, ledger, untold, config: notify_config(), clock: now };
        let mut work: Work<_> = Box::pin(async move { notify.handle(&event).await.map_err(|error| chain(&error)) });
        (0..awaits).find_map(|_| match poll(&mut work) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        })
    }

    fn settings(&self) -> Settings {
        Settings {
            policy: Arc::clone(&self.policy),
            scope: self.scope(),
            observe: self.scenario.world.observe,
            people_only: false,
            patience: PATIENCE,
            clock: now,
        }
    }

    fn ledger_port(&self, log: Shared<Log>) -> LedgerPort {
        LedgerPort { ledger: self.ledger.clone(), log, flaw: self.flaw, unpaced: self.unpaced }
    }

    pub(super) fn scope(&self) -> Scope {
        let redis = || Scope::Tag { key: "Name".to_owned(), value: NAMES[0].to_owned() };
        if self.scenario.world.redis_only { redis() } else { Scope::All }
    }
}

impl Environment {
    pub(super) fn cold(flaw: Option<Flaw>, aws: &Aws, page_size: usize) -> Self {
        let ec2 = Ec2Port { aws: aws.clone(), log: Shared::default(), flaw, page_size, claimed: Vec::new() };
        Self { members: OrganizationCache::new(ec2.clone()), ec2, running: None }
    }
}

fn add(all: &mut Summary, more: Summary) {
    all.written.extend(more.written);
    all.ignored += more.ignored;
    all.swept += more.swept;
    all.errors += more.errors;
}

fn poll<T>(work: &mut Work<T>) -> Poll<T> {
    work.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}
