//! One record, one message: repeated deliveries, calls of `notify` that fail, topics that are gone, and records that cannot be told.

use jiff::SignedDuration;
use scenarios::{ALLOWED, DEFAULT_TOPIC, Fault, TestEnvironment, UNLISTED};
use serde_json::{Value, json};

/// A topic that a tag may name.
const TEAM: &str = "arn:aws:sns:us-east-1:123456789012:warden-redis-team";

/// A change of an entry of the stream.
type Change<'a> = &'a dyn Fn(&mut Value);

/// An environment with one record to tell, whose service has this owner.
async fn with_owner(topic: &str) -> TestEnvironment {
    let env = TestEnvironment::new();
    env.tag("warden:owner-topic", topic);
    env.notified_request(UNLISTED).await;
    env
}

/// The topics of the messages that were published.
fn topics(env: &TestEnvironment) -> Vec<String> {
    env.mailbox.take().into_iter().map(|(topic, _)| topic).collect()
}

#[tokio::test]
async fn repeated_delivery_is_silent() {
    let env = with_owner(TEAM).await;
    let delivery = env.ledger.take_deliveries().remove(0);
    for _ in 0..5 {
        env.notify_of(&delivery).await.unwrap();
        env.pass(SignedDuration::from_hours(1));
    }
    assert_eq!(topics(&env), [TEAM]);
}

#[tokio::test]
async fn told_notice_can_be_proved() {
    let env = with_owner(TEAM).await;
    let (at, record) = (env.aws.world().now(), env.only_record());
    env.notify().await;
    let [mark] = &env.ledger.marks()[..] else { panic!("one mark") };
    assert_eq!((&mark.item, mark.topic.as_str(), mark.at), (&record.key(), TEAM, at));
    assert_eq!(mark.expires.unwrap().as_second(), record.expires.as_second(), "the mark lives as long as the record");
}

#[tokio::test]
async fn digest_is_told_once() {
    let env = TestEnvironment::new();
    let request = env.request(UNLISTED);
    env.accept_manually(&request.endpoint);
    env.pass(SignedDuration::from_hours(1));
    env.audit().await.unwrap();
    let delivery = env.ledger.take_deliveries().remove(0);
    assert_eq!(env.notify_of(&delivery).await.unwrap().told, 1);
    assert_eq!(env.notify_of(&delivery).await.unwrap().repeated, 1);
    assert_eq!(topics(&env).len(), 1);
}

#[tokio::test]
async fn later_record_of_the_same_key_is_told() {
    let env = with_owner(TEAM).await;
    let delivery = env.ledger.take_deliveries().remove(0);
    env.notify_of(&delivery).await.unwrap();
    // The ledger deletes the record and its mark some time after both have expired.
    env.pass(SignedDuration::from_hours(9_601));
    env.notify_of(&delivery).await.unwrap();
    assert_eq!((topics(&env).len(), env.ledger.marks()[0].at), (2, env.aws.world().now()));
}

#[tokio::test]
async fn outage_of_sns_loses_nothing() {
    let env = TestEnvironment::new();
    let outage = [Fault::Before("InternalError"), Fault::Before("Throttled"), Fault::Before("KMSThrottling"), Fault::Before("")];
    let mut requests = 0;
    for minute in 0..60 {
        if minute % 20 == 0 {
            env.notified_request(if minute == 0 { ALLOWED } else { UNLISTED }).await;
            requests += 1;
        }
        env.mailbox.faults.next("Publish", &outage[..requests]);
        assert!(env.notify().await.iter().all(Result::is_err), "each record is delivered again");
        env.pass(SignedDuration::from_mins(1));
    }
    env.mailbox.faults.stop();
    assert_eq!((env.mailbox.take().len(), env.untold.take().len()), (0, 0));
    env.notify().await;
    env.notify().await;
    assert_eq!((env.mailbox.take().len(), env.untold.take().len()), (3, 0));
}

#[tokio::test]
async fn outage_of_the_ledger_repeats_no_message() {
    let env = with_owner(TEAM).await;
    env.ledger.faults.next("GetMark", &[Fault::Before("InternalServerError"); 3]);
    for _ in 0..4 {
        env.notify().await;
    }
    assert_eq!(topics(&env), [TEAM]);
}

#[tokio::test]
async fn failed_mark_repeats_no_message() {
    let env = with_owner(TEAM).await;
    env.ledger.faults.next("PutMark", &[Fault::Before("AccessDeniedException")]);
    assert!(env.notify().await.iter().all(Result::is_ok));
    assert!(env.notify().await.is_empty(), "nothing is delivered again");
    assert_eq!((topics(&env).len(), env.ledger.marks().len()), (1, 0));
}

#[tokio::test]
async fn owner_topic_must_have_the_allowed_prefix() {
    for tag in ["arn:aws:sns:us-east-1:999999999999:warden-redis-team", "arn:aws:sns:us-east-1:123456789012:payroll", "nonsense"] {
        let env = with_owner(tag).await;
        env.notify().await;
        let (topic, message) = env.mailbox.take().remove(0);
        assert_eq!(topic, DEFAULT_TOPIC);
        assert!(message.text.contains(&format!("names `{tag}`: it is not one of the topics")), "{}", message.text);
    }
}

