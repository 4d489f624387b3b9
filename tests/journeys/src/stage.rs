//! One provider, its Redis service, its warden; consumers A (in the policy), B (allowed to ask) and C (not even that).

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use approve::{AnswerError, Approve, MARGIN, ServiceCache, Summary};
use audit::{Audit, AuditError};
use jiff::{SignedDuration, Timestamp};
use local::world::{Effect, NewEndpoint, NewService, World};
use notify::{BatchResponse, Notify};
use serde_json::{Value, json};
use warden::{
    audit::thresholds::Thresholds,
    config::NotifyConfig,
    deadline::Deadline,
    decision::grant::{Grant, Grantee},
    gather::organization_cache::OrganizationCache,
    ledger::record::{Record, RecordFactory},
    message::Message,
    model::{ids::TopicArn, mode::Mode, scope::Scope},
    policy::{PolicyFile, PolicySet},
    ports::{Accept, CallError, Observe, Publish, Reject, ReportStore},
    trigger::Trigger,
};

use crate::{aws::Aws, faults::Faults, ledger::MemoryLedger};

/// The provider's account.
pub const PROVIDER: &str = "123456789012";
/// A consumer in the policy.
pub const A: &str = "111122223333";
/// A consumer that may ask, and is in no policy.
pub const B: &str = "444455556666";
/// A stranger.
pub const C: &str = "777788889999";

/// The topic that connection notifications go to.
pub const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:connections";

/// Everything a journey needs.
pub struct Stage {
    /// EC2 and the world behind it.
    pub aws: Aws,
    /// What was decided.
    pub ledger: MemoryLedger,
    /// What was told, with to whom.
    pub outbox: Outbox,
    /// The reports.
    pub shelf: Shelf,
    /// The Redis service's id.
    pub service: String,
    policy: Arc<PolicySet>,
    /// The name of the audits' runs.
    pub run: &'static str,
    /// Whether the warden only observes.
    pub observe: bool,
    /// Which services are its business.
    pub scope: Scope,
}

/// What was told, with to whom.
#[derive(Debug, Clone, Default)]
pub struct Outbox {
    told: Arc<Mutex<Vec<(String, Message)>>>,
    /// What goes wrong.
    pub faults: Faults,
}

impl Outbox {
    /// Takes what was told since the last time.
    #[must_use]
    pub fn take(&self) -> Vec<(String, Message)> {
        std::mem::take(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Everything that was told and not taken.
    #[must_use]
    pub fn all(&self) -> Vec<(String, Message)> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The bucket of reports.
#[derive(Debug, Clone, Default)]
pub struct Shelf {
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    /// What goes wrong.
    pub faults: Faults,
}

impl Shelf {
    /// The newest file of this name.
    #[must_use]
    pub fn read(&self, name: &str) -> String {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let content = files.iter().rev().find(|(key, _)| key.ends_with(name)).unwrap().1;
        String::from_utf8(content.clone()).unwrap()
    }

    /// The ids of the findings in the newest report, in its order.
    #[must_use]
    pub fn findings(&self) -> Vec<String> {
        let report: Value = serde_json::from_str(&self.read("report.json")).unwrap();
        report["findings"].as_array().unwrap().iter().map(|finding| finding["id"].as_str().unwrap().to_owned()).collect()
    }
}

impl ReportStore for Shelf {
    async fn store(&self, name: &str, _: &str, file: &Path) -> Result<(), CallError> {
        let content = std::fs::read(file).unwrap();
        self.faults
            .around("PutObject", || {
                self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), content);
                Ok(())
            })
            .await
    }

    fn location(&self, name: &str) -> String {
        format!("s3://reports/{name}")
    }
}

impl Publish for Outbox {
    async fn publish(&self, topic: &TopicArn, notice: &Message) -> Result<(), CallError> {
        self.faults
            .around("Publish", || {
                self.told.lock().unwrap_or_else(PoisonError::into_inner).push((topic.to_string(), notice.clone()));
                Ok(())
            })
            .await
    }
}

impl Default for Stage {
    fn default() -> Self {
        Self::new()
    }
}

/// The stage's clock stands still unless a journey moves it.
pub fn start_of_story() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

impl Stage {
    /// The Redis scenario: account A may connect.
    #[must_use]
    pub fn new() -> Self {
        let mut world = World::new("us-east-1", start_of_story());
        let redis = NewService {
            tags: [("Name".to_owned(), "redis".to_owned())].into(),
            load_balancer_arns: vec![
                "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/redis/0123456789abcdef".to_owned(),
            ],
            ..NewService::default()
        };
        let service = world.create_service(PROVIDER, redis).unwrap().id;
        world.modify_permissions(PROVIDER, &service, &[root(A), root(B)], &[]).unwrap();
        world
            .create_notification(
                PROVIDER,
                &service,
                TOPIC,
                &["Connect".to_owned(), "Accept".to_owned(), "Reject".to_owned(), "Delete".to_owned()],
            )
            .unwrap();
        Self {
            aws: Aws::new(world, Faults::default()),
            ledger: MemoryLedger::default(),
            outbox: Outbox::default(),
            shelf: Shelf::default(),
            service,
            policy: Arc::clone(&REDIS_POLICY),
            run: "run-1",
            observe: false,
            scope: Scope::All,
        }
    }

