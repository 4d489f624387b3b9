//! People and the warden at the same time: a decision on the ledger is never overruled, and a hold stops every act.

use jiff::SignedDuration;
use scenarios::{ALLOWED, Fault, PERMIT_ALL, TestEnvironment, UNLISTED};
use warden::{
    decision::{Hold, order::Command},
    ledger::record::Verdict,
    policy::evaluation::Refer,
    ports::PersonLedger,
};

const REJECT_ALL: &str = "@id(\"away\") permit(principal, action == PrivateLink::Action::\"Reject\", resource);";

fn is_held(env: &TestEnvironment, endpoint: &str) -> bool {
    matches!(env.refer(endpoint), Refer::Held { .. })
}

#[tokio::test]
async fn grant_while_a_worker_decides_is_heeded() {
    let env = TestEnvironment::new().with_policy(REJECT_ALL);
    let endpoint = env.request(UNLISTED).endpoint;
    let (person, granted) = (env.clone(), endpoint.clone());
    // After the worker read the decisions, and before it writes its intent.
    env.ledger.faults.meanwhile("Commit", move || person.grant_endpoint(&granted));
    env.sweep().await;
    assert_eq!(env.verdicts(&endpoint), [Verdict::Accepted]);
}

#[tokio::test]
async fn refusal_while_a_worker_decides_is_heeded() {
    let env = TestEnvironment::new().with_policy(PERMIT_ALL);
    let endpoint = env.request(UNLISTED).endpoint;
    let (person, refused) = (env.clone(), endpoint.clone());
    env.ledger.faults.meanwhile("Commit", move || person.refuse(&refused));
    env.sweep().await;
    assert_eq!((env.verdicts(&endpoint), env.state(&endpoint).as_str()), (vec![Verdict::Rejected], "rejected"));
    assert_eq!(env.only_record().refusal.unwrap().reason, "migration weekend");
}

#[tokio::test]
async fn concurrent_worker_is_noticed_before_the_act() {
    let env = TestEnvironment::new();
    let endpoint = env.request(ALLOWED).endpoint;
    env.ledger.faults.next("Commit", &[Fault::Conflict; 3]);
    env.sweep().await;
    assert_eq!(env.verdicts(&endpoint), [Verdict::Accepted]);
    let acts = env.aws.faults.take_calls().into_iter().filter(|call| call.starts_with("Accept")).count();
    assert_eq!(acts, 1);
}

#[tokio::test]
async fn disconnected_connection_is_rejected() {
    let env = TestEnvironment::new();
    let endpoint = env.notified_request(ALLOWED).await;
    env.pass(SignedDuration::from_mins(10));
    env.order(Command::Revoke { from: Vec::new(), disconnect: vec![endpoint.parse().unwrap()], reject: Vec::new() });
    env.sweep().await;
    assert_eq!((env.state(&endpoint).as_str(), env.verdicts(&endpoint)), ("rejected", vec![Verdict::Accepted, Verdict::Rejected]));
    env.sweep().await;
    assert_eq!(env.ledger.records().len(), 2);
    let message = env.messages().await.into_iter().find(|message| message.subject.contains("disconnected")).unwrap();
    assert!(message.text.contains("was disconnected from redis") && !message.text.contains("was rejected"), "{}", message.text);
    assert!(message.text.contains(&format!("warden approve --account {ALLOWED} --service {}", env.service)), "{}", message.text);
}

#[tokio::test]
async fn disconnection_gives_its_place_to_another() {
    let env = TestEnvironment::new().with_policy(&PERMIT_ALL.replace(';', " when { context.connections.ofService < 1 };"));
    let connected = env.notified_request(ALLOWED).await;
    let waits = env.notified_request(ALLOWED).await;
    env.pass(SignedDuration::from_mins(10));
    assert_eq!(env.refer(&waits), Refer::NoPermit);
    env.order(Command::Revoke { from: Vec::new(), disconnect: vec![connected.parse().unwrap()], reject: Vec::new() });
    env.sweep().await;
    assert_eq!((env.state(&connected).as_str(), env.is_pending(&waits)), ("rejected", false));
}

#[tokio::test]
async fn refusal_shown_as_pending_cuts_nothing_off() {
    let env = TestEnvironment::new();
    let endpoint = env.notified_request(ALLOWED).await;
    env.pass(SignedDuration::from_mins(10));
    env.order(Command::Revoke { from: Vec::new(), disconnect: Vec::new(), reject: vec![endpoint.parse().unwrap()] });
    env.sweep().await;
    assert_eq!((env.state(&endpoint).as_str(), env.verdicts(&endpoint)), ("available", vec![Verdict::Accepted]));
}

#[tokio::test]
async fn held_service_waits_and_is_told_once() {
    let env = TestEnvironment::new();
    env.order(Command::Pause);
    let endpoint = env.notified_request(ALLOWED).await;
    env.sweep().await;
    assert_eq!((env.is_pending(&endpoint), is_held(&env, &endpoint), env.ledger.records().len()), (true, true, 1));
    let text = &env.messages().await[0].text;
    assert!(text.contains("migration weekend") && text.contains("network/kim"), "{text}");
    env.order(Command::Resume);
    env.sweep().await;
    assert_eq!(env.verdicts(&endpoint), [Verdict::Accepted, Verdict::Referred]);
}

