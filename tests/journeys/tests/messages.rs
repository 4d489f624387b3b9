//! What people get to read.

use jiff::SignedDuration;
use journeys::{A, B, Fault, PROVIDER, Stage};
use serde_json::{Value, json};

async fn told(stage: &Stage, account: &str) -> warden::message::Message {
    let (_, events) = stage.ask(account);
    stage.deliver(&events[0]).await.unwrap();
    stage.tell().await;
    stage.outbox.take().remove(0).1
}

#[tokio::test]
async fn a_request_that_waits_for_a_person() {
    let notice = told(&Stage::new(), B).await;
    insta::assert_snapshot!(notice.subject, @"PrivateLink: please decide, account 444455556666 and redis");
    insta::assert_snapshot!("referred_text", notice.text);
    insta::assert_json_snapshot!("referred_json", serde_json::from_str::<Value>(&notice.json).unwrap());
    insta::assert_json_snapshot!("referred_chat", serde_json::from_str::<Value>(&notice.chat).unwrap());
    insta::assert_debug_snapshot!("referred_attributes", notice.attributes);
}

#[tokio::test]
async fn a_request_that_was_accepted() {
    let notice = told(&Stage::new(), A).await;
    insta::assert_snapshot!("accepted_text", notice.text);
}

#[tokio::test]
async fn what_somebody_else_let_in_is_pressing_where_the_policy_would_not_have() {
    let all = "@id(\"all\") permit(principal, action == PrivateLink::Action::\"Accept\", resource);";
    let fails = "@id(\"fails\") forbid(principal, action == PrivateLink::Action::\"Accept\", resource)
        when { 9223372036854775807 + 1 > 0 };";
    let other = all.replace("principal,", &format!("principal == PrivateLink::Account::\"{B}\","));
    for (policy, severity) in [(all, "info"), (&other, "warning"), (&format!("{all}{fails}"), "warning")] {
        let stage = Stage::new().with_policy(policy);
        let (endpoint, events) = stage.ask(A);
        stage.aws.world().accept(PROVIDER, &stage.service, std::slice::from_ref(&endpoint)).unwrap();
        stage.pass(SignedDuration::from_mins(3));
        stage.deliver(&events[0]).await.unwrap();
        stage.tell().await;
        let attributes = stage.outbox.take().remove(0).1.attributes;
        for said in [("decision", "found"), ("severity", severity)] {
            assert!(attributes.contains(&(said.0, said.1.to_owned())), "{policy}: {attributes:?}");
        }
    }
}

#[tokio::test]
async fn a_request_that_a_forbid_turned_away_carries_the_advice() {
    let stage = Stage::new().with_policy(
        "@id(\"closed\") @reason(\"the quarter is over\") @advice(\"ask again in January\") @owner(\"finance\")
         forbid(principal, action == PrivateLink::Action::\"Accept\", resource);",
    );
    insta::assert_snapshot!("forbidden_text", told(&stage, A).await.text);
}

#[tokio::test]
async fn names_that_somebody_chose_cannot_steer_a_message() {
    let stage = Stage::new();
    let name = "redis\r\nBcc: all@example.com <!channel> \u{202e}gnp.exe [click](http://evil.example)";
    stage.aws.world().create_tags("123456789012", std::slice::from_ref(&stage.service), &[("Name".to_owned(), name.to_owned())]).unwrap();
    let notice = told(&stage, B).await;
    assert!(notice.subject.len() < 100 && notice.subject.bytes().all(|b| (b' '..=b'~').contains(&b)), "{}", notice.subject);
    assert!(!notice.text.contains('\r') && !notice.text.contains('\u{202e}'));
    let chat: Value = serde_json::from_str(&notice.chat).unwrap();
    assert!(!chat["content"]["description"].as_str().unwrap().contains("<!channel>"));
}

#[tokio::test]
async fn every_value_of_the_chat_form_is_text() {
    fn check(value: &Value) {
        match value {
            Value::Object(map) => map.values().for_each(check),
            Value::Array(items) => items.iter().for_each(check),
            other => assert!(other.is_string(), "{other}"),
        }
    }
    check(&serde_json::from_str(&told(&Stage::new(), B).await.chat).unwrap());
}

#[tokio::test]
async fn each_kind_of_subscriber_gets_its_own_form() {
    let notice = told(&Stage::new(), B).await;
    let body: Value = serde_json::from_str(&notice.body()).unwrap();
    assert_eq!(body["email"], json!(notice.text));
    assert_eq!(body["https"], json!(notice.chat));
    assert_eq!(body["sqs"], json!(notice.json));
    assert!(notice.body().len() < 262_144);
}

#[tokio::test]
async fn the_owner_s_topic_comes_from_the_service_s_tag_if_it_is_an_allowed_one() {
    for (tag, expected) in [
        ("arn:aws:sns:us-east-1:123456789012:warden-redis-team", "arn:aws:sns:us-east-1:123456789012:warden-redis-team"),
        ("arn:aws:sns:us-east-1:999999999999:warden-redis-team", "arn:aws:sns:us-east-1:123456789012:warden-owners"),
        ("arn:aws:sns:us-east-1:123456789012:payroll", "arn:aws:sns:us-east-1:123456789012:warden-owners"),
        ("nonsense", "arn:aws:sns:us-east-1:123456789012:warden-owners"),
    ] {
        let stage = Stage::new();
        stage
            .aws
            .world()
            .create_tags("123456789012", std::slice::from_ref(&stage.service), &[("warden:owner-topic".to_owned(), tag.to_owned())])
            .unwrap();
        let (_, events) = stage.ask(B);
        stage.deliver(&events[0]).await.unwrap();
        stage.tell().await;
        assert_eq!(stage.outbox.take()[0].0, expected);
    }
}

#[tokio::test]
async fn what_cannot_be_told_is_named_and_holds_nothing_up() {
    let stage = Stage::new();
    for account in [A, B, A] {
        let (_, events) = stage.ask(account);
        stage.deliver(&events[0]).await.unwrap();
    }
    stage.outbox.faults.next("Publish", &[Fault::None, Fault::Before("NotFound")]);
    let mut batch = stage.ledger.take_batch();
    let bad = json!({"eventName": "INSERT", "dynamodb": {"SequenceNumber": "999", "NewImage": {"record": {"S": "{\"schema\": 99}"}}}});
    batch["Records"].as_array_mut().unwrap().push(bad);
    let failures = stage.tell_batch(&batch).await.batch_item_failures;
    let named: Vec<&str> = failures.iter().map(|failure| failure.item_identifier.as_str()).collect();
    assert_eq!(named, ["000000000000000000001", "999"]);
    assert_eq!(stage.outbox.take().len(), 2);
}