#[tokio::test]
async fn refused_owner_topic_falls_back() {
    for code in ["NotFound", "AuthorizationError", "KMSDisabled", "InvalidParameter"] {
        let env = with_owner(TEAM).await;
        env.mailbox.faults.next("Publish", &[Fault::Before(code)]);
        assert_eq!(env.notify().await.remove(0).unwrap().told, 1);
        let (topic, message) = env.mailbox.take().remove(0);
        assert_eq!((topic.as_str(), env.ledger.marks()[0].topic.as_str()), (DEFAULT_TOPIC, DEFAULT_TOPIC));
        for text in [&message.text, &message.json, &message.chat] {
            assert!(text.contains(TEAM) && text.contains(&format!("SNS answers {code}")), "{text}");
        }
    }
}

#[tokio::test]
async fn digest_falls_back_as_well() {
    let env = TestEnvironment::new();
    env.tag("warden:owner-topic", TEAM);
    let request = env.request(UNLISTED);
    env.accept_manually(&request.endpoint);
    env.pass(SignedDuration::from_hours(1));
    env.audit().await.unwrap();
    env.mailbox.faults.next("Publish", &[Fault::Before("NotFound")]);
    let message = env.messages().await.remove(0);
    for text in [&message.text, &message.json, &message.chat] {
        assert!(text.contains("SNS answers NotFound"), "{text}");
    }
}

#[tokio::test]
async fn throttled_owner_topic_does_not_fall_back() {
    let env = with_owner(TEAM).await;
    env.mailbox.faults.next("Publish", &[Fault::Before("Throttled")]);
    assert!(env.notify().await[0].is_err());
    env.notify().await;
    assert_eq!(topics(&env), [TEAM]);
}

#[tokio::test]
async fn untellable_record_is_set_aside_whole() {
    let newer = |entry: &mut Value| entry["dynamodb"]["NewImage"]["record"]["S"] = json!("{\"schema\": 99}");
    let malformed = |entry: &mut Value| entry["dynamodb"]["NewImage"]["record"]["S"] = json!("no record");
    let unknown = |entry: &mut Value| entry["dynamodb"]["NewImage"]["kind"]["S"] = json!("grant");
    let keyless = |entry: &mut Value| entry["dynamodb"]["Keys"] = json!({});
    let changes: [(&str, Change<'_>); 4] =
        [("schema 99", &newer), ("not a ledger record", &malformed), ("kind `grant`", &unknown), ("key", &keyless)];
    for (reason, change) in changes {
        let env = with_owner(TEAM).await;
        let mut delivery = env.ledger.take_deliveries().remove(0);
        change(&mut delivery["Records"][0]);
        assert_eq!(env.notify_of(&delivery).await.unwrap().set_aside, 1, "the delivery is over, and blocks no other");
        let (event, stated) = env.untold.take().remove(0);
        assert_eq!(serde_json::from_str::<Value>(&event).unwrap(), delivery);
        assert!(stated.contains(reason), "{stated}");
        assert_eq!(env.mailbox.take().len(), 0);
    }
}

#[tokio::test]
async fn refused_message_is_set_aside_at_once() {
    for code in ["NotFound", "AuthorizationError", "InvalidParameter", "KMSAccessDenied"] {
        let env = TestEnvironment::new();
        for account in [UNLISTED, ALLOWED] {
            env.notified_request(account).await;
        }
        env.mailbox.faults.next("Publish", &[Fault::Before(code)]);
        let results = env.notify().await;
        assert_eq!((results[0].as_ref().unwrap().set_aside, results[1].as_ref().unwrap().told), (1, 1));
        let (event, reason) = env.untold.take().remove(0);
        assert!(reason.contains(code), "{reason}");
        // Once the cause is fixed, a person delivers the event again.
        env.notify_of(&serde_json::from_str(&event).unwrap()).await.unwrap();
        assert_eq!((topics(&env).len(), env.ledger.marks().len()), (2, 2));
    }
}

#[tokio::test]
async fn full_queue_of_untold_records_loses_nothing() {
    let env = TestEnvironment::new();
    env.notified_request(UNLISTED).await;
    env.mailbox.faults.next("Publish", &[Fault::Before("NotFound"); 2]);
    env.untold.faults.next("SendMessage", &[Fault::Before("AccessDenied")]);
    assert!(env.notify().await[0].is_err());
    env.notify().await;
    assert_eq!(env.untold.take().len(), 1);
}

#[tokio::test]
async fn event_without_records_is_an_error() {
    let env = TestEnvironment::new();
    for event in [json!({}), json!([]), json!("x"), json!({"Records": {}})] {
        assert_eq!(env.notify_of(&event).await.unwrap_err().kind(), "UnreadableEvent");
    }
}
