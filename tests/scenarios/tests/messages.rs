//! The messages that people read.

use jiff::SignedDuration;
use scenarios::{ALLOWED, PERMIT_ALL, TestEnvironment, UNLISTED, permit_account};
use serde_json::{Value, json};
use warden::message::Message;

/// Bytes of a message that SNS takes.
const SNS_BYTES_MAX: usize = 262_144;

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
    assert!(message.body().len() < SNS_BYTES_MAX);
}

#[tokio::test]
async fn long_notes_do_not_silence_a_decision() {
    // A character without a glyph is eight characters in a mail, and each form quotes it again.
    let notes = "\u{e000}".repeat(400);
    let forbid = |id: &str| {
        format!(
            "@id(\"{id}\") @reason(\"{notes}\") @advice(\"{notes}\") @owner(\"{notes}\")
             forbid(principal, action == PrivateLink::Action::\"Accept\", resource);"
        )
    };
    for count in [3, 12] {
        let policy: String = (0..count).map(|number| forbid(&format!("closed-{number}"))).collect();
        let env = TestEnvironment::new().with_policy(&policy);
        let message = message_about(&env, ALLOWED).await;
        assert!(message.body().len() < SNS_BYTES_MAX, "{} bytes", message.body().len());
        for text in [&message.text, &message.json, &message.chat] {
            assert!(text.contains("closed-0") && text.contains("This message is shortened"), "{text}");
        }
        assert!(message.text.contains("What you can do\n- Accept it now\n    warden approve vpce-"), "{}", message.text);
    }
}

#[tokio::test]
async fn letters_of_every_alphabet_stay_in_messages() {
    let notes = "\u{7406}".repeat(400);
    let forbid =
        format!("@id(\"r\u{e9}dis\") @reason(\"{notes}\") forbid(principal, action == PrivateLink::Action::\"Accept\", resource);");
    let env = TestEnvironment::new().with_policy(&forbid);
    env.tag("Name", "r\u{e9}dis");
    let message = message_about(&env, ALLOWED).await;
    for text in [&message.text, &message.json, &message.chat] {
        assert!(text.contains("r\u{e9}dis") && text.contains("\u{7406}\u{7406}"), "{text}");
    }
    assert!(message.subject.is_ascii() && message.body().len() < SNS_BYTES_MAX);
}
