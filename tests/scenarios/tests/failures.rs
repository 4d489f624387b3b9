//! Calls that fail, lose their answer, or succeed in part; workers that crash.

use jiff::SignedDuration;
use scenarios::{ALLOWED, Fault, PERMIT_ALL, PROVIDER, TestEnvironment};
use warden::ledger::record::Verdict;

const ACCEPT: &str = "AcceptVpcEndpointConnections";
const REJECT: &str = "RejectVpcEndpointConnections";
const REJECT_ALL: &str = "@id(\"none\") permit(principal, action == PrivateLink::Action::\"Reject\", resource);";

#[tokio::test]
async fn refused_acceptance_is_told_once_and_retried() {
    let env = TestEnvironment::new();
    env.aws.faults.next(ACCEPT, &[Fault::Before("UnauthorizedOperation"); 2]);
    let endpoint = env.notified_request(ALLOWED).await;
    env.pass(SignedDuration::from_mins(5));
    env.sweep().await;
    let record = env.only_record();
    assert_eq!((record.verdict, record.failure.unwrap().code.as_str()), (Verdict::Failed, "UnauthorizedOperation"));
    env.pass(SignedDuration::from_mins(5));
    env.sweep().await;
    assert_eq!(env.verdicts(&endpoint), [Verdict::Accepted, Verdict::Failed]);
}

#[tokio::test]
async fn act_with_lost_answer_is_recovered() {
    for (policy, call, verdict) in [(PERMIT_ALL, ACCEPT, Verdict::Accepted), (REJECT_ALL, REJECT, Verdict::Rejected)] {
        let env = TestEnvironment::new().with_policy(policy);
        env.aws.faults.next(call, &[Fault::After("")]);
        env.notified_request(ALLOWED).await;
        env.pass(SignedDuration::from_mins(1));
        env.work().await;
        let record = env.only_record();
        assert_eq!((record.verdict, record.recovered), (verdict, true));
    }
}

#[tokio::test]
async fn act_without_confirmation_is_recovered_by_a_sweep() {
    for (policy, verdict) in [(PERMIT_ALL, Verdict::Accepted), (REJECT_ALL, Verdict::Rejected)] {
        let env = TestEnvironment::new().with_policy(policy);
        let request = env.request(ALLOWED);
        // The intent is written, and nothing after it.
        let lost = Fault::Before("InternalServerError");
        env.ledger.faults.next("Commit", &[Fault::None, lost]);
        env.queue.push(&request.notification.to_string());
        assert_eq!(env.invoke().await.unwrap().errors, 1);
        assert_eq!(env.ledger.records().len(), 0);
        env.pass(SignedDuration::from_mins(5));
        env.sweep().await;
        assert_eq!((env.only_record().verdict, env.only_record().recovered), (verdict, true));
    }
}

#[tokio::test]
async fn throttling_is_no_outcome() {
    let env = TestEnvironment::new();
    env.aws.faults.next(ACCEPT, &[Fault::Before("RequestLimitExceeded"); 2]);
    env.notified_request(ALLOWED).await;
    assert_eq!(env.only_record().verdict, Verdict::Accepted);
    assert_eq!(env.messages().await.len(), 1);
}

#[tokio::test]
async fn hour_of_throttling_is_told_as_failed() {
    let env = TestEnvironment::new();
    let endpoint = env.request(ALLOWED).endpoint;
    env.aws.faults.next(ACCEPT, &[Fault::Before("RequestLimitExceeded"); 1000]);
    for _ in 0..14 {
        env.sweep().await;
        env.pass(SignedDuration::from_mins(5));
    }
    assert_eq!(env.verdicts(&endpoint), [Verdict::Failed]);
    assert_eq!(env.messages().await.len(), 1);
    env.aws.faults.stop();
    env.sweep().await;
    assert_eq!(env.verdicts(&endpoint), [Verdict::Accepted, Verdict::Failed]);
}

#[tokio::test]
async fn unmatched_unsuccessful_item_leaves_the_request_open() {
    let env = TestEnvironment::new();
    let request = env.request(ALLOWED);
    env.aws.faults.next(ACCEPT, &[Fault::Unmatched]);
    env.queue.push(&request.notification.to_string());
    env.invoke().await.unwrap();
    assert_eq!((env.is_pending(&request.endpoint), env.ledger.records().len()), (true, 0));
    env.pass(SignedDuration::from_mins(2));
    env.work().await;
    assert_eq!((env.is_pending(&request.endpoint), env.only_record().verdict), (false, Verdict::Accepted));
}

#[tokio::test]
async fn unsuccessful_item_is_not_accepted() {
    let env = TestEnvironment::new();
    let endpoints = [(); 3].map(|()| env.request(ALLOWED).endpoint);
    // A consumer deletes its endpoint between the description and the acceptance.
    let (aws, deleted) = (env.aws.clone(), endpoints[1].clone());
    env.aws.faults.meanwhile(ACCEPT, move || aws.world().connection_mut(&deleted).unwrap().state = "deleted".to_owned());
    env.sweep().await;
    assert_eq!(endpoints.map(|endpoint| env.verdicts(&endpoint)), [vec![Verdict::Accepted], vec![], vec![Verdict::Accepted]]);
}

#[tokio::test]
async fn concurrent_acceptance_is_no_failure() {
    let env = TestEnvironment::new();
    let request = env.request(ALLOWED);
    let (aws, service, endpoint) = (env.aws.clone(), env.service.clone(), request.endpoint);
    env.aws.faults.meanwhile(ACCEPT, move || drop(aws.world().accept(PROVIDER, &service, &[endpoint]).unwrap()));
    env.deliver(&request.notification).await;
    assert_eq!(env.only_record().verdict, Verdict::Accepted);
}
