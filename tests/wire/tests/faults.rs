//! What `local` makes go wrong, as the SDK and the warden's adapters see it: throttling for a time, calls that hang on either side of
//! their effect, a ledger that refuses.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use local::{
    server::Options,
    world::{NewEndpoint, NewService},
};
use serde_json::Value;
use warden::{
    aws::{dynamodb::Table, ec2::Ec2},
    decision::decide,
    ledger::record::{Record, RecordFactory, Verdict},
    model::{
        facts::{Counts, Facts},
        origin::{Origin, OriginKind},
    },
    policy::{PolicyFile, PolicySet},
    ports::{ConnectionFilter, Describe, Ledger, PutOutcome},
};
use wire::{A, PROVIDER, Running, start};

/// Long enough for any answer, and to be sure that none comes in vain.
const SOON: Duration = Duration::from_secs(20);

struct Setting {
    running: Running,
    service: String,
    endpoint: String,
}

async fn setting() -> Setting {
    // Nothing listens there: what would be passed on ends in an error.
    let running = start(Options { control: true, emulator: "http://127.0.0.1:1".to_owned(), ..Options::default() }).await;
    let (service, endpoint) = {
        let mut world = running.local.world();
        let new = NewService { load_balancer_arns: vec!["arn:nlb".into()], ..NewService::default() };
        let service = world.create_service(PROVIDER, new).unwrap();
        world.modify_permissions(PROVIDER, &service.id, &["*".to_owned()], &[]).unwrap();
        let endpoint = world.create_endpoint(A, &service.name, NewEndpoint::default()).unwrap().0.id;
        (service.id, endpoint)
    };
    Setting { running, service, endpoint }
}

impl Setting {
    fn adapter(&self) -> Ec2 {
        Ec2::new(&self.running.config(PROVIDER), "us-east-1".parse().unwrap())
    }

    fn state(&self) -> String {
        self.running.local.world().connection_mut(&self.endpoint).unwrap().state.clone()
    }

    /// The provider accepts, in a task of its own.
    fn accept(&self) -> tokio::task::JoinHandle<bool> {
        let call = self.running.ec2(PROVIDER).accept_vpc_endpoint_connections().service_id(&self.service);
        let call = call.vpc_endpoint_ids(&self.endpoint);
        tokio::spawn(async move { call.send().await.is_ok() })
    }

    async fn list(&self, knob: &str) -> Vec<Value> {
        serde_json::from_str(&self.running.show(knob).await).unwrap()
    }

    /// Returns once so many calls hang.
    async fn await_hanging(&self, count: usize) {
        let deadline = Instant::now() + SOON;
        while self.list("hold").await.len() != count {
            assert!(Instant::now() < deadline, "waited in vain for {count} calls to hang");
        }
    }

    async fn record(&self) -> Record {
        let ec2 = self.adapter();
        let (service, endpoint) = (self.service.parse().unwrap(), self.endpoint.parse().unwrap());
        let facts = Facts {
            service: ec2.services(Some(&service)).await.unwrap().remove(0),
            connection: ec2.connections(ConnectionFilter::Endpoint(&endpoint)).await.unwrap().remove(0),
            counts: Counts::default(),
            membership: warden::model::organization::Membership::NotAsked,
            claim: None,
            now: jiff::Timestamp::now(),
        };
        let text = "@id(\"all\") permit(principal, action == PrivateLink::Action::\"Accept\", resource);".to_owned();
        let policy = PolicySet::load(&[PolicyFile { name: "p.cedar".to_owned(), text }], None).unwrap();
        let grounds = decide(&policy, &facts, &[]).grounds;
        let scribe = RecordFactory { observe: false, retention: SignedDuration::from_hours(24), function_version: "1".to_owned() };
        scribe.record(facts, grounds, Verdict::Referred.into(), &policy, Origin { kind: OriginKind::Sweep, id: "s".to_owned() })
    }
}

#[tokio::test]
async fn an_account_is_throttled_for_a_time_and_no_other() {
    let setting = setting().await;
    let ec2 = setting.adapter();
    setting.running.turn(&format!("faults?account={PROVIDER}&code=RequestLimitExceeded&status=503&for-ms=500")).await;
    let error = ec2.connections(ConnectionFilter::All).await.unwrap_err();
    assert_eq!((error.code.as_deref(), error.is_transient()), (Some("RequestLimitExceeded"), true));
    assert!(ec2.services(None).await.is_err(), "whatever the call");
    assert!(setting.running.ec2(A).describe_vpc_endpoints().send().await.is_ok());
    let met = setting.list("faults").await[0]["met"].as_u64().unwrap();
    assert_eq!(met, 8, "four attempts each, as the SDK is told");
    let deadline = Instant::now() + SOON;
    while ec2.connections(ConnectionFilter::All).await.is_err() {
        assert!(Instant::now() < deadline, "and then it is over");
    }
}

