//! The answers to requests. The risk: a stranger is connected, or a customer is left waiting.

use scenarios::{ALLOWED, PERMIT_ALL, TestEnvironment, UNLISTED};
use serde_json::Value;
use warden::{
    decision::Action,
    ledger::record::{Record, Verdict},
    model::scope::Scope,
    policy::evaluation::Refer,
};

#[tokio::test]
async fn allowed_request_is_accepted() {
    let env = TestEnvironment::new();
    let request = env.request(ALLOWED);
    let summary = env.deliver(&request.notification).await;
    assert_eq!(summary.written, [Verdict::Accepted]);
    assert_eq!(env.state(&request.endpoint), "pending");
    assert_eq!(env.only_record().judgement.unwrap().accept.policies[0].id.as_str(), "redis-consumers");
}

#[tokio::test]
async fn acceptance_needs_seven_calls() {
    let env = TestEnvironment::new();
    env.notified_request(ALLOWED).await;
    let ec2 = env.aws.faults.take_calls();
    assert_eq!(ec2, ["DescribeVpcEndpointServiceConfigurations", "DescribeVpcEndpointConnections", "AcceptVpcEndpointConnections"]);
    assert_eq!(env.ledger.faults.take_calls(), ["ServiceQuery", "DecisionsQuery", "Commit", "Commit"]);
    assert_eq!(env.queue.faults.take_calls(), [""; 0]);
}

#[tokio::test]
async fn unlisted_request_waits_and_is_told_once() {
    let env = TestEnvironment::new();
    let request = env.request(UNLISTED);
    env.deliver(&request.notification).await;
    env.deliver(&request.trail).await;
    env.sweep().await;
    assert!(env.is_pending(&request.endpoint));
    assert_eq!(env.only_record().refer, Some(Refer::NoPermit));
    assert_eq!(env.messages().await.len(), 1);
    assert_eq!(env.messages().await.len(), 0);
}

#[tokio::test]
async fn repeated_events_change_nothing() {
    let env = TestEnvironment::new();
    let request = env.request(ALLOWED);
    for _ in 0..3 {
        env.deliver(&request.notification).await;
        env.deliver(&request.trail).await;
        env.sweep().await;
    }
    assert_eq!(env.ledger.records().len(), 1);
    let accepts = env.aws.faults.take_calls().into_iter().filter(|call| *call == "AcceptVpcEndpointConnections").count();
    assert_eq!(accepts, 1);
}

#[tokio::test]
async fn deleted_request_is_left_alone() {
    let env = TestEnvironment::new();
    let request = env.request(ALLOWED);
    env.aws.world().connection_mut(&request.endpoint).unwrap().state = "deleting".to_owned();
    assert_eq!(env.deliver(&request.notification).await.written, []);
    assert_eq!((env.ledger.records().len(), env.queue.bodies().len()), (0, 0));
}

#[tokio::test]
async fn service_out_of_scope_is_not_touched() {
    let mut env = TestEnvironment::new();
    env.scope = Scope::Tag { key: "Name".to_owned(), value: "billing".to_owned() };
    let request = env.request(ALLOWED);
    assert_eq!(env.deliver(&request.notification).await.ignored, 1);
    env.sweep().await;
    assert_eq!((env.is_pending(&request.endpoint), env.ledger.records().len()), (true, 0));
}

#[tokio::test]
async fn observe_mode_records_and_never_acts() {
    let mut env = TestEnvironment::new();
    env.observe = true;
    let endpoint = env.notified_request(ALLOWED).await;
    env.sweep().await;
    assert!(env.is_pending(&endpoint));
    let record = env.only_record();
    assert_eq!((record.verdict, record.observe), (Verdict::ObservedAccept, true));
    assert!(env.messages().await[0].text.contains("In observe mode, it stays pending."));

    env.observe = false;
    env.sweep().await;
    assert_eq!(env.state(&endpoint), "pending");
    assert_eq!(env.verdicts(&endpoint), [Verdict::Accepted, Verdict::ObservedAccept]);
}

