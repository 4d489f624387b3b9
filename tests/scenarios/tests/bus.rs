//! Events for programs: what is emitted, in which order, and what becomes of an event that is not taken.

use jiff::SignedDuration;
use scenarios::{ALLOWED, Fault, TestEnvironment, UNLISTED};
use serde_json::{Value, json};
use warden::{
    ledger::{
        record::RecordKey,
        stream::{Content, News},
    },
    message::{EVENT_BYTES_MAX, Event},
    model::severity::Severity,
};

fn details(env: &TestEnvironment) -> Vec<Value> {
    env.bus.take().iter().map(|event| serde_json::from_str(&event.detail).unwrap()).collect()
}

/// An environment with one record to tell.
async fn with_record() -> TestEnvironment {
    let env = TestEnvironment::new();
    env.notified_request(UNLISTED).await;
    env
}

#[tokio::test]
async fn referred_request_is_an_open_event() {
    let env = with_record().await;
    env.notify().await;
    let [event] = &env.bus.take()[..] else { panic!("one event") };
    assert_eq!(event.detail_type, "Connection Decision");
    assert_eq!(event.resources.len(), 1);
    let mut detail: Value = serde_json::from_str(&event.detail).unwrap();
    detail["policy_digest"] = json!("[digest]");
    insta::assert_json_snapshot!("referred_event", detail);
}

#[tokio::test]
async fn answered_request_closes_its_event() {
    let env = TestEnvironment::new();
    let endpoint = env.notified_request(UNLISTED).await;
    env.notify().await;
    let opened = details(&env).remove(0);
    env.grant_endpoint(&endpoint);
    env.sweep().await;
    env.notify().await;
    let closed = details(&env).remove(0);
    assert_eq!((&opened["status"], &closed["status"], &closed["decision"]), (&json!("open"), &json!("closed"), &json!("accepted")));
    assert_eq!(opened["correlation_id"], closed["correlation_id"]);
    assert_ne!(opened["id"], closed["id"]);
    assert_eq!((&opened["actions"], &closed["actions"]), (&json!(["approve", "reject"]), &json!([])));
    assert_eq!(closed["person"]["reason"].as_str().map(str::is_empty), Some(false));
}

#[tokio::test]
async fn each_finding_is_an_event() {
    let env = TestEnvironment::new();
    let request = env.request(UNLISTED);
    env.accept_manually(&request.endpoint);
    env.pass(SignedDuration::from_hours(1));
    env.audit().await.unwrap();
    env.notify().await;
    let opened = details(&env);
    let kinds: Vec<&str> = opened.iter().filter_map(|detail| detail["kind"].as_str()).collect();
    assert!(kinds.contains(&"unjustified") && kinds.len() == opened.len(), "{kinds:?}");
    assert!(opened.iter().all(|detail| detail["change"] == "opened" && detail["status"] == "open"));
    env.grant_endpoint(&request.endpoint);
    env.audit().await.unwrap();
    env.notify().await;
    let resolved = details(&env);
    let unjustified = |details: &[Value]| details.iter().find(|detail| detail["kind"] == "unjustified").unwrap().clone();
    let (before, after) = (unjustified(&opened), unjustified(&resolved));
    assert_eq!((&after["change"], &after["status"]), (&json!("resolved"), &json!("closed")));
    assert_eq!(before["correlation_id"], after["correlation_id"]);
    assert!(before["id"] != after["id"] && after["since"].is_string());
}

#[tokio::test]
async fn failed_event_delays_no_message() {
    let env = with_record().await;
    env.bus.faults.next("PutEvents", &[Fault::Before("ThrottlingException"), Fault::Before("")]);
    for told in [1, 0] {
        assert!(env.notify().await.iter().all(Result::is_err), "the record is delivered again");
        assert_eq!((env.mailbox.take().len(), env.ledger.marks().iter().any(|mark| mark.emitted)), (told, false));
    }
    env.notify().await;
    assert_eq!((env.bus.take().len(), env.mailbox.take().len(), env.untold.take().len()), (1, 0, 0));
}

#[tokio::test]
async fn old_record_does_not_wait_for_its_event() {
    let env = with_record().await;
    env.pass(SignedDuration::from_mins(11));
    env.bus.faults.next("PutEvents", &[Fault::Before("InternalException")]);
    assert!(env.notify().await.iter().all(Result::is_ok), "the records behind it go on");
    assert_eq!((env.mailbox.take().len(), env.untold.take().len()), (1, 1));
}

