//! Calls that fail, lose their answer, or succeed in part; workers that crash.

use jiff::SignedDuration;
use scenarios::{ALLOWED, Fault, PROVIDER, TestEnvironment};
use warden::ledger::record::Verdict;

const ACCEPT: &str = "AcceptVpcEndpointConnections";

#[tokio::test]
async fn refused_acceptance_is_told_once_and_retried() {
    let env = TestEnvironment::new();
    env.aws.faults.next(ACCEPT, &[Fault::Before("UnauthorizedOperation"); 2]);
    let endpoint = env.notified_request(ALLOWED).await;
    env.sweep().await.unwrap();
    let record = env.only_record();
    assert_eq!((record.verdict, record.failure.unwrap().code.as_str()), (Verdict::Failed, "UnauthorizedOperation"));
    env.sweep().await.unwrap();
    assert_eq!(env.verdicts(&endpoint), [Verdict::Accepted, Verdict::Failed]);
}

#[tokio::test]
async fn acceptance_with_lost_answer_is_recorded() {
    let env = TestEnvironment::new();
    env.aws.faults.next(ACCEPT, &[Fault::After("")]);
    env.notified_request(ALLOWED).await;
    assert_eq!(env.only_record().verdict, Verdict::Accepted);
}

#[tokio::test]
async fn acceptance_without_record_is_found_later() {
    let env = TestEnvironment::new();
    let request = env.request(ALLOWED);
    env.ledger.faults.next("PutItem", &[Fault::Before("InternalServerError")]);
    assert_eq!(env.deliver(&request.notification).await.unwrap_err().kind(), "AwsCallFailed");
    env.pass(SignedDuration::from_mins(3));
    env.deliver(&request.notification).await.unwrap();
    // It is no longer known who accepted it. The record shows that the policy allows it.
    let record = env.only_record();
    assert_eq!(record.verdict, Verdict::Found);
    assert!(record.judgement.unwrap().accept.allowed);
    assert_eq!(env.state(&request.endpoint), "available");
}

#[tokio::test]
async fn unsuccessful_item_is_not_accepted() {
    let env = TestEnvironment::new();
    let endpoints = [(); 3].map(|()| env.request(ALLOWED).endpoint);
    // A consumer deletes its endpoint between the description and the acceptance.
    let (aws, deleted) = (env.aws.clone(), endpoints[1].clone());
    env.aws.faults.meanwhile(ACCEPT, move || aws.world().connection_mut(&deleted).unwrap().state = "deleted".to_owned());
    env.sweep().await.unwrap();
    assert_eq!(endpoints.map(|endpoint| env.verdicts(&endpoint)), [vec![Verdict::Accepted], vec![], vec![Verdict::Accepted]]);
}

#[tokio::test]
async fn concurrent_acceptance_is_no_failure() {
    let env = TestEnvironment::new();
    let request = env.request(ALLOWED);
    let (aws, service, endpoint) = (env.aws.clone(), env.service.clone(), request.endpoint);
    env.aws.faults.meanwhile(ACCEPT, move || drop(aws.world().accept(PROVIDER, &service, &[endpoint]).unwrap()));
    env.deliver(&request.notification).await.unwrap();
    assert_eq!(env.only_record().verdict, Verdict::Accepted);
}
