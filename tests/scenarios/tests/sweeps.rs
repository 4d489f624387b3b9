//! The sweep: events are best effort, so it answers everything that waits.

use std::time::Duration;

use jiff::SignedDuration;
use local::world::{Effect, NewEndpoint};
use scenarios::{ALLOWED, Fault, PERMIT_ALL, TestEnvironment, UNLISTED, gateway_service, permit_account, sweep_event};
use warden::ledger::record::Verdict;

#[tokio::test]
async fn sweep_answers_request_without_events() {
    let env = TestEnvironment::new();
    let request = env.request(ALLOWED);
    assert_eq!(env.sweep().await.unwrap().written, [Verdict::Accepted]);
    assert_eq!(env.state(&request.endpoint), "pending");
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
    env.sweep().await.unwrap();
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
    env.sweep().await.unwrap();
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
    assert_eq!(env.sweep().await.unwrap().written.len(), 120);
    let calls = env.aws.faults.take_calls();
    assert_eq!(calls.iter().filter(|call| **call == "AcceptVpcEndpointConnections").count(), 3);
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
    // EC2 refuses the whole call. Then each request has its own call, and EC2 refuses the first of them again.
    env.aws.faults.next("AcceptVpcEndpointConnections", &[Fault::Before("InvalidParameter"); 2]);
    let summary = env.sweep().await.unwrap();
    assert_eq!(summary.written, [Verdict::Failed, Verdict::Accepted, Verdict::Accepted, Verdict::Accepted, Verdict::Accepted]);
    assert!(env.is_pending(&endpoints[0]));
    assert_eq!(env.sweep().await.unwrap().written, [Verdict::Accepted]);
}

#[tokio::test]
async fn acceptances_beside_refused_rejection_are_recorded() {
    let env = TestEnvironment::new().with_policy(&format!(
        "{} @id(\"out\") permit(principal == PrivateLink::Account::\"{UNLISTED}\", action == PrivateLink::Action::\"Reject\", resource);",
        permit_account("in", ALLOWED, "true")
    ));
    let endpoints = [ALLOWED, UNLISTED, ALLOWED, UNLISTED].map(|account| env.request(account).endpoint);
    env.aws.faults.next("RejectVpcEndpointConnections", &[Fault::Before("InvalidParameter")]);
    let summary = env.sweep().await.unwrap();
    assert_eq!(summary.written, [Verdict::Accepted, Verdict::Accepted, Verdict::Rejected, Verdict::Rejected]);
    assert_eq!(endpoints.map(|endpoint| env.state(&endpoint)), ["pending", "rejected", "pending", "rejected"]);
    let calls = env.aws.faults.take_calls();
    let acts: Vec<&str> = calls.into_iter().filter_map(|call| call.strip_suffix("VpcEndpointConnections")).collect();
    assert_eq!(acts, ["Describe", "Accept", "Reject", "Reject", "Reject"]);
}

#[tokio::test]
async fn sweep_stops_before_its_deadline() {
    let env = TestEnvironment::new();
    let request = env.request(ALLOWED);
    let summary = env.deliver_within(&sweep_event(), Duration::from_secs(1)).await.unwrap();
    assert_eq!((summary.put_off, env.is_pending(&request.endpoint)), (1, true));
    // For a thousand services, a thousand queries of the ledger would take longer than any deadline.
    assert_eq!(env.ledger.faults.take_calls(), [""; 0]);
    assert_eq!(env.aws.faults.take_calls(), ["DescribeVpcEndpointServiceConfigurations", "DescribeVpcEndpointConnections"]);
    assert_eq!(env.sweep().await.unwrap().put_off, 0);
    assert_eq!(env.state(&request.endpoint), "pending");
}
