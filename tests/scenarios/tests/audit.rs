//! The findings of the audit, each beside a similar case without the finding. The risks: a stranger stays connected, or
//! false findings make people ignore the report.

mod connections;
mod counted;
mod coverage;
mod digests;
mod grants;
mod holds;
mod overdue;
mod policies;
mod reports;
mod services;

use std::{sync::mpsc, time::Duration};

use jiff::SignedDuration;
use scenarios::{ALLOWED, TestEnvironment, UNLISTED, root};
use warden::message::Message;

const DAY: SignedDuration = SignedDuration::from_hours(24);
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const NONE: [&str; 0] = [];

/// The environment without any finding: [`ALLOWED`] alone has a permission.
fn without_findings() -> TestEnvironment {
    let env = TestEnvironment::new();
    env.withdraw(&root(UNLISTED));
    env
}

/// An endpoint that the warden accepted an hour ago.
async fn accepted(env: &TestEnvironment) -> String {
    let endpoint = env.notified_request(ALLOWED).await;
    env.pass(HOUR);
    endpoint
}

/// An endpoint that the warden left pending, and that a person accepted an hour ago.
async fn accepted_manually(env: &TestEnvironment, account: &str) -> String {
    let endpoint = env.notified_request(account).await;
    env.accept_manually(&endpoint);
    env.pass(HOUR);
    endpoint
}

/// Lets a second run audit everything immediately before the first one's next call of this name.
fn audit_meanwhile(env: &TestEnvironment, call: &str) {
    let (sender, receiver) = mpsc::channel();
    let other = TestEnvironment { run: "run-2", ..env.clone() };
    env.ledger.faults.meanwhile(call, move || {
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(other.audit()).unwrap();
            sender.send(()).unwrap();
        });
        receiver.recv_timeout(Duration::from_secs(30)).expect("the other run ends");
    });
}

/// The findings of one kind in a new audit, without the kind and the service.
async fn found(env: &TestEnvironment, kind: &str) -> Vec<String> {
    let prefix = format!("{kind}/");
    let findings = env.findings().await.into_iter().filter_map(|id| id.strip_prefix(&prefix).map(str::to_owned));
    findings.map(|id| id.strip_prefix(&format!("{}/", env.service)).map_or_else(|| id.clone(), str::to_owned)).collect()
}

fn require_acceptance(env: &TestEnvironment, required: bool) {
    let change = local::world::ServiceChange { acceptance_required: Some(required), ..Default::default() };
    env.aws.world().modify_service(scenarios::PROVIDER, &env.service, change).unwrap();
}

/// The messages about a new audit.
async fn digests(env: &TestEnvironment) -> Vec<Message> {
    env.audit().await.unwrap();
    let messages = env.messages().await.into_iter();
    messages.filter(|message| message.attributes.contains(&("decision", "audit".to_owned()))).collect()
}

/// The parts that a new audit could not inspect.
async fn unseen(env: &TestEnvironment) -> Vec<String> {
    env.audit().await.unwrap().unseen
}
