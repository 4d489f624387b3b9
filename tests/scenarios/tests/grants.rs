//! The decision of a named person, kept on the ledger.

use jiff::SignedDuration;
use scenarios::{ALLOWED, Fault, PERMIT_ALL, STRANGER, TOPIC, TestEnvironment, UNLISTED, notification};
use serde_json::json;
use warden::{
    decision::{Action, grant::Grantee},
    ledger::record::Verdict,
};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const REJECT_ALL: &str = "@id(\"away\") permit(principal, action == PrivateLink::Action::\"Reject\", resource);";

fn account(id: &str) -> Grantee {
    Grantee::Account(id.parse().unwrap())
}

#[tokio::test]
async fn granted_account_is_accepted_under_the_persons_name() {
    let env = TestEnvironment::new();
    env.grant_account(UNLISTED);
    let endpoint = env.notified_request(UNLISTED).await;
    let record = env.only_record();
    assert_eq!((record.verdict, env.state(&endpoint).as_str()), (Verdict::Accepted, "pending"));
    assert_eq!(record.grant.as_ref().unwrap().reason, "migration weekend");
    assert!(matches!(record.replay(&env.policy).action, Action::Accept(_)));
    let text = &env.messages().await[0].text;
    assert!(text.contains("Granted by arn:aws:sts::123456789012:assumed-role/network/kim: migration weekend."), "{text}");
}

#[tokio::test]
async fn message_names_the_end_of_the_grant() {
    let env = TestEnvironment::new();
    env.grant(account(UNLISTED), Some(HOUR));
    let _ = env.notified_request(UNLISTED).await;
    let text = &env.messages().await[0].text;
    assert!(text.contains("network/kim until 2026-06-01 13:00 UTC: migration weekend."), "{text}");
}

#[tokio::test]
async fn grant_of_endpoint_covers_no_other() {
    let env = TestEnvironment::new();
    let granted = env.request(UNLISTED).endpoint;
    env.grant_endpoint(&granted);
    let other = env.notified_request(UNLISTED).await;
    assert_eq!((env.verdicts(&other), env.is_pending(&other)), (vec![Verdict::Referred], true));
    env.sweep().await;
    assert_eq!((env.verdicts(&granted), env.is_pending(&other)), (vec![Verdict::Accepted], true));
}

#[tokio::test]
async fn other_or_expired_grant_accepts_nothing() {
    for (to, time) in [
        (account(ALLOWED), None),
        (account(STRANGER), None),
        (account(UNLISTED), Some(HOUR)),
        (Grantee::Subject("vpce-0123456789abcdef0".parse().unwrap()), None),
    ] {
        let env = TestEnvironment::new();
        env.grant(to, time);
        env.pass(HOUR);
        env.notified_request(UNLISTED).await;
        env.sweep().await;
        assert_eq!(env.only_record().verdict, Verdict::Referred);
    }
    let env = TestEnvironment::new();
    env.grant(account(UNLISTED), Some(HOUR * 2));
    env.pass(HOUR);
    env.notified_request(UNLISTED).await;
    assert_eq!(env.only_record().verdict, Verdict::Accepted, "an hour before the grant expires");
}

#[tokio::test]
async fn grant_overrides_forbid_rejection_and_failing_policy() {
    for policy in [
        &PERMIT_ALL.replace("permit", "forbid"),
        REJECT_ALL,
        "@id(\"broken\") permit(principal, action == PrivateLink::Action::\"Accept\", resource) when { context.connections.ofAccount + 9223372036854775807 + 1 > 0 };",
    ] {
        let env = TestEnvironment::new().with_policy(policy);
        let endpoint = env.request(UNLISTED).endpoint;
        env.grant_endpoint(&endpoint);
        env.sweep().await;
        assert_eq!(env.verdicts(&endpoint), [Verdict::Accepted], "{policy}");
    }
}

#[tokio::test]
async fn forged_event_is_disputed_despite_grant() {
    let env = TestEnvironment::new();
    env.grant_account(UNLISTED);
    let mut forged = env.request(UNLISTED).trail;
    forged["detail"]["responseElements"]["CreateVpcEndpointResponse"]["vpcEndpoint"]["ownerId"] = ALLOWED.into();
    env.deliver(&forged).await;
    assert_eq!(env.only_record().verdict, Verdict::Disputed);
}

#[tokio::test]
async fn unreadable_grants_prevent_rejection() {
    let env = TestEnvironment::new().with_policy(REJECT_ALL);
    env.grant_account(UNLISTED);
    let request = env.request(UNLISTED);
    env.ledger.faults.next("DecisionsQuery", &[Fault::Before("ThrottlingException"); 20]);
    assert_eq!(env.deliver(&request.notification).await.written, []);
    assert_eq!((env.is_pending(&request.endpoint), env.ledger.records().len()), (true, 0));
    env.ledger.faults.stop();
    env.pass(SignedDuration::from_mins(1));
    env.work().await;
    assert_eq!(env.verdicts(&request.endpoint), [Verdict::Accepted]);
}

#[tokio::test]
async fn observed_grant_accepts_nothing() {
    let mut env = TestEnvironment::new();
    env.observe = true;
    env.grant_account(UNLISTED);
    let endpoint = env.notified_request(UNLISTED).await;
    assert_eq!((env.verdicts(&endpoint), env.is_pending(&endpoint)), (vec![Verdict::ObservedAccept], true));
}

#[tokio::test]
async fn manual_acceptance_of_granted_request_names_the_person() {
    let env = TestEnvironment::new();
    let endpoint = env.request(UNLISTED).endpoint;
    env.grant_endpoint(&endpoint);
    env.accept_manually(&endpoint);
    env.deliver(&notification(TOPIC, &json!({"vpcEndpointId": endpoint}).to_string())).await;
    assert_eq!(env.only_record().verdict, Verdict::Accepted);
    assert_eq!(env.only_record().grant.unwrap().reason, "migration weekend");
}
