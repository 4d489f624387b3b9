//! The functions, wired to the ports of a test as their `main.rs` wires them to AWS.

use std::{sync::Arc, time::Duration};

use approve::{Approve, BatchResponse, MARGIN, Summary};
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
    ports::{
        Accept, Describe, Directory, Findings, History, Inventory, Observe, Reject, ReportStore, RequestQueue, ServiceLedger, StackLedger,
    },
    trigger::Message,
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
    /// True if only people's decisions are carried out.
    pub people_only: bool,
    /// What may pass by itself is told after this.
    pub patience: SignedDuration,
    pub clock: fn() -> Timestamp,
}

/// A worker: the function over its ports, which it keeps between invocations.
#[derive(Debug, Clone)]
pub struct Worker<A, L, Q, G> {
    /// EC2.
    pub ec2: A,
    pub ledger: L,
    pub queue: Q,
    /// The organization's accounts, as far as this worker knows them.
    pub members: OrganizationCache<G>,
}

impl<A, L, Q, G> Worker<A, L, Q, G>
where
    A: Describe + Accept + Reject + Clone + Sync,
    L: ServiceLedger + StackLedger + Sync,
    Q: RequestQueue + Sync,
    G: Directory + Sync,
{
    /// Answers a batch, with this much time left.
    pub async fn approve(self, settings: Settings, messages: Vec<Message>, left: Duration) -> (BatchResponse, Summary) {
        let deadline = Deadline::after(left, MARGIN);
        if settings.observe {
            return self.wire(settings, |_| Observe).handle(&messages, deadline).await;
        }
        self.wire(settings, A::clone).handle(&messages, deadline).await
    }

    fn wire<X>(self, settings: Settings, act: impl Fn(&A) -> X) -> Approve<A, X, L, Q, G> {
        Approve {
            act: act(&self.ec2),
            ec2: self.ec2,
            ledger: self.ledger,
            queue: self.queue,
            members: self.members,
            policy: settings.policy,
            scope: settings.scope,
            region: "us-east-1".parse().unwrap(),
            mode: if settings.observe { Mode::Observe } else { Mode::Active },
            factory: RecordFactory { retention: RETENTION, function_version: "test/1".to_owned() },
            patience: settings.patience,
            people_only: settings.people_only,
            clock: settings.clock,
        }
    }
}

impl Settings {
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
        ledger_table: "ledger".to_owned(),
        untold_queue_url: "https://sqs.us-east-1.amazonaws.com/123456789012/untold".to_owned(),
        default_topic: DEFAULT_TOPIC.parse().unwrap(),
        topic_prefix: "arn:aws:sns:us-east-1:123456789012:warden-".to_owned(),
        event_bus: Some("default".to_owned()),
        region: "us-east-1".parse().unwrap(),
        policy_home: "https://git.example/network/policies".to_owned(),
    }
}
