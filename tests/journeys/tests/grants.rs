//! A named person's decision, kept on the ledger: what it lets in, and what it does not.

#![expect(clippy::unwrap_used, reason = "a journey ends where it goes wrong")]

use jiff::SignedDuration;
use journeys::{A, B, C, Fault, Stage};
use warden::{
    decision::grant::Grantee,
    ledger::record::{Record, Verdict},
};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn account(id: &str) -> Grantee {
    Grantee::Account(id.parse().unwrap())
}

/// B asks, and one event reaches the warden.
async fn asked(stage: &Stage) -> (String, Record) {
    let (endpoint, events) = stage.ask(B);
    stage.deliver(&events[0]).await.unwrap();
    let record = stage.ledger.records().into_iter().find(|record| record.endpoint().as_str() == endpoint).unwrap();
    (endpoint, record)
}

#[tokio::test]
async fn an_account_that_a_person_let_in_is_accepted_in_that_person_s_name() {
    let stage = Stage::new();
    stage.grant(account(B), None);
    let (endpoint, record) = asked(&stage).await;
    assert_eq!((record.verdict, stage.state(&endpoint).as_str()), (Verdict::Accepted, "pending"));
    assert_eq!(record.grant.as_ref().unwrap().reason, "migration weekend");
    assert!(matches!(record.replay(stage.current_policy()).action, warden::decision::Action::Accept(_)), "it can be replayed");
    stage.tell().await;
    let text = &stage.outbox.take()[0].1.text;
    assert!(text.contains("By decision of arn:aws:sts::123456789012:assumed-role/network/kim: migration weekend."), "{text}");
}

#[tokio::test]
async fn one_endpoint_is_one_endpoint() {
    let stage = Stage::new();
    let (endpoint, _lost) = stage.ask(B);
    stage.grant(Grantee::Endpoint(endpoint.parse().unwrap()), None);
    let (other, record) = asked(&stage).await;
    assert_eq!((record.verdict, stage.state(&other).as_str()), (Verdict::Referred, "pendingAcceptance"));
    stage.sweep().await.unwrap();
    assert_eq!(stage.ledger.verdicts_of(&endpoint), [Verdict::Accepted]);
    assert_eq!(stage.state(&other), "pendingAcceptance");
}

#[tokio::test]
async fn a_grant_to_somebody_else_or_one_that_has_ended_lets_nobody_in() {
    for (to, until) in [
        (account(A), None),
        (account(C), None),
        (account(B), Some(HOUR)),
        (Grantee::Endpoint("vpce-0123456789abcdef0".parse().unwrap()), None),
    ] {
        let stage = Stage::new();
        stage.grant(to, until);
        stage.pass(HOUR);
        assert_eq!(asked(&stage).await.1.verdict, Verdict::Referred);
        stage.sweep().await.unwrap();
        assert_eq!(stage.ledger.records().len(), 1);
    }
    let stage = Stage::new();
    stage.grant(account(B), Some(HOUR * 2));
    stage.pass(HOUR);
    assert_eq!(asked(&stage).await.1.verdict, Verdict::Accepted, "an hour before its end it holds");
}

#[tokio::test]
async fn a_person_decides_where_the_policy_says_no_and_where_it_fails() {
    for policy in [
        "@id(\"no\") forbid(principal, action == PrivateLink::Action::\"Accept\", resource);",
        "@id(\"away\") permit(principal, action == PrivateLink::Action::\"Reject\", resource);",
        "@id(\"broken\") permit(principal, action == PrivateLink::Action::\"Accept\", resource) when { context.connections.ofAccount + 9223372036854775807 + 1 > 0 };",
    ] {
        let stage = Stage::new().with_policy(policy);
        let (endpoint, _lost) = stage.ask(B);
        stage.grant(Grantee::Endpoint(endpoint.parse().unwrap()), None);
        stage.sweep().await.unwrap();
        assert_eq!(stage.ledger.verdicts_of(&endpoint), [Verdict::Accepted], "{policy}");
    }
}

#[tokio::test]
async fn a_grant_does_not_make_a_forged_event_true() {
    let stage = Stage::new();
    stage.grant(account(B), None);
    let (endpoint, events) = stage.ask(B);
    let mut forged = events.iter().find(|event| event["source"] == "aws.ec2").unwrap().clone();
    forged["detail"]["responseElements"]["CreateVpcEndpointResponse"]["vpcEndpoint"]["ownerId"] = A.into();
    stage.deliver(&forged).await.unwrap();
    assert_eq!(stage.ledger.verdicts_of(&endpoint), [Verdict::Disputed]);
}

#[tokio::test]
async fn grants_that_cannot_be_read_turn_nobody_away() {
    let stage = Stage::new().with_policy("@id(\"away\") permit(principal, action == PrivateLink::Action::\"Reject\", resource);");
    stage.grant(account(B), None);
    let (endpoint, events) = stage.ask(B);
    let fault = || stage.ledger.faults.next("GrantsQuery", &[Fault::Before("ThrottlingException")]);
    fault();
    stage.deliver(&events[0]).await.unwrap_err();
    fault();
    stage.sweep().await.unwrap_err();
    assert_eq!((stage.state(&endpoint).as_str(), stage.ledger.records().len()), ("pendingAcceptance", 0));
    stage.sweep().await.unwrap();
    assert_eq!(stage.ledger.verdicts_of(&endpoint), [Verdict::Accepted]);
}

#[tokio::test]
async fn what_the_policy_lets_in_asks_for_no_grants() {
    let stage = Stage::new();
    let (_, events) = stage.ask(A);
    stage.deliver(&events[0]).await.unwrap();
    assert_eq!(stage.ledger.faults.take_calls(), ["PutItem"]);
}

#[tokio::test]
async fn observing_a_grant_touches_nothing() {
    let mut stage = Stage::new();
    stage.observe = true;
    stage.grant(account(B), None);
    let (endpoint, record) = asked(&stage).await;
    assert_eq!((record.verdict, stage.state(&endpoint).as_str()), (Verdict::ObservedAccept, "pendingAcceptance"));
}

#[tokio::test]
async fn who_accepts_by_hand_what_they_granted_is_on_the_record_as_that_person() {
    let stage = Stage::new();
    let (endpoint, _) = stage.ask(B);
    stage.grant(Grantee::Endpoint(endpoint.parse().unwrap()), None);
    let (_, effects) = stage.aws.world().accept(journeys::PROVIDER, &stage.service, std::slice::from_ref(&endpoint)).unwrap();
    assert_eq!(effects.len(), 1, "PrivateLink announces the acceptance");
    let announced = journeys::notification(journeys::TOPIC, &serde_json::json!({"vpcEndpointId": endpoint}).to_string());
    stage.deliver(&announced).await.unwrap();
    assert_eq!(stage.only_record().verdict, Verdict::Accepted);
    assert_eq!(stage.only_record().grant.unwrap().reason, "migration weekend");
}
