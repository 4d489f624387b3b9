//! The sweep: events are best effort, so it answers everything that waits.

use std::time::Duration;

use jiff::SignedDuration;
use local::world::{Effect, NewEndpoint};
use scenarios::{ALLOWED, Fault, PERMIT_ALL, TestEnvironment, UNLISTED, gateway_service, permit_account};
use warden::ledger::record::Verdict;

const ACCEPT: &str = "AcceptVpcEndpointConnections";
const REJECT: &str = "RejectVpcEndpointConnections";

#[tokio::test]
async fn sweep_answers_request_without_events() {
    let env = TestEnvironment::new();
    let request = env.request(ALLOWED);
    assert_eq!(env.sweep().await.written, [Verdict::Accepted]);
    assert_eq!(env.state(&request.endpoint), "pending");
}

/// An act, the description after it and two writes have to fit into what is left of the invocation.
#[tokio::test]
async fn late_invocation_begins_no_act() {
    let env = TestEnvironment::new();
    let request = env.request(ALLOWED);
    env.queue.push(&request.notification.to_string());
    env.aws.faults.meanwhile("DescribeVpcEndpointConnections", || std::thread::sleep(Duration::from_millis(60)));
    env.aws.faults.take_calls();
    let summary = env.invoke_within(approve::MARGIN + Duration::from_millis(50)).await.unwrap();
    assert_eq!((summary.written, env.aws.faults.take_calls().contains(&ACCEPT)), (Vec::new(), false));
    assert!(env.ledger.records().is_empty() && env.state(&request.endpoint) == "pendingAcceptance");
    env.work().await;
    assert_eq!(env.verdicts(&request.endpoint), [Verdict::Accepted], "the message stayed in the queue");
}

#[tokio::test]
async fn sweep_answers_gateway_load_balancer_service() {
    let env = TestEnvironment::new().with_policy(
        "@id(\"all\") permit(principal, action == PrivateLink::Action::\"Accept\", resource) when { resource.kind == \"GatewayLoadBalancer\" };",
    );
    let service = env.create_service(gateway_service("firewall"), &[ALLOWED]);
    let name = format!("com.amazonaws.vpce.us-east-1.{service}");
    let (endpoint, effects) = env.aws.world().create_endpoint(ALLOWED, &name, NewEndpoint::default()).unwrap();
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Notification { .. })), "AWS sends no notification");
    env.sweep().await;
    assert_eq!(env.state(&endpoint.id), "pending");
}

#[tokio::test]
async fn oldest_requests_get_the_last_places() {
    let env = TestEnvironment::new().with_policy(&permit_account("two", ALLOWED, "context.connections.ofService < 2"));
    let mut endpoints = Vec::new();
    for _ in 0..4 {
        endpoints.push(env.request(ALLOWED).endpoint);
        env.pass(SignedDuration::from_secs(1));
    }
    env.sweep().await;
    let states: Vec<String> = endpoints.iter().map(|endpoint| env.state(endpoint)).collect();
    assert_eq!(states, ["pending", "pending", "pendingAcceptance", "pendingAcceptance"]);
}

#[tokio::test]
async fn sweep_reads_all_pages_and_accepts_in_chunks() {
    let env = TestEnvironment::new().with_policy(PERMIT_ALL);
    env.aws.world().set_page_size_max(7);
    for _ in 0..120 {
        let _ = env.request(ALLOWED);
    }
    assert_eq!(env.sweep().await.written.len(), 120);
    let calls = env.aws.faults.take_calls();
    assert_eq!(calls.iter().filter(|call| **call == "AcceptVpcEndpointConnections").count(), 3);
}

/// AWS does not document what a listing does if a connection is created between two of its pages.
#[tokio::test]
async fn repeated_connection_is_accepted_once() {
    const DESCRIBE: &str = "DescribeVpcEndpointConnections";
    let env = TestEnvironment::new().with_policy(PERMIT_ALL);
    env.aws.world().set_page_size_max(1);
    let first: Vec<String> = (0..4).map(|_| env.request(ALLOWED).endpoint).collect();
    let (between, faults) = (env.clone(), env.aws.faults.clone());
    // Before the second page: connections that sort before those on the first page push them to the second.
    env.aws.faults.meanwhile(DESCRIBE, move || {
        faults.meanwhile(DESCRIBE, move || (0..8).for_each(|_| drop(between.request(ALLOWED))));
    });
    env.sweep().await;
    for endpoint in first {
        assert_eq!(env.verdicts(&endpoint), [Verdict::Accepted]);
    }
}

