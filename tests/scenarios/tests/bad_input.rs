//! Messages and items that cannot be read: nothing is accepted, nothing is lost, a person is told.

use jiff::SignedDuration;
use scenarios::{ALLOWED, PERMIT_ALL, TOPIC, TestEnvironment, interface_service, notification};
use serde_json::json;

#[tokio::test]
async fn unreadable_message_becomes_a_dead_letter() {
    let env = TestEnvironment::new();
    let large = format!("{{\"x\": \"{}", "x".repeat(256 * 1024 - 8));
    for body in ["", "not json", "{}", "[]", "{\"Type\": \"Notification\"}", &large] {
        env.queue.push(body);
        env.work().await;
        let (letter, reason) = env.queue.dead_letters().pop().unwrap();
        assert_eq!((letter.as_str(), reason.is_empty(), env.queue.bodies().len()), (body, false, 0), "{reason}");
    }
    assert_eq!(env.aws.faults.take_calls(), [""; 0]);
}

#[tokio::test]
async fn unreadable_message_does_not_stop_the_batch() {
    let env = TestEnvironment::new();
    let request = env.request(ALLOWED);
    env.queue.push("not json");
    env.deliver(&request.notification).await;
    assert!(!env.is_pending(&request.endpoint));
}

#[tokio::test]
async fn endpoint_of_another_service_is_answered_there() {
    let env = TestEnvironment::new().with_policy(PERMIT_ALL);
    let other = env.create_service(interface_service("other"), &[ALLOWED]);
    let endpoint = env.request(ALLOWED).endpoint;
    let text = json!({"serviceId": other, "vpcEndpointId": endpoint}).to_string();
    env.deliver(&notification(TOPIC, &text)).await;
    assert_eq!((env.is_pending(&endpoint), env.ledger.records().len()), (true, 0));
    // EC2 may know the endpoint a moment later. After five minutes the hint is dropped.
    env.pass(SignedDuration::from_mins(6));
    env.work().await;
    assert_eq!((env.queue.bodies().len(), env.queue.dead_letters().len()), (0, 0));
    env.sweep().await;
    assert!(!env.is_pending(&endpoint));
}

#[tokio::test]
async fn deleted_endpoint_leaves_no_dead_letter() {
    let env = TestEnvironment::new();
    let request = env.request(ALLOWED);
    env.aws.world().delete_endpoints(ALLOWED, &[request.endpoint]);
    let unknown = notification(TOPIC, &json!({"vpcEndpointId": "vpce-0ffffffffffffffff"}).to_string());
    for message in [request.notification, request.trail, unknown] {
        env.deliver(&message).await;
    }
    for _ in 0..6 {
        env.pass(SignedDuration::from_mins(1));
        env.work().await;
    }
    assert_eq!((env.queue.bodies().len(), env.queue.dead_letters().len()), (0, 0));
}

#[tokio::test]
async fn state_of_newer_version_stops_the_service() {
    let env = TestEnvironment::new();
    env.ledger.make_state_newer(&env.service);
    let request = env.request(ALLOWED);
    let summary = env.deliver(&request.notification).await;
    assert!(summary.errors > 0, "an alarm counts the error");
    assert_eq!((env.is_pending(&request.endpoint), env.ledger.records().len()), (true, 0));
}
