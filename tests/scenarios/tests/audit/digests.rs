//! The digest of an audit: each change is told once, to the owner of the service.

use super::*;
use scenarios::{DEFAULT_TOPIC, Fault, PERMIT_ALL, interface_service};

#[tokio::test]
async fn each_change_is_told_once() {
    let env = TestEnvironment::new();
    let endpoint = accepted_manually(&env, UNLISTED).await;
    let first = digests(&env).await;
    assert_eq!(first.len(), 1, "one message for one owner");
    assert!(first[0].attributes.contains(&("severity", "critical".to_owned())));
    insta::assert_snapshot!("audit_digest_subject", first[0].subject);
    insta::assert_snapshot!("audit_digest_text", first[0].text);
    assert_eq!(digests(&env).await, [], "nothing changed");
    env.pass(DAY * 2);
    env.grant_endpoint(&endpoint);
    env.withdraw(&root(UNLISTED));
    let resolved = digests(&env).await;
    assert_eq!(resolved.len(), 1);
    insta::assert_snapshot!("audit_resolved_text", resolved[0].text);
    assert_eq!(env.ledger.open_ids(), NONE);
    assert_eq!(digests(&env).await, []);
}

#[tokio::test]
async fn only_higher_severity_is_told_again() {
    let env = without_findings();
    require_acceptance(&env, false);
    assert_eq!(digests(&env).await.len(), 1);
    for _ in 0..2 {
        env.permit("*");
        let worse = digests(&env).await;
        assert!(worse[0].text.contains("Worse than before"), "{}", worse[0].text);
        assert!(worse[0].attributes.contains(&("severity", "critical".to_owned())));
        env.withdraw("*");
        let better = digests(&env).await;
        assert!(better.iter().all(|message| !message.text.contains("switched off")), "{better:?}");
        assert_eq!(digests(&env).await, []);
    }
}

#[tokio::test]
async fn each_owner_gets_one_digest() {
    let env = TestEnvironment::new();
    let topic = "arn:aws:sns:us-east-1:123456789012:warden-redis-team";
    env.tag("warden:owner-topic", topic);
    let mut other = interface_service("other");
    other.acceptance_required = false;
    let other = env.create_service(other, &[]);
    accepted_manually(&env, UNLISTED).await;
    let _ = env.messages().await;
    env.audit().await.unwrap();
    env.notify().await;
    let told: Vec<(String, String)> = env.mailbox.take().into_iter().map(|(topic, message)| (topic, message.text)).collect();
    assert_eq!(told.len(), 2);
    let of = |topic: &str| told.iter().find(|(to, _)| to == topic).map(|(_, text)| text.as_str()).unwrap();
    assert!(of(topic).contains(&env.service) && !of(topic).contains(&other));
    assert!(of(DEFAULT_TOPIC).contains(&other));
}

#[tokio::test]
async fn concurrent_audits_tell_each_change_once() {
    let env = TestEnvironment::new();
    accepted_manually(&env, UNLISTED).await;
    let _ = env.messages().await;
    // The second run happens when the first is about to write.
    audit_meanwhile(&env, "TransactWriteItems");
    env.audit().await.unwrap();
    assert_eq!(env.messages().await.len(), 1);
    assert_ne!(env.ledger.open_ids(), NONE);
}

#[tokio::test]
async fn unrecorded_changes_are_told_by_the_next_run() {
    let env = TestEnvironment::new();
    accepted_manually(&env, UNLISTED).await;
    env.ledger.faults.next("TransactWriteItems", &[Fault::Before("InternalServerError")]);
    let unseen = unseen(&env).await;
    assert!(unseen.iter().any(|part| part.contains("the next run publishes them")), "{unseen:?}");
    let _ = env.messages().await;
    assert_eq!(digests(&env).await.len(), 1);
}

#[tokio::test]
async fn unreadable_open_finding_does_not_block_others() {
    let env = TestEnvironment::new();
    accepted_manually(&env, UNLISTED).await;
    let _ = digests(&env).await;
    env.ledger.make_findings_newer(&env.ledger.open_ids());
    require_acceptance(&env, false);
    let text = &digests(&env).await[0].text;
    assert!(text.contains("Acceptance is switched off"), "{text}");
    assert!(!text.contains("Connected, and no policy allows it"), "{text}");
}

#[tokio::test]
async fn long_digest_fits_into_a_message() {
    let reason = "a reason of some length ".repeat(20);
    let mut env = TestEnvironment::new().with_policy(&format!(
        "@id(\"closed\") @reason(\"{reason}\") forbid(principal, action == PrivateLink::Action::\"Accept\", resource);"
    ));
    for _ in 0..40 {
        accepted_manually(&env, UNLISTED).await;
    }
    let _ = env.messages().await;
    let opened = &digests(&env).await[0];
    assert!(opened.body().len() < 262_144, "{}", opened.body().len());
    assert!(opened.text.contains("more: see the report"), "{}", opened.text);
    assert!(opened.subject.contains("new"));
    env.set_policy(PERMIT_ALL);
    let resolved = &digests(&env).await[0];
    assert!(resolved.body().len() < 262_144, "{}", resolved.body().len());
}
