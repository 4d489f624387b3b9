//! The faults of `local`, as the SDK and the adapters see them: throttling for a time, calls that hang before or after their
//! effect, and a ledger that refuses writes.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use local::server::Options;
use serde_json::Value;
use tokio::task::JoinHandle;
use warden::{
    aws::dynamodb::Table,
    ports::{ConnectionFilter, Describe, ServiceLedger},
};

use crate::{CONSUMER, PROVIDER, ledger::commit, server::Server};

/// Longer than any wait for an answer.
const SOON: Duration = Duration::from_secs(20);

/// A server with a pending request.
struct Setting {
    server: Server,
    endpoint: String,
}

impl Setting {
    async fn new() -> Self {
        let server = Server::start_with_control().await;
        let endpoint = server.request();
        Self { server, endpoint }
    }

    fn is_pending(&self) -> bool {
        self.server.local.world().connection_mut(&self.endpoint).unwrap().state == "pendingAcceptance"
    }

    /// The provider accepts the request, in a task of its own. The task returns true after success.
    fn accept(&self) -> JoinHandle<bool> {
        let call = self.server.client(PROVIDER).accept_vpc_endpoint_connections().service_id(self.server.service.to_string());
        let call = call.vpc_endpoint_ids(&self.endpoint);
        tokio::spawn(async move { call.send().await.is_ok() })
    }

    async fn control(&self, call: &str) {
        let answer = self.server.control(call).await;
        assert!(answer.status().is_success(), "{call}: {answer:?}");
    }

    async fn list(&self, what: &str) -> Vec<Value> {
        let answer = reqwest::get(format!("{}/_local/{what}", self.server.url)).await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// Returns once so many calls hang.
    async fn await_hanging(&self, count: usize) {
        let deadline = Instant::now() + SOON;
        while self.list("hold").await.len() != count {
            assert!(Instant::now() < deadline, "{count} calls do not hang");
        }
    }
}

#[tokio::test]
async fn one_account_is_throttled_for_a_time() {
    let setting = Setting::new().await;
    let ec2 = setting.server.adapter();
    setting.control(&format!("faults?account={PROVIDER}&code=RequestLimitExceeded&status=503&for-ms=500")).await;
    let error = ec2.connections(ConnectionFilter::All).await.unwrap_err();
    assert_eq!((error.code.as_deref(), error.is_transient()), (Some("RequestLimitExceeded"), true));
    assert!(ec2.services(None).await.is_err(), "every call");
    assert!(setting.server.client(CONSUMER).describe_vpc_endpoints().send().await.is_ok());
    let met = setting.list("faults").await[0]["met"].as_u64().unwrap();
    assert_eq!(met, 8, "four attempts for each call, as the SDK is configured");
    let deadline = Instant::now() + SOON;
    while ec2.connections(ConnectionFilter::All).await.is_err() {
        assert!(Instant::now() < deadline, "the throttling does not end");
    }
}

#[tokio::test]
async fn calm_removes_faults_and_holds() {
    let setting = Setting::new().await;
    setting.control("faults?code=RequestLimitExceeded&status=503&for-ms=3600000").await;
    assert!(setting.server.adapter().services(None).await.is_err());
    setting.control("hold?action=AcceptVpcEndpointConnections&when=before").await;
    let accepting = setting.accept();
    setting.control("calm").await;
    assert!(setting.server.adapter().services(None).await.is_ok());
    assert!(accepting.await.unwrap(), "whether it hung or not");
    assert!(setting.list("faults").await.is_empty());
}

#[tokio::test]
async fn crash_before_the_effect_changes_nothing() {
    let setting = Setting::new().await;
    setting.control(&format!("hold?action=AcceptVpcEndpointConnections&service={}&when=before", setting.server.service)).await;
    let accepting = setting.accept();
    setting.await_hanging(1).await;
    assert!(setting.list("hold").await[0]["peer"].as_str().unwrap().starts_with("127.0.0.1:"));
    accepting.abort();
    setting.await_hanging(0).await;
    assert!(setting.is_pending());
    assert!(setting.accept().await.unwrap(), "the next call passes");
}

#[tokio::test]
async fn call_that_hangs_after_its_effect_had_it() {
    let setting = Setting::new().await;
    setting.control("hold?action=AcceptVpcEndpointConnections&when=after").await;
    let accepting = setting.accept();
    setting.await_hanging(1).await;
    assert!(!setting.is_pending());
    assert!(!accepting.is_finished());
    setting.control("release").await;
    assert!(accepting.await.unwrap(), "a released call gets its answer");
}

#[tokio::test]
async fn hold_of_another_service_does_not_hang() {
    let setting = Setting::new().await;
    setting.control("hold?action=AcceptVpcEndpointConnections&service=vpce-svc-0ffffffffffffffff&when=before").await;
    assert!(setting.accept().await.unwrap());
}

#[tokio::test]
async fn ledger_refuses_as_dynamodb_does() {
    let setting = Setting::new().await;
    let table = Table::new(&setting.server.config(PROVIDER), "ledger".to_owned(), SignedDuration::from_hours(24));
    let (service, write) = (&setting.server.service, commit(Vec::new()));
    for (code, attempts) in [("ProvisionedThroughputExceededException", 4), ("ThrottlingException", 4), ("TransactionConflictException", 1)]
    {
        setting.control(&format!("faults?action=TransactWriteItems&code={code}&status=400&for-ms=3600000")).await;
        let error = table.commit(service, &write).await.unwrap_err();
        assert_eq!(error.code.as_deref(), Some(code));
        assert_eq!(setting.list("faults").await[0]["met"], attempts, "{code}");
    }
}

#[tokio::test]
async fn control_api_is_off_by_default() {
    let server = Server::start(Options { emulator: "http://127.0.0.1:1".to_owned(), ..Options::default() }).await;
    for call in ["faults?code=X&status=503&next=1", "hold?action=X&when=before", "calm", "release", "drop-notifications?every=3", "age"] {
        assert_eq!(server.control(call).await.status().as_u16(), 502, "{call}: forwarded as any other call");
    }
}

#[tokio::test]
async fn invalid_control_call_says_why() {
    let server = Server::start_with_control().await;
    for (call, why) in [
        ("faults?code=X&status=503", "either `next` or `for-ms` is needed"),
        ("faults?code=X&status=503&next=1&for-ms=1", "either `next` or `for-ms` is needed"),
        ("faults?code=X&status=70000&next=1", "`status` is no HTTP status"),
        ("hold?action=X&when=later", "`later` is no moment; take before or after"),
        ("drop-notifications?every=third", "`every` is no number"),
        ("age?endpoint=vpce-0&seconds=1", "there is no such `endpoint`"),
    ] {
        let answer = server.control(call).await;
        assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().trim()), (400, why), "{call}");
    }
}