#[tokio::test]
async fn reject_policy_rejects() {
    let env = TestEnvironment::new().with_policy("@id(\"no\") permit(principal, action == PrivateLink::Action::\"Reject\", resource);");
    let endpoint = env.notified_request(UNLISTED).await;
    assert_eq!((env.state(&endpoint).as_str(), env.only_record().verdict), ("rejected", Verdict::Rejected));
}

#[tokio::test]
async fn contradicting_policies_are_referred() {
    let env = TestEnvironment::new().with_policy("@id(\"all\") permit(principal, action, resource);");
    let endpoint = env.notified_request(ALLOWED).await;
    assert_eq!((env.is_pending(&endpoint), env.refer(&endpoint)), (true, Refer::Contradiction));
}

/// For Cedar, a `forbid` that overflows does not match, and the permit decides.
#[tokio::test]
async fn failing_policy_accepts_nothing() {
    let env = TestEnvironment::new().with_policy(&format!(
        "{PERMIT_ALL}
         @id(\"broken\") forbid(principal, action == PrivateLink::Action::\"Accept\", resource)
           when {{ context.connections.ofAccount + 9223372036854775807 + 1 > 0 }};"
    ));
    let endpoint = env.notified_request(ALLOWED).await;
    assert_eq!((env.is_pending(&endpoint), env.refer(&endpoint)), (true, Refer::PolicyError));
    assert!(env.messages().await[0].text.contains("`broken`"));
}

#[tokio::test]
async fn request_without_owner_is_referred() {
    let env = TestEnvironment::new();
    let request = env.request(ALLOWED);
    env.aws.world().connection_mut(&request.endpoint).unwrap().owner = None;
    env.deliver(&request.notification).await;
    assert!(env.is_pending(&request.endpoint));
    assert!(matches!(env.refer(&request.endpoint), Refer::Missing { .. }));
}

#[tokio::test]
async fn undocumented_state_is_referred() {
    let env = TestEnvironment::new();
    let request = env.request(ALLOWED);
    env.aws.world().connection_mut(&request.endpoint).unwrap().state = "quarantined".to_owned();
    env.sweep().await;
    assert_eq!(env.only_record().refer, Some(Refer::UnknownState { state: "quarantined".to_owned() }));
}

#[tokio::test]
async fn manually_accepted_connection_is_found() {
    let env = TestEnvironment::new();
    let request = env.request(UNLISTED);
    env.accept_manually(&request.endpoint);
    env.deliver(&request.notification).await;
    assert_eq!(env.only_record().verdict, Verdict::Found);
    assert!(!env.aws.faults.take_calls().contains(&"AcceptVpcEndpointConnections"));
}

#[tokio::test]
async fn every_record_replays_to_its_verdict() {
    let env = TestEnvironment::new();
    for account in [ALLOWED, UNLISTED, ALLOWED] {
        env.notified_request(account).await;
    }
    for record in env.ledger.records() {
        assert_eq!(record.policy_digest, env.policy.digest());
        let again = record.replay(&env.policy);
        assert_eq!(again.grounds.judgement, record.judgement);
        assert_eq!(matches!(again.action, Action::Accept(_)), record.verdict == Verdict::Accepted);
    }
}

#[tokio::test]
async fn record_of_newer_version_is_refused() {
    let env = TestEnvironment::new();
    env.notified_request(ALLOWED).await;
    let record = env.only_record();
    let mut json: Value = serde_json::from_str(&record.to_json().unwrap()).unwrap();
    assert_eq!(Record::from_json(&json.to_string()).unwrap(), record);
    let next = json["schema"].as_u64().unwrap() + 1;
    json["schema"] = next.into();
    assert_eq!(
        Record::from_json(&json.to_string()).unwrap_err().to_string(),
        format!("the record has schema {next}, this version reads up to {}: upgrade this function", next - 1)
    );
}
