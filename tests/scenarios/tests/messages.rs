//! The messages that people read.

use jiff::SignedDuration;
use scenarios::{ALLOWED, DEFAULT_TOPIC, Fault, PERMIT_ALL, TestEnvironment, UNLISTED, permit_account};
use serde_json::{Value, json};
use warden::message::Message;

async fn message_about(env: &TestEnvironment, account: &str) -> Message {
    env.notified_request(account).await;
    env.messages().await.remove(0)
}

#[tokio::test]
async fn referred_request_in_every_form() {
    let message = message_about(&TestEnvironment::new(), UNLISTED).await;
    insta::assert_snapshot!(message.subject, @"PrivateLink: decision needed: account 444455556666, service redis");
    insta::assert_snapshot!("referred_text", message.text);
    insta::assert_json_snapshot!("referred_json", serde_json::from_str::<Value>(&message.json).unwrap());
    insta::assert_json_snapshot!("referred_chat", serde_json::from_str::<Value>(&message.chat).unwrap());
    insta::assert_debug_snapshot!("referred_attributes", message.attributes);
}

#[tokio::test]
async fn accepted_request_as_text() {
    insta::assert_snapshot!("accepted_text", message_about(&TestEnvironment::new(), ALLOWED).await.text);
}

#[tokio::test]
async fn forbidden_request_carries_the_advice() {
    let env = TestEnvironment::new().with_policy(
        "@id(\"closed\") @reason(\"the quarter is over\") @advice(\"ask again in January\") @owner(\"finance\")
         forbid(principal, action == PrivateLink::Action::\"Accept\", resource);",
    );
    insta::assert_snapshot!("forbidden_text", message_about(&env, ALLOWED).await.text);
}

#[tokio::test]
async fn no_advice_bypasses_the_ledger() {
    let env = TestEnvironment::new();
    let overdue = env.request(ALLOWED);
    let manual = env.request(UNLISTED);
    env.accept_manually(&manual.endpoint);
    env.pass(SignedDuration::from_hours(25));
    env.audit().await.unwrap();
    env.deliver(&manual.notification).await;
    env.deliver(&overdue.notification).await;
    env.notified_request(UNLISTED).await;
    let messages = env.messages().await;
    let text: String = messages.iter().map(|message| message.text.as_str()).collect();
    for verb in ["approve", "reject", "revoke"] {
        assert!(text.contains(&format!("warden {verb} vpce-")), "{verb}: {text}");
        // What EC2 alone is told, the next audit calls unjustified.
        assert!(!text.contains(&format!("{}-vpc-endpoint-connections", if verb == "approve" { "accept" } else { "reject" })), "{text}");
    }
}

#[tokio::test]
async fn manual_acceptance_against_policy_is_a_warning() {
    let failing = format!(
        "{PERMIT_ALL} @id(\"fails\") forbid(principal, action == PrivateLink::Action::\"Accept\", resource)
         when {{ 9223372036854775807 + 1 > 0 }};"
    );
    for (policy, severity) in [(PERMIT_ALL, "info"), (&permit_account("all", UNLISTED, "true"), "warning"), (&failing, "warning")] {
        let env = TestEnvironment::new().with_policy(policy);
        let request = env.request(ALLOWED);
        env.accept_manually(&request.endpoint);
        env.pass(SignedDuration::from_mins(3));
        env.deliver(&request.notification).await;
        let attributes = env.messages().await.remove(0).attributes;
        for expected in [("decision", "found".to_owned()), ("severity", severity.to_owned())] {
            assert!(attributes.contains(&expected), "{policy}: {attributes:?}");
        }
    }
}

#[tokio::test]
async fn service_name_cannot_inject_into_messages() {
    let env = TestEnvironment::new();
    env.tag("Name", "redis\r\nBcc: all@example.com <!channel> \u{202e}gnp.exe [click](http://evil.example)");
    let message = message_about(&env, UNLISTED).await;
    assert!(message.subject.len() < 100 && message.subject.bytes().all(|b| (b' '..=b'~').contains(&b)), "{}", message.subject);
    assert!(!message.text.contains('\r') && !message.text.contains('\u{202e}'));
    let chat: Value = serde_json::from_str(&message.chat).unwrap();
    assert!(!chat["content"]["description"].as_str().unwrap().contains("<!channel>"));
}

#[tokio::test]
async fn each_protocol_gets_its_own_form() {
    let message = message_about(&TestEnvironment::new(), UNLISTED).await;
    let body: Value = serde_json::from_str(&message.body()).unwrap();
    assert_eq!((&body["email"], &body["https"], &body["sqs"]), (&json!(message.text), &json!(message.chat), &json!(message.json)));
    assert!(message.body().len() < 262_144);
}

#[tokio::test]
async fn owner_topic_must_have_the_allowed_prefix() {
    let of_team = "arn:aws:sns:us-east-1:123456789012:warden-redis-team";
    for (tag, expected) in [
        (of_team, of_team),
        ("arn:aws:sns:us-east-1:999999999999:warden-redis-team", DEFAULT_TOPIC),
        ("arn:aws:sns:us-east-1:123456789012:payroll", DEFAULT_TOPIC),
        ("nonsense", DEFAULT_TOPIC),
    ] {
        let env = TestEnvironment::new();
        env.tag("warden:owner-topic", tag);
        env.notified_request(UNLISTED).await;
        env.notify(&env.ledger.take_batch()).await;
        assert_eq!(env.mailbox.take()[0].0, expected);
    }
}

#[tokio::test]
async fn failed_records_do_not_block_the_batch() {
    let env = TestEnvironment::new();
    for account in [ALLOWED, UNLISTED, ALLOWED] {
        env.notified_request(account).await;
    }
    env.mailbox.faults.next("Publish", &[Fault::None, Fault::Before("NotFound")]);
    let mut batch = env.ledger.take_batch();
    let unreadable =
        json!({"eventName": "INSERT", "dynamodb": {"SequenceNumber": "999", "NewImage": {"record": {"S": "{\"schema\": 99}"}}}});
    batch["Records"].as_array_mut().unwrap().push(unreadable);
    let failures = env.notify(&batch).await.batch_item_failures;
    let failed: Vec<&str> = failures.iter().map(|failure| failure.item_identifier.as_str()).collect();
    assert_eq!(failed, ["000000000000000000001", "999"]);
    assert_eq!(env.mailbox.take().len(), 2);
}
