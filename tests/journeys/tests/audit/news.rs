//! Only news is told, and once.

use super::*;

#[tokio::test]
async fn each_change_is_told_once_in_one_message_and_a_second_run_is_silent() {
    let stage = Stage::new();
    let endpoint = accepted_by_hand(&stage, B).await;
    let first = news(&stage).await;
    assert_eq!(first.len(), 1, "one message for one owner");
    assert!(first[0].attributes.contains(&("severity", "critical".to_owned())));
    insta::assert_snapshot!("audit_digest_subject", first[0].subject);
    insta::assert_snapshot!("audit_digest_text", first[0].text);
    assert_eq!(news(&stage).await, Vec::new(), "nothing changed");
    stage.pass(DAY * 2);
    stage.grant(Grantee::Endpoint(endpoint.parse().unwrap()), None);
    forbid(&stage, B);
    let mended = news(&stage).await;
    assert_eq!(mended.len(), 1);
    insta::assert_snapshot!("audit_resolved_text", mended[0].text);
    assert_eq!(stage.ledger.open_ids(), Vec::<String>::new());
    assert_eq!(news(&stage).await, Vec::new());
}

#[tokio::test]
async fn a_finding_that_becomes_worse_is_told_again_and_one_that_becomes_better_is_not() {
    let stage = tidy();
    stage.aws.world().modify_service(PROVIDER, &stage.service, acceptance(false)).unwrap();
    assert_eq!(news(&stage).await.len(), 1);
    allow(&stage, "*");
    let worse = news(&stage).await;
    assert!(worse[0].text.contains("Worse than before"), "{}", worse[0].text);
    stage.aws.world().modify_permissions(PROVIDER, &stage.service, &[], &["*".to_owned()]).unwrap();
    let better = news(&stage).await;
    assert!(better.iter().all(|notice| !notice.text.contains("switched off")), "{better:?}");
}

#[tokio::test]
async fn owners_are_told_of_their_own_services_each_in_one_message() {
    let stage = Stage::new();
    let topic = "arn:aws:sns:us-east-1:123456789012:warden-redis-team";
    let tag = ("warden:owner-topic".to_owned(), topic.to_owned());
    stage.aws.world().create_tags(PROVIDER, std::slice::from_ref(&stage.service), &[tag]).unwrap();
    let other = NewService {
        load_balancer_arns: vec!["arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/x/0123456789abcdef".to_owned()],
        acceptance_required: false,
        ..NewService::default()
    };
    let other = stage.aws.world().create_service(PROVIDER, other).unwrap();
    accepted_by_hand(&stage, B).await;
    stage.tell().await;
    drop(stage.outbox.take());
    stage.audit().await.unwrap();
    stage.tell().await;
    let told: Vec<(String, String)> = stage.outbox.take().into_iter().map(|(topic, notice)| (topic, notice.text)).collect();
    assert_eq!(told.len(), 2);
    let of = |topic: &str| told.iter().find(|(to, _)| to == topic).map(|(_, text)| text.as_str()).unwrap();
    assert!(of(topic).contains(&stage.service) && !of(topic).contains(&other.id));
    assert!(of("arn:aws:sns:us-east-1:123456789012:warden-owners").contains(&other.id));
}

#[tokio::test]
async fn two_runs_at_once_tell_everything_once() {
    let stage = Stage::new();
    accepted_by_hand(&stage, B).await;
    stage.tell().await;
    drop(stage.outbox.take());
    // The second run goes through as the first is about to write.
    let ledger = stage.ledger.clone();
    let (sender, receiver) = std::sync::mpsc::channel();
    let other = stage.twin();
    stage.ledger.faults.meanwhile("TransactWriteItems", move || {
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(other.audit()).unwrap();
            sender.send(()).unwrap();
        });
        receiver.recv_timeout(Duration::from_secs(30)).expect("the other run ends");
    });
    stage.audit().await.unwrap();
    stage.tell().await;
    assert_eq!(stage.outbox.take().len(), 1);
    assert!(!ledger.open_ids().is_empty());
}
