//! Services that the tag `warden:mode` narrows to observing. The risk: the warden acts on a service that is not ready for it.

use jiff::SignedDuration;
use scenarios::{ALLOWED, Fault, PROVIDER, TOPIC, TestEnvironment, interface_service};
use warden::{ledger::record::Verdict, model::mode::MODE_TAG};

const ACCEPT: &str = "AcceptVpcEndpointConnections";
const REJECT: &str = "RejectVpcEndpointConnections";

fn acts(env: &TestEnvironment) -> usize {
    env.aws.faults.take_calls().into_iter().filter(|call| [ACCEPT, REJECT].contains(call)).count()
}

/// An act whose confirmation is lost: the intent stays open.
async fn unconfirmed(env: &TestEnvironment) -> String {
    let request = env.request(ALLOWED);
    env.ledger.faults.next("Commit", &[Fault::None, Fault::Before("InternalServerError")]);
    env.queue.push(&request.notification.to_string());
    assert_eq!(env.invoke().await.unwrap().errors, 1);
    assert_eq!(env.ledger.records().len(), 0);
    request.endpoint
}

async fn next_sweep(env: &TestEnvironment) {
    env.pass(SignedDuration::from_mins(5));
    env.sweep().await;
}

#[tokio::test]
async fn observed_service_is_recorded_and_not_acted_on() {
    let env = TestEnvironment::new();
    env.tag(MODE_TAG, "observe");
    let endpoint = env.notified_request(ALLOWED).await;
    env.sweep().await;
    assert_eq!((env.is_pending(&endpoint), acts(&env)), (true, 0));
    let record = env.only_record();
    assert_eq!((record.verdict, record.observe), (Verdict::ObservedAccept, true));
    assert!(env.messages().await[0].text.contains("In observe mode, it stays pending."));

    env.untag(MODE_TAG);
    next_sweep(&env).await;
    assert_eq!(env.state(&endpoint), "pending");
    assert_eq!(env.verdicts(&endpoint), [Verdict::Accepted, Verdict::ObservedAccept]);
}

#[tokio::test]
async fn other_services_stay_active() {
    let mut env = TestEnvironment::new();
    env.tag(MODE_TAG, "observe");
    let observed = env.request(ALLOWED).endpoint;
    env.service = env.create_service(interface_service("redis"), &[ALLOWED]);
    env.aws.world().create_notification(PROVIDER, &env.service, TOPIC, &["Connect".to_owned()]).unwrap();
    let active = env.request(ALLOWED).endpoint;
    env.sweep().await;
    assert_eq!((env.is_pending(&observed), env.state(&active).as_str(), acts(&env)), (true, "pending", 1));
}

#[tokio::test]
async fn observed_rejection_is_not_carried_out() {
    let env = TestEnvironment::new().with_policy("@id(\"no\") permit(principal, action == PrivateLink::Action::\"Reject\", resource);");
    env.tag(MODE_TAG, "observe");
    let endpoint = env.notified_request(ALLOWED).await;
    assert_eq!((env.is_pending(&endpoint), acts(&env), env.only_record().verdict), (true, 0, Verdict::ObservedReject));
}

#[tokio::test]
async fn act_before_the_tag_is_recovered() {
    let env = TestEnvironment::new();
    let endpoint = unconfirmed(&env).await;
    env.tag(MODE_TAG, "observe");
    next_sweep(&env).await;
    let record = env.only_record();
    assert_eq!((record.verdict, record.recovered, record.observe), (Verdict::Accepted, true, false));
    assert_eq!((env.state(&endpoint).as_str(), acts(&env)), ("available", 1));
}

#[tokio::test]
async fn unconfirmed_observation_is_no_act() {
    let env = TestEnvironment::new();
    env.tag(MODE_TAG, "observe");
    let endpoint = unconfirmed(&env).await;
    assert_eq!((env.is_pending(&endpoint), acts(&env)), (true, 0));
    env.untag(MODE_TAG);
    next_sweep(&env).await;
    assert_eq!((env.verdicts(&endpoint), env.only_record().recovered, acts(&env)), (vec![Verdict::Accepted], false, 1));
}
