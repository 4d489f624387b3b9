//! Events are hints: an event says where to look, and EC2 says what is true.

use jiff::SignedDuration;
use scenarios::{ALLOWED, NewRequest, TestEnvironment, UNLISTED};
use serde_json::{Value, json};
use warden::ledger::record::Verdict;

/// The CloudTrail event of a request, with another value in the created endpoint.
fn changed(request: &NewRequest, field: &str, value: &str) -> Value {
    let mut event = request.trail.clone();
    event["detail"]["responseElements"]["CreateVpcEndpointResponse"]["vpcEndpoint"][field] = json!(value);
    event
}

#[tokio::test]
async fn forged_owner_accepts_nothing_and_alerts() {
    let env = TestEnvironment::new();
    let request = env.request(UNLISTED);
    env.deliver(&changed(&request, "ownerId", ALLOWED)).await;
    assert!(env.is_pending(&request.endpoint));
    assert_eq!(env.only_record().verdict, Verdict::Disputed);
    let messages = env.messages().await;
    assert!(messages[0].attributes.contains(&("severity", "critical".to_owned())), "{messages:?}");
}

#[tokio::test]
async fn allowed_request_survives_forged_event() {
    let env = TestEnvironment::new();
    let request = env.request(ALLOWED);
    env.deliver(&changed(&request, "ownerId", UNLISTED)).await;
    env.sweep().await;
    assert_eq!(env.verdicts(&request.endpoint), [Verdict::Accepted, Verdict::Disputed]);
}

#[tokio::test]
async fn role_counts_only_if_event_agrees_with_ec2() {
    let role = "arn:aws:iam::111122223333:role/team/network-deployer";
    let env = TestEnvironment::new().with_policy(&scenarios::permit_account(
        "deployer",
        ALLOWED,
        &format!("context has requester && context.requester.role == \"{role}\""),
    ));
    let request = env.request(ALLOWED);
    let mut relayed = request.trail.clone();
    relayed["account"] = json!(UNLISTED);
    env.deliver(&relayed).await;
    assert!(env.is_pending(&request.endpoint));
    env.deliver(&request.trail).await;
    assert_eq!(env.state(&request.endpoint), "pending");
}

#[tokio::test]
async fn events_about_other_services_are_ignored() {
    let env = TestEnvironment::new();
    let request = env.request(ALLOWED);
    let other_region = format!("com.amazonaws.vpce.eu-west-1.{}", env.service);
    for name in [other_region.as_str(), "com.amazonaws.us-east-1.s3"] {
        assert_eq!(env.deliver(&changed(&request, "serviceName", name)).await.ignored, 1);
        assert_eq!(env.aws.faults.take_calls(), [""; 0]);
    }
    let other_account = changed(&request, "serviceName", "com.amazonaws.vpce.us-east-1.vpce-svc-0ffffffffffffffff");
    assert_eq!(env.deliver(&other_account).await.ignored, 1);
    assert_eq!(env.aws.faults.take_calls(), ["DescribeVpcEndpointServiceConfigurations", "DescribeVpcEndpointConnections"]);
    assert!(env.ledger.records().is_empty());
}

#[tokio::test]
async fn notification_without_ids_sweeps_services_of_topic() {
    let env = TestEnvironment::new();
    let first = env.request(ALLOWED);
    let mut event = first.notification.clone();
    event["Message"] = json!("A connection event happened.");
    env.deliver(&event).await;
    assert_eq!(env.state(&first.endpoint), "pending");
    let second = env.request(ALLOWED);
    event["TopicArn"] = json!("arn:aws:sns:us-east-1:123456789012:another");
    env.deliver(&event).await;
    assert!(env.is_pending(&second.endpoint), "no service notifies that topic");
}

#[tokio::test]
async fn endpoint_id_alone_is_enough() {
    let env = TestEnvironment::new();
    let request = env.request(ALLOWED);
    let mut event = request.notification.clone();
    event["Message"] = json!(format!("endpoint {} asks", request.endpoint));
    env.deliver(&event).await;
    assert_eq!(env.state(&request.endpoint), "pending");
}

#[tokio::test]
async fn endpoint_unknown_to_ec2_is_retried() {
    let env = TestEnvironment::new();
    env.aws.world().set_visibility_delay(SignedDuration::from_secs(30));
    let request = env.request(ALLOWED);
    env.deliver(&request.notification).await;
    assert_eq!(env.verdicts(&request.endpoint), [Verdict::Accepted]);
}