    /// The same under another policy.
    #[must_use]
    pub fn with_policy(mut self, cedar: &str) -> Self {
        self.set_policy(cedar);
        self
    }

    /// Changes the policy: what the next invocation runs under.
    pub fn set_policy(&mut self, cedar: &str) {
        self.policy = Arc::new(load(&[file("test.cedar", cedar)], None));
    }

    /// The same with groups.
    pub fn set_policy_set(&mut self, cedar: &str, groups: Option<&str>) {
        self.policy = Arc::new(load(&[file("test.cedar", cedar)], groups.map(|text| file("groups.json", text)).as_ref()));
    }

    /// A person lets a whole account connect to the service.
    pub fn grant_account(&self, account: &str) {
        self.grant(Grantee::Account(account.parse().unwrap()), None);
    }

    /// A person grants something, perhaps for a time.
    pub fn grant(&self, to: Grantee, until: Option<SignedDuration>) {
        let at = self.aws.world().now();
        self.ledger.grant(Grant {
            schema: 1,
            service: self.service.parse().unwrap(),
            to,
            by: "arn:aws:sts::123456789012:assumed-role/network/kim".to_owned(),
            reason: "migration weekend".to_owned(),
            at,
            until: until.map(|time| at + time),
        });
    }

    /// The policy that is set, for replays.
    #[must_use]
    pub fn current_policy(&self) -> &PolicySet {
        &self.policy
    }

    /// A consumer creates an endpoint. Returns its id and the notifications that AWS sends, as `approve` gets them.
    #[must_use]
    pub fn ask(&self, account: &str) -> (String, Vec<Value>) {
        let name = format!("com.amazonaws.vpce.us-east-1.{}", self.service);
        let (endpoint, effects) = self.aws.world().create_endpoint(account, &name, NewEndpoint::default()).unwrap();
        (endpoint.id, effects.iter().map(event).collect())
    }

    /// Lets time pass.
    pub fn pass(&self, time: SignedDuration) {
        let mut world = self.aws.world();
        let now = world.now() + time;
        world.set_now(now);
    }

    /// Delivers an event to `approve`.
    ///
    /// # Errors
    /// When Lambda should deliver it again.
    pub async fn deliver(&self, event: &Value) -> Result<Summary, AnswerError> {
        self.deliver_within(event, Duration::from_secs(60)).await
    }

    /// The same with so much time left.
    ///
    /// # Errors
    /// When Lambda should deliver it again.
    pub async fn deliver_within(&self, event: &Value, left: Duration) -> Result<Summary, AnswerError> {
        let triggers = Trigger::parse(event.to_string().as_bytes()).unwrap();
        let (summary, error) = if self.observe {
            self.approve(Observe).answer(triggers, Deadline::after(left, MARGIN)).await
        } else {
            self.approve(self.aws.clone()).answer(triggers, Deadline::after(left, MARGIN)).await
        };
        error.map_or(Ok(summary), Err)
    }

    /// The same provider, world and ledger, for somebody who works at the same time.
    #[must_use]
    pub fn twin(&self) -> Self {
        Self {
            aws: self.aws.clone(),
            ledger: self.ledger.clone(),
            outbox: self.outbox.clone(),
            shelf: self.shelf.clone(),
            service: self.service.clone(),
            policy: Arc::clone(&self.policy),
            run: "run-2",
            observe: self.observe,
            scope: self.scope.clone(),
        }
    }

    /// The scheduled sweep.
    ///
    /// # Errors
    /// When Lambda should deliver it again.
    pub async fn sweep(&self) -> Result<Summary, AnswerError> {
        self.deliver(&sweep_event()).await
    }

    fn approve<X: Accept + Reject + Sync>(&self, act: X) -> Approve<Aws, X, MemoryLedger, Aws> {
        // The world's time, frozen for this invocation: `clock` is a plain function, so it is handed over by thread.
        NOW.set(self.aws.world().now());
        Approve {
            describe: self.aws.clone(),
            act,
            ledger: self.ledger.clone(),
            members: OrganizationCache::new(self.aws.clone()),
            policy: Arc::clone(&self.policy),
            scope: self.scope.clone(),
            region: "us-east-1".parse().unwrap(),
            scribe: RecordFactory {
                observe: self.observe,
                retention: SignedDuration::from_hours(9600),
                function_version: "test/1".to_owned(),
            },
            clock: || NOW.get(),
            seen: ServiceCache::default(),
        }
    }

    /// The scheduled audit.
    ///
    /// # Errors
    /// When its report could not be kept.
    pub async fn audit(&self) -> Result<audit::Summary, AuditError> {
        self.audit_within(Duration::from_secs(600)).await
    }