#[tokio::test]
async fn held_stack_waits_and_resumes() {
    let env = TestEnvironment::new();
    let hold = Hold { by: "kim".to_owned(), reason: "incident 7".to_owned(), at: env.aws.world().now() };
    env.ledger.hold_stack(&hold).await.unwrap();
    let endpoint = env.notified_request(ALLOWED).await;
    env.sweep().await;
    assert_eq!((env.is_pending(&endpoint), is_held(&env, &endpoint), env.ledger.records().len()), (true, true, 1));
    env.ledger.resume_stack(&hold).await.unwrap();
    assert_eq!(env.ledger.history_of_decisions().len(), 2);
    env.sweep().await;
    assert_eq!(env.verdicts(&endpoint), [Verdict::Accepted, Verdict::Referred]);
}

#[tokio::test]
async fn disconnection_waits_for_the_end_of_a_hold() {
    let env = TestEnvironment::new();
    let endpoint = env.notified_request(ALLOWED).await;
    env.pass(SignedDuration::from_mins(10));
    env.order(Command::Pause);
    env.order(Command::Revoke { from: Vec::new(), disconnect: vec![endpoint.parse().unwrap()], reject: Vec::new() });
    for _ in 0..3 {
        env.sweep().await;
    }
    assert_eq!((env.state(&endpoint).as_str(), env.ledger.records().len()), ("available", 1));
    env.order(Command::Resume);
    env.sweep().await;
    assert_eq!((env.state(&endpoint).as_str(), env.ledger.service(&env.service).open), ("rejected", false));
}

#[tokio::test]
async fn refused_disconnection_is_tried_again() {
    let env = TestEnvironment::new();
    let endpoint = env.notified_request(ALLOWED).await;
    env.pass(SignedDuration::from_mins(10));
    env.order(Command::Revoke { from: Vec::new(), disconnect: vec![endpoint.parse().unwrap()], reject: Vec::new() });
    env.aws.faults.next("RejectVpcEndpointConnections", &[Fault::Before("UnauthorizedOperation")]);
    env.sweep().await;
    env.pass(SignedDuration::from_mins(6));
    env.sweep().await;
    assert_eq!((env.state(&endpoint).as_str(), env.ledger.service(&env.service).open), ("rejected", false));
}

#[tokio::test]
async fn unreadable_decision_stops_every_rejection() {
    let env = TestEnvironment::new().with_policy(REJECT_ALL);
    env.ledger.put_newer_grant(&env.service);
    let (by_policy, refused) = (env.request(ALLOWED).endpoint, env.request(UNLISTED).endpoint);
    env.refuse_despite_unreadable(&refused);
    for _ in 0..2 {
        env.sweep().await;
        env.pass(SignedDuration::from_mins(5));
    }
    for endpoint in [&by_policy, &refused] {
        assert!(env.is_pending(endpoint));
        assert!(matches!(env.refer(endpoint), Refer::UnreadableDecision { .. }));
    }
    let messages = env.messages().await;
    assert_eq!(messages.len(), 2);
    assert!(messages[0].text.contains("grant/999900001111"), "{}", messages[0].text);
}

#[tokio::test]
async fn retagged_service_is_read_again_at_once() {
    let env = TestEnvironment::new();
    env.notified_request(ALLOWED).await;
    env.tag("Name", "billing");
    let endpoint = env.notified_request(ALLOWED).await;
    assert_eq!(env.refer(&endpoint), Refer::NoPermit);
}

#[tokio::test]
async fn accepts_of_a_burst_share_calls() {
    let env = TestEnvironment::new();
    let start = env.aws.world().now();
    for _ in 0..100 {
        let request = env.request(ALLOWED);
        env.queue.push(&request.notification.to_string());
    }
    env.work().await;
    assert_eq!(env.ledger.records().iter().filter(|record| record.verdict == Verdict::Accepted).count(), 100);
    let acts = env.aws.faults.take_calls().into_iter().filter(|call| call.starts_with("Accept")).count();
    let seconds = env.aws.world().now().duration_since(start).as_secs();
    assert!(acts <= 4 && seconds <= 20, "{acts} calls in {seconds} s");
}

/// The grant may be about this request: EC2 does not state its account, and a rejection cannot be taken back.
#[tokio::test]
async fn refusal_before_a_possible_grant_rejects_nothing() {
    let env = TestEnvironment::new();
    let endpoint = env.request(UNLISTED).endpoint;
    env.refuse(&endpoint);
    env.pass(SignedDuration::from_secs(1));
    env.grant_account(UNLISTED);
    env.aws.world().connection_mut(&endpoint).unwrap().owner = None;
    env.sweep().await;
    assert_eq!((env.state(&endpoint).as_str(), env.verdicts(&endpoint)), ("pendingAcceptance", vec![Verdict::Referred]));
    assert!(matches!(env.refer(&endpoint), Refer::Missing { .. }));
}
