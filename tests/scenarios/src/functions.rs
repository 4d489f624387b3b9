//! The functions, wired to the ports of a test as their `main.rs` wires them to AWS.

use std::{sync::Arc, time::Duration};

use approve::{AnswerError, Approve, MARGIN, ServiceCache, Summary};
use audit::{Audit, AuditError};
use jiff::{SignedDuration, Timestamp};
use warden::{
    audit::thresholds::Thresholds,
    config::NotifyConfig,
    deadline::Deadline,
    gather::organization_cache::OrganizationCache,
    ledger::record::RecordFactory,
    model::{mode::Mode, scope::Scope},
    policy::PolicySet,
    ports::{Accept, Describe, Directory, Findings, History, Inventory, Ledger, Observe, Reject, ReportStore},
    trigger::Trigger,
};

use crate::{DEFAULT_TOPIC, TOPIC};

/// The retention of the records.
const RETENTION: SignedDuration = SignedDuration::from_hours(9600);

/// The configuration that the functions share.
#[derive(Debug, Clone)]
pub struct Settings {
    pub policy: Arc<PolicySet>,
    /// The services to answer for.
    pub scope: Scope,
    /// True if requests are only recorded and never answered.
    pub observe: bool,
    pub clock: fn() -> Timestamp,
}

/// The data that an environment of `approve` keeps between invocations.
#[derive(Debug, Clone)]
pub struct Caches<A> {
    organization: OrganizationCache<A>,
    services: ServiceCache,
}

impl<A: Directory + Sync> Caches<A> {
    pub fn cold(aws: A) -> Self {
        Self { organization: OrganizationCache::new(aws), services: ServiceCache::default() }
    }
}

impl Settings {
    pub async fn approve<A, L>(
        self,
        aws: A,
        ledger: L,
        caches: Caches<A>,
        triggers: Vec<Trigger>,
        left: Duration,
    ) -> (Summary, Option<AnswerError>)
    where
        A: Describe + Accept + Reject + Directory + Clone + Sync,
        L: Ledger + Sync,
    {
        let deadline = Deadline::after(left, MARGIN);
        if self.observe {
            return self.wire(aws, Observe, ledger, caches).answer(triggers, deadline).await;
        }
        self.wire(aws.clone(), aws, ledger, caches).answer(triggers, deadline).await
    }

    fn wire<A, X, L>(self, aws: A, act: X, ledger: L, caches: Caches<A>) -> Approve<A, X, L, A> {
        Approve {
            describe: aws,
            act,
            ledger,
            members: caches.organization,
            policy: self.policy,
            scope: self.scope,
            region: "us-east-1".parse().unwrap(),
            scribe: RecordFactory { observe: self.observe, retention: RETENTION, function_version: "test/1".to_owned() },
            clock: self.clock,
            seen: caches.services,
        }
    }

    pub async fn audit<A, L, R>(self, aws: A, ledger: L, reports: R, run: &str, left: Duration) -> Result<audit::Summary, AuditError>
    where
        A: Inventory + Directory + Clone + Sync,
        L: History + Findings + Sync,
        R: ReportStore + Sync,
    {
        let audit = Audit {
            inventory: aws.clone(),
            ledger,
            reports,
            members: OrganizationCache::new(aws),
            policy: self.policy,
            scope: self.scope,
            thresholds: thresholds(self.observe),
            clock: self.clock,
            function_version: "test/1".to_owned(),
        };
        audit.run(run, Deadline::after(left, audit::MARGIN)).await
    }
}

/// The default thresholds of the audit.
pub fn thresholds(observe: bool) -> Thresholds {
    Thresholds {
        mode: if observe { Mode::Observe } else { Mode::Active },
        topics: vec![TOPIC.parse().unwrap()],
        region: "us-east-1".parse().unwrap(),
        overdue_after: SignedDuration::from_mins(15),
        waiting_after: SignedDuration::from_hours(24),
        expiring_within: SignedDuration::from_hours(14 * 24),
        unused_after: SignedDuration::from_hours(90 * 24),
        retention: RETENTION,
    }
}

/// The configuration of `notify`.
pub fn notify_config() -> NotifyConfig {
    NotifyConfig {
        default_topic: DEFAULT_TOPIC.parse().unwrap(),
        topic_prefix: "arn:aws:sns:us-east-1:123456789012:warden-".to_owned(),
        policy_home: "https://git.example/network/policies".to_owned(),
    }
}