    /// The same with so much time left.
    ///
    /// # Errors
    /// When its report could not be kept.
    pub async fn audit_within(&self, left: Duration) -> Result<audit::Summary, AuditError> {
        NOW.set(self.aws.world().now());
        let audit = Audit {
            inventory: self.aws.clone(),
            ledger: self.ledger.clone(),
            reports: self.shelf.clone(),
            members: OrganizationCache::new(self.aws.clone()),
            policy: Arc::clone(&self.policy),
            scope: self.scope.clone(),
            thresholds: self.terms(),
            clock: || NOW.get(),
            function_version: "test/1".to_owned(),
        };
        audit.run(self.run, Deadline::after(left, audit::MARGIN)).await
    }

    fn terms(&self) -> Thresholds {
        Thresholds {
            mode: if self.observe { Mode::Observe } else { Mode::Active },
            topics: vec![TOPIC.parse().unwrap()],
            region: "us-east-1".parse().unwrap(),
            overdue_after: SignedDuration::from_mins(15),
            waiting_after: SignedDuration::from_hours(24),
            expiring_within: SignedDuration::from_hours(14 * 24),
            unused_after: SignedDuration::from_hours(90 * 24),
            retention: SignedDuration::from_hours(9600),
        }
    }

    /// Hands the ledger's new records to `notify`.
    pub async fn tell(&self) -> BatchResponse {
        self.tell_batch(&self.ledger.take_batch()).await
    }

    /// Hands a batch to `notify`.
    pub async fn tell_batch(&self, batch: &Value) -> BatchResponse {
        let config = NotifyConfig {
            default_topic: "arn:aws:sns:us-east-1:123456789012:warden-owners".parse().unwrap(),
            topic_prefix: "arn:aws:sns:us-east-1:123456789012:warden-".to_owned(),
            policy_home: "https://git.example/network/policies".to_owned(),
        };
        Notify { publish: self.outbox.clone(), config }.tell(batch).await.unwrap()
    }

    /// The state of an endpoint's connection, as the wire spells it.
    #[must_use]
    pub fn state(&self, endpoint: &str) -> String {
        self.aws.world().connection_mut(endpoint).unwrap().state.clone()
    }

    /// The only record there is.
    #[must_use]
    pub fn only_record(&self) -> Record {
        let mut records = self.ledger.records();
        assert_eq!(records.len(), 1, "{records:#?}");
        records.remove(0)
    }
}

thread_local! {
    static NOW: std::cell::Cell<Timestamp> = const { std::cell::Cell::new(Timestamp::UNIX_EPOCH) };
}

/// A policy of the tests' own: what an operator writes into `policies/` must not make a journey fail.
static REDIS_POLICY: LazyLock<Arc<PolicySet>> = LazyLock::new(|| {
    let text = "@id(\"redis-consumers\") @reason(\"teams that agreed to the terms\")
        permit (principal in PrivateLink::AccountGroup::\"redis-consumers\", action == PrivateLink::Action::\"Accept\", resource)
        when { resource.hasTag(\"Name\") && resource.getTag(\"Name\") == \"redis\" };";
    let groups = json!({"redis-consumers": {"accounts": [A]}}).to_string();
    Arc::new(load(&[file("redis.cedar", text)], Some(&file("groups.json", &groups))))
});

fn file(name: &str, text: &str) -> PolicyFile {
    PolicyFile { name: name.to_owned(), text: text.to_owned() }
}

fn load(files: &[PolicyFile], groups: Option<&PolicyFile>) -> PolicySet {
    PolicySet::load(files, groups).unwrap_or_else(|errors| panic!("{errors}"))
}

fn root(account: &str) -> String {
    format!("arn:aws:iam::{account}:root")
}

/// The schedule's event.
#[must_use]
pub fn sweep_event() -> Value {
    json!({"version": "0", "id": "sweep-1", "detail-type": "Scheduled Event", "source": "aws.scheduler", "account": PROVIDER,
           "time": "2026-06-01T12:00:00Z", "region": "us-east-1", "resources": [], "detail": "{}"})
}

/// An effect of the world as the event that reaches `approve`.
#[must_use]
pub fn event(effect: &Effect) -> Value {
    match effect {
        Effect::Notification { topic_arn, event, service_id, endpoint_id, .. } => {
            let body = json!({"event": event, "serviceId": service_id, "vpcEndpointId": endpoint_id}).to_string();
            notification(topic_arn, &body)
        }
        Effect::CloudTrail { account, event_detail, region } => {
            json!({"version": "0", "id": "trail-1", "detail-type": "AWS API Call via CloudTrail",
            "source": "aws.ec2", "account": account, "time": "2026-06-01T12:00:00Z", "region": region, "resources": [], "detail": event_detail})
        }
    }
}

/// A connection notification with this body.
#[must_use]
pub fn notification(topic: &str, body: &str) -> Value {
    json!({"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": format!("{topic}:1"), "Sns": {
        "Type": "Notification", "MessageId": "message-1", "TopicArn": topic, "Subject": null, "Message": body,
        "Timestamp": "2026-06-01T12:00:01.000Z", "SignatureVersion": "1", "Signature": "x", "SigningCertUrl": "x", "UnsubscribeUrl": "x", "MessageAttributes": {}}}]})
}