#[tokio::test]
async fn faults_can_be_taken_back() {
    let setting = setting().await;
    setting.running.turn("faults?code=RequestLimitExceeded&status=503&for-ms=3600000").await;
    assert!(setting.adapter().services(None).await.is_err());
    setting.running.turn("hold?action=AcceptVpcEndpointConnections&when=before").await;
    let accepting = setting.accept();
    setting.running.turn("calm").await;
    assert!(setting.adapter().services(None).await.is_ok());
    assert!(accepting.await.unwrap(), "whether it hung already or not");
    assert!(setting.list("faults").await.is_empty());
}

#[tokio::test]
async fn who_ends_before_the_effect_has_done_nothing() {
    let setting = setting().await;
    setting.running.turn(&format!("hold?action=AcceptVpcEndpointConnections&service={}&when=before", setting.service)).await;
    let accepting = setting.accept();
    setting.await_hanging(1).await;
    assert!(setting.list("hold").await[0]["peer"].as_str().unwrap().starts_with("127.0.0.1:"));
    accepting.abort();
    setting.await_hanging(0).await;
    assert_eq!(setting.state(), "pendingAcceptance");
    assert!(setting.accept().await.unwrap(), "the next one is taken as ever");
}

#[tokio::test]
async fn who_ends_after_the_effect_has_done_it() {
    let setting = setting().await;
    setting.running.turn("hold?action=AcceptVpcEndpointConnections&when=after").await;
    let accepting = setting.accept();
    setting.await_hanging(1).await;
    assert_ne!(setting.state(), "pendingAcceptance");
    assert!(!accepting.is_finished());
    setting.running.turn("release").await;
    assert!(accepting.await.unwrap(), "let go, it gets its answer");
}

#[tokio::test]
async fn the_call_about_another_service_does_not_hang() {
    let setting = setting().await;
    setting.running.turn("hold?action=AcceptVpcEndpointConnections&service=vpce-svc-0ffffffffffffffff&when=before").await;
    assert!(setting.accept().await.unwrap());
}

#[tokio::test]
async fn the_ledger_refuses_as_dynamodb_does() {
    let setting = setting().await;
    let table = Table::new(&setting.running.config(PROVIDER), "ledger".to_owned(), SignedDuration::from_hours(24));
    let record = setting.record().await;
    for (code, attempts) in [("ProvisionedThroughputExceededException", 4), ("ThrottlingException", 4), ("TransactionConflictException", 1)]
    {
        setting.running.turn(&format!("faults?action=PutItem&code={code}&status=400&for-ms=3600000")).await;
        let error = table.put(&record).await.unwrap_err();
        assert_eq!(error.code.as_deref(), Some(code));
        assert_eq!(setting.list("faults").await[0]["met"], attempts, "{code}");
    }
    setting.running.turn("faults?action=PutItem&code=ConditionalCheckFailedException&status=400&next=1").await;
    assert_eq!(table.put(&record).await.unwrap(), PutOutcome::AlreadyThere);
}

#[tokio::test]
async fn without_control_there_is_no_such_door() {
    let running = start(Options { emulator: "http://127.0.0.1:1".to_owned(), ..Options::default() }).await;
    for knob in ["faults?code=X&status=503&next=1", "hold?action=X&when=before", "calm", "release", "drop-notifications?every=3", "age"] {
        let answer = reqwest::Client::new().post(format!("{}/_local/{knob}", running.url)).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 502, "{knob}: passed on like anything else");
    }
}

#[tokio::test]
async fn a_knob_that_makes_no_sense_says_why() {
    let setting = setting().await;
    for (knob, why) in [
        ("faults?code=X&status=503", "either `next` or `for-ms` is needed"),
        ("faults?code=X&status=503&next=1&for-ms=1", "either `next` or `for-ms` is needed"),
        ("faults?code=X&status=70000&next=1", "`status` is no HTTP status"),
        ("hold?action=X&when=later", "`later` is no moment; take before or after"),
        ("drop-notifications?every=third", "`every` is no number"),
        ("age?endpoint=vpce-0&seconds=1", "there is no such `endpoint`"),
    ] {
        let answer = reqwest::Client::new().post(format!("{}/_local/{knob}", setting.running.url)).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().trim()), (400, why), "{knob}");
    }
}