#[tokio::test]
async fn repeated_event_has_the_same_id() {
    let env = with_record().await;
    env.mailbox.faults.next("Publish", &[Fault::Before("InternalError")]);
    env.bus.faults.next("PutEvents", &[Fault::After("InternalFailure"), Fault::After("InternalFailure")]);
    for _ in 0..3 {
        env.notify().await;
    }
    let ids: Vec<Value> = details(&env).into_iter().map(|detail| detail["id"].clone()).collect();
    assert_eq!((ids.len(), env.mailbox.take().len()), (3, 1));
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test]
async fn refused_event_does_not_silence_the_message() {
    let env = with_record().await;
    let delivery = env.ledger.take_deliveries().remove(0);
    env.bus.faults.next("PutEvents", &[Fault::Before("AccessDeniedException")]);
    let summary = env.notify_of(&delivery).await.unwrap();
    assert_eq!((summary.told, summary.set_aside, env.mailbox.take().len()), (1, 1, 1));
    let (set_aside, reason) = env.untold.take().remove(0);
    assert!(reason.contains("PutEvents failed with AccessDeniedException"), "{reason}");
    // A person delivers it again, once the cause is gone: the event alone is missing.
    let first = env.ledger.marks().remove(0);
    env.pass(SignedDuration::from_hours(2));
    env.notify_of(&serde_json::from_str(&set_aside).unwrap()).await.unwrap();
    assert_eq!((env.bus.take().len(), env.mailbox.take().len(), env.untold.take().len()), (1, 0, 0));
    let mark = env.ledger.marks().remove(0);
    assert!(!first.emitted && mark.emitted && mark.at == first.at, "the mark still says when the owner was told");
    assert_eq!(env.notify_of(&delivery).await.unwrap().repeated, 1);
    assert!(env.bus.take().is_empty());
}

#[tokio::test]
async fn refused_message_leaves_no_mark() {
    let env = with_record().await;
    env.mailbox.faults.next("Publish", &[Fault::Before("InvalidParameter")]);
    env.notify().await;
    assert_eq!((env.bus.take().len(), env.untold.take().len(), env.ledger.marks().len()), (1, 1, 0));
}

#[tokio::test]
async fn long_record_is_an_event_that_fits() {
    let notes = "\u{e000}".repeat(400);
    let forbid = |id: usize| {
        format!(
            "@id(\"closed-{id}\") @reason(\"{notes}\") @advice(\"{notes}\") @owner(\"{notes}\")
             forbid(principal, action == PrivateLink::Action::\"Accept\", resource);"
        )
    };
    let env = TestEnvironment::new().with_policy(&(0..60).map(forbid).collect::<String>());
    env.notified_request(ALLOWED).await;
    env.notify().await;
    let [event] = &env.bus.take()[..] else { panic!("one event") };
    assert!(event.bytes() <= EVENT_BYTES_MAX, "{} bytes", event.bytes());
    assert!(event.detail.contains("closed-0"));
}

#[tokio::test]
async fn long_finding_is_an_event_that_fits() {
    let env = TestEnvironment::new();
    let request = env.request(UNLISTED);
    env.accept_manually(&request.endpoint);
    env.pass(SignedDuration::from_hours(1));
    env.audit().await.unwrap();
    let delivery = env.ledger.take_deliveries().remove(0);
    let News { content, item, .. } = News::from_entry(&delivery["Records"][0]).unwrap();
    let Content::Digest(mut digest) = content else { panic!("a digest") };
    digest.opened[0].evidence = (0..1_000).map(|n| (format!("name-{n}"), "x".repeat(600))).collect();
    let news = |item: RecordKey| News { item, expires: None, content: Content::Digest(digest.clone()) };
    let events = Event::of(&news(item), "policies/");
    assert_eq!(events.len(), digest.opened.len());
    assert!(events.iter().all(|event| event.bytes() <= EVENT_BYTES_MAX));
    let detail: Value = serde_json::from_str(&events[0].detail).unwrap();
    assert_eq!((&detail["finding"], &detail["evidence"]), (&json!(digest.opened[0].id), &json!({})));
    assert_eq!(detail["severity"], json!(Severity::Critical.min(digest.opened[0].severity)));
}

#[tokio::test]
async fn texts_fit_into_a_json_template() {
    let env = TestEnvironment::new();
    env.tag("Name", "redis\"},\\ \r\n\u{202e}");
    env.notified_request(UNLISTED).await;
    env.notify().await;
    let detail = details(&env).remove(0);
    for name in ["title", "summary"] {
        let text = detail[name].as_str().unwrap();
        assert!(text.contains("redis'}") && !text.contains(['"', '\\', '\n', '\r', '\u{202e}']), "{text}");
    }
}

#[tokio::test]
async fn counted_requests_are_one_event() {
    let env = TestEnvironment::new();
    for _ in 0..12 {
        env.notified_request(UNLISTED).await;
    }
    env.notify().await;
    assert_eq!(details(&env).len(), 10, "the others are told as a number");
    env.pass(SignedDuration::from_hours(24));
    env.audit().await.unwrap();
    env.notify().await;
    let counted: Vec<Event> = env.bus.take().into_iter().filter(|event| event.detail_type == "Requests Counted").collect();
    let [event] = &counted[..] else { panic!("one event: {counted:?}") };
    let detail: Value = serde_json::from_str(&event.detail).unwrap();
    assert_eq!((&detail["requests"], &detail["lines"][0]["account"]), (&json!(2), &json!(UNLISTED)));
}
