//! A provider with a Redis service, its warden, and its consumers. Tests arrange, act and observe through it.

mod actions;
mod attachments;
mod invocations;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use local::world::{NewService, World};
use serde_json::Value;
use warden::{
    ledger::record::{Record, Verdict},
    model::scope::Scope,
    policy::{PolicySet, evaluation::Refer},
};

use crate::{
    ALLOWED, Aws, Bus, Faults, Mailbox, MemoryLedger, MemoryQueue, PROVIDER, Reports, TOPIC, UNLISTED, UntoldRecords, interface_service,
    policies,
};

/// The environment of a test.
#[derive(Clone)]
pub struct TestEnvironment {
    /// EC2, Organizations, and the world behind them.
    pub aws: Aws,
    /// The records, decisions and open findings.
    pub ledger: MemoryLedger,
    /// The request queue.
    pub queue: MemoryQueue,
    pub mailbox: Mailbox,
    /// The events for programs.
    pub bus: Bus,
    /// The records that `notify` cannot tell.
    pub untold: UntoldRecords,
    pub reports: Reports,
    /// The id of the Redis service.
    pub service: String,
    pub policy: Arc<PolicySet>,
    /// The id of the audits' runs.
    pub run: &'static str,
    /// True if the warden only observes.
    pub observe: bool,
    /// The services to answer for.
    pub scope: Scope,
    /// What may pass by itself is told after this.
    pub patience: SignedDuration,
}

/// A new endpoint with the events that its creation causes.
#[derive(Debug, Clone)]
pub struct NewRequest {
    pub endpoint: String,
    pub notification: Value,
    pub trail: Value,
}

/// The time at which each test begins. The clock moves only when a test moves it.
pub fn start() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

impl Default for TestEnvironment {
    fn default() -> Self {
        Self::new()
    }
}

impl TestEnvironment {
    /// The Redis service, which [`ALLOWED`] and [`UNLISTED`] may request, under a policy that allows [`ALLOWED`].
    pub fn new() -> Self {
        let aws = Aws::new(World::new("us-east-1", start()), Faults::default());
        let mut env = Self {
            queue: MemoryQueue::new(aws.clone(), Faults::default()),
            aws,
            ledger: MemoryLedger::default(),
            mailbox: Mailbox::default(),
            bus: Bus::default(),
            untold: UntoldRecords::default(),
            reports: Reports::default(),
            service: String::new(),
            policy: Arc::clone(&policies::REDIS_POLICY),
            run: "run-1",
            observe: false,
            scope: Scope::All,
            patience: SignedDuration::from_mins(15),
        };
        env.service = env.create_service(interface_service("redis"), &[ALLOWED, UNLISTED]);
        let events = ["Connect", "Accept", "Reject", "Delete"].map(str::to_owned);
        env.aws.world().create_notification(PROVIDER, &env.service, TOPIC, &events).unwrap();
        env
    }

    /// The environment under other policies.
    pub fn with_policy(mut self, cedar: &str) -> Self {
        self.set_policy(cedar);
        self
    }

    /// The environment of owners who are told at once of what may pass by itself.
    pub fn impatient(self) -> Self {
        Self { patience: SignedDuration::ZERO, ..self }
    }

    /// Replaces the policy set, without groups.
    pub fn set_policy(&mut self, cedar: &str) {
        self.set_policy_set(cedar, None);
    }

    pub fn set_policy_set(&mut self, cedar: &str, groups: Option<&str>) {
        self.policy = policies::load(cedar, groups);
    }

    /// Creates another service, which these accounts may request. Returns its id.
    pub fn create_service(&self, new: NewService, accounts: &[&str]) -> String {
        let mut world = self.aws.world();
        let id = world.create_service(PROVIDER, new).unwrap().id;
        let roots: Vec<String> = accounts.iter().map(|account| format!("arn:aws:iam::{account}:root")).collect();
        world.modify_permissions(PROVIDER, &id, &roots, &[]).unwrap();
        id
    }

    /// The state of an endpoint's connection, as the wire spells it.
    pub fn state(&self, endpoint: &str) -> String {
        self.aws.world().connection_mut(endpoint).unwrap().state.clone()
    }

    pub fn is_pending(&self, endpoint: &str) -> bool {
        self.state(endpoint) == "pendingAcceptance"
    }

    /// The verdicts on record for an endpoint, in the order of [`Verdict`].
    pub fn verdicts(&self, endpoint: &str) -> Vec<Verdict> {
        self.ledger.records().iter().filter(|record| record.subject().as_str() == endpoint).map(|record| record.verdict).collect()
    }

    /// The reason why a person must decide about an endpoint, from its first record.
    pub fn refer(&self, endpoint: &str) -> Refer {
        self.ledger.records().into_iter().find(|record| record.subject().as_str() == endpoint).unwrap().refer.unwrap()
    }

    /// The record, of which there is exactly one.
    pub fn only_record(&self) -> Record {
        let mut records = self.ledger.records();
        assert_eq!(records.len(), 1, "{records:#?}");
        records.remove(0)
    }
}