#[tokio::test]
async fn refused_request_does_not_stop_others() {
    let env = TestEnvironment::new();
    let endpoints: Vec<String> = (0..5)
        .map(|_| {
            env.pass(SignedDuration::from_secs(1));
            env.request(ALLOWED).endpoint
        })
        .collect();
    // EC2 refuses every call that contains the first request: of five, of two, and of one.
    env.aws.faults.next(ACCEPT, &[Fault::Before("InvalidParameter"); 3]);
    let summary = env.sweep().await;
    assert_eq!(summary.written, [Verdict::Failed, Verdict::Accepted, Verdict::Accepted, Verdict::Accepted, Verdict::Accepted]);
    assert!(env.is_pending(&endpoints[0]));
    assert_eq!(acts(&env), [ACCEPT; 5]);
    env.pass(SignedDuration::from_mins(5));
    assert_eq!(env.sweep().await.written, [Verdict::Accepted]);
}

#[tokio::test]
async fn acceptances_beside_refused_rejection_are_recorded() {
    let env = TestEnvironment::new().with_policy(&format!(
        "{} @id(\"out\") permit(principal == PrivateLink::Account::\"{UNLISTED}\", action == PrivateLink::Action::\"Reject\", resource);",
        permit_account("in", ALLOWED, "true")
    ));
    let endpoints = [ALLOWED, UNLISTED, ALLOWED, UNLISTED].map(|account| env.request(account).endpoint);
    env.aws.faults.next(REJECT, &[Fault::Before("InvalidParameter")]);
    let summary = env.sweep().await;
    assert_eq!(summary.written, [Verdict::Accepted, Verdict::Accepted, Verdict::Rejected, Verdict::Rejected]);
    let live = |endpoint: &String| ["pending", "available"].contains(&env.state(endpoint).as_str());
    assert_eq!(endpoints.each_ref().map(live), [true, false, true, false]);
    assert_eq!(acts(&env), [ACCEPT, REJECT, REJECT, REJECT]);
}

#[tokio::test]
async fn waiting_strangers_cost_no_writes() {
    let env = TestEnvironment::new();
    for _ in 0..20 {
        let _ = env.request(UNLISTED);
    }
    env.sweep().await;
    let _ = env.ledger.faults.take_calls();
    env.pass(SignedDuration::from_mins(5));
    env.sweep().await;
    assert_eq!(env.ledger.faults.take_calls(), ["OpenServicesQuery", "ServiceQuery", "DecisionsQuery"]);
}

#[tokio::test]
async fn strangers_do_not_hold_up_an_allowed_request() {
    let env = TestEnvironment::new().with_policy(
        "@id(\"unit\") permit(principal in PrivateLink::OrganizationalUnit::\"ou-ab12-11112222\", action == PrivateLink::Action::\"Accept\", resource);",
    );
    for n in 0..750 {
        let stranger = format!("{:012}", 500_000_000_000_u64 + n);
        env.permit(&scenarios::root(&stranger));
        env.enrol(&stranger, "ACTIVE", "ou-ab12-99998888");
        let _ = env.request(&stranger);
    }
    env.pass(SignedDuration::from_mins(1));
    env.enrol(ALLOWED, "ACTIVE", "ou-ab12-11112222");
    let endpoint = env.request(ALLOWED).endpoint;
    env.sweep().await;
    assert!(!env.is_pending(&endpoint));
}

#[tokio::test]
async fn service_outside_scope_with_open_intent_is_finished() {
    let mut env = TestEnvironment::new();
    let request = env.request(ALLOWED);
    env.aws.faults.next(ACCEPT, &[Fault::After("")]);
    env.deliver(&request.notification).await;
    env.scope = warden::model::scope::Scope::Tag { key: "Name".to_owned(), value: "billing".to_owned() };
    env.pass(SignedDuration::from_mins(5));
    assert_eq!(env.sweep().await.written, [Verdict::Accepted]);
    assert!(env.only_record().recovered);
}

fn acts(env: &TestEnvironment) -> Vec<&'static str> {
    env.aws.faults.take_calls().into_iter().filter(|call| [ACCEPT, REJECT].contains(call)).collect()
}
