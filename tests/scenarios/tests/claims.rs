//! The reason that a requester gives in a tag of its endpoint: shown to the owner as a claim, and never judged.

use scenarios::{ALLOWED, NewRequest, PERMIT_ALL, TestEnvironment, UNLISTED};
use serde_json::{Value, json};
use warden::{ledger::record::Record, message::Message};

use crate::guide_examples::under;

const TAG: &str = "warden:reason";

fn claiming(env: &TestEnvironment, account: &str, reason: &str) -> NewRequest {
    env.request_with(account, &[("Name", "mine"), (TAG, reason)])
}

/// The CloudTrail event of a request that a user made, and no role.
fn trail_of_user(request: &NewRequest) -> Value {
    let mut event = request.trail.clone();
    event["detail"]["userIdentity"] = json!({"type": "IAMUser", "userName": "kim"});
    event
}

/// The reasons that messages claim.
async fn claims(env: &TestEnvironment) -> Vec<Option<String>> {
    let claim = |message: &Message| serde_json::from_str::<Value>(&message.json).unwrap()["claimed_reason"].as_str().map(str::to_owned);
    env.messages().await.iter().map(claim).collect()
}

#[tokio::test]
async fn late_reason_is_told_once() {
    let env = TestEnvironment::new();
    let request = claiming(&env, UNLISTED, "PAY-7");
    env.deliver(&request.notification).await;
    assert_eq!(claims(&env).await, [None]);
    env.deliver(&request.trail).await;
    let message = env.messages().await.remove(0);
    assert!(message.text.contains("The requester claims, and no policy reads it: \"PAY-7\"\n"), "{}", message.text);
    for event in [&request.trail, &request.notification] {
        env.deliver(event).await;
    }
    env.sweep().await;
    assert!(env.messages().await.is_empty());
}

#[tokio::test]
async fn early_reason_is_in_the_first_message() {
    let env = TestEnvironment::new();
    let request = claiming(&env, UNLISTED, "PAY-7");
    env.deliver(&request.trail).await;
    env.deliver(&request.notification).await;
    assert_eq!(claims(&env).await, [Some("PAY-7".to_owned())]);
}

#[tokio::test]
async fn reason_of_a_user_is_kept() {
    let env = TestEnvironment::new();
    let request = claiming(&env, UNLISTED, "PAY-7");
    env.deliver(&trail_of_user(&request)).await;
    env.sweep().await;
    assert_eq!(claims(&env).await, [Some("PAY-7".to_owned())]);
    env.grant_endpoint(&request.endpoint);
    env.sweep().await;
    assert_eq!(claims(&env).await, [Some("PAY-7".to_owned())], "the acceptance has it, too");
}

#[tokio::test]
async fn reason_without_role_hides_no_proof() {
    let env = under("A role", "Name", "role-example").impatient();
    let request = claiming(&env, ALLOWED, "PAY-7");
    env.deliver(&trail_of_user(&request)).await;
    assert!(env.is_pending(&request.endpoint));
    let mut genuine = request.trail.clone();
    genuine["detail"]["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] = json!("arn:aws:iam::111122223333:role/network/deployer");
    env.deliver(&genuine).await;
    assert!(!env.is_pending(&request.endpoint));
    assert!(!env.findings().await.iter().any(|id| id.starts_with("unjustified")), "the ledger keeps the role");
}

#[tokio::test]
async fn reason_of_another_account_is_not_shown() {
    for member in ["/account", "/detail/recipientAccountId"] {
        let env = TestEnvironment::new();
        let request = claiming(&env, UNLISTED, "PAY-7");
        let mut forged = request.trail.clone();
        *forged.pointer_mut(member).unwrap() = json!("999999999999");
        env.deliver(&forged).await;
        env.sweep().await;
        assert_eq!(claims(&env).await, [None], "{member}");
    }
}

#[tokio::test]
async fn reason_changes_no_decision() {
    for (policy, account) in [(PERMIT_ALL, ALLOWED), ("", UNLISTED)] {
        let env = if policy.is_empty() { TestEnvironment::new() } else { TestEnvironment::new().with_policy(policy) };
        let request = claiming(&env, account, "permit");
        env.deliver(&request.trail).await;
        let record = env.only_record();
        let mut silent: Record = record.clone();
        if let Some(claim) = &mut silent.facts.claim {
            claim.reason = None;
        }
        assert!(record.facts.claimed_reason().is_some() && silent.facts.claimed_reason().is_none());
        let grounds = |record: &Record| format!("{:?}", record.replay(&env.policy).grounds);
        assert_eq!(grounds(&record), grounds(&silent));
        assert_eq!(record.verdict, silent.verdict);
    }
}

#[tokio::test]
async fn hostile_reason_is_inert_in_every_form() {
    let texts = [
        "<!channel> <@U123> @here [click](http://evil.example) *x*",
        "<script>alert(1)</script>",
        "a\r\nBcc: all@example.com",
        "\u{202e}gnp.exe\u{200b}\u{1b}[2J",
        "\"},{\\\"x\\\": \\",
        &"<\u{e000}".repeat(5_000),
    ];
    for text in texts {
        let env = TestEnvironment::new();
        env.deliver(&claiming(&env, UNLISTED, text).trail).await;
        let message = env.messages().await.remove(0);
        let event = env.bus.take().remove(0).detail;
        let chat: Value = serde_json::from_str(&message.chat).unwrap();
        let claim = serde_json::from_str::<Value>(&message.json).unwrap()["claimed_reason"].as_str().unwrap().to_owned();
        assert!(claim.chars().count() <= 256, "{claim}");
        assert_eq!(serde_json::from_str::<Value>(&event).unwrap()["claimed_reason"], json!(claim));
        for form in [&message.subject, &message.text, &message.json, &message.chat, &event] {
            let hidden = ['\r', '\u{202e}', '\u{1b}', '\u{e000}', '<', '>'];
            assert!(!form.contains(hidden), "{form}");
        }
        let lines = message.text.lines().filter(|line| line.contains("The requester claims")).count();
        assert!(lines == 1 && !message.text.contains("\nBcc"), "{}", message.text);
        let description = chat["content"]["description"].as_str().unwrap();
        assert!(!description.contains("[click](") && !description.contains("@here") && !description.contains(" *x*"), "{description}");
    }
}
