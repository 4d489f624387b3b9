//! The largest and deepest events that a sender can make. Lambda takes 1 MB from a queue and 6 MB from a caller, EventBridge
//! and SNS take 256 KB. Each such event is read in one pass or refused, and only little of it is kept.

use serde_json::{Value, json};
use warden::trigger::{EventError, Target, Trigger};

use crate::fixtures::event;

const KB: usize = 1024;
const SIZES: [usize; 3] = [256 * KB, 1024 * KB, 6 * 1024 * KB];

fn only(event: &Value) -> Trigger {
    let mut triggers = Trigger::parse(event.to_string().as_bytes()).unwrap();
    assert_eq!(triggers.len(), 1);
    triggers.remove(0)
}

#[test]
fn unread_field_may_fill_the_event() {
    for size in SIZES {
        let mut created = event("cloudtrail-create-vpc-endpoint");
        let plain = only(&created);
        created["detail"]["requestParameters"] = json!("x".repeat(size));
        assert_eq!(only(&created), plain);
        let filler: Vec<Value> = (0..size / 10).map(|n| json!({ "tag": n })).collect();
        created["detail"]["requestParameters"] = json!(filler);
        assert_eq!(only(&created), plain);
    }
}

#[test]
fn message_may_fill_the_event() {
    let body = |text: String| {
        let mut event = event("sns-no-ids");
        event["Records"][0]["Sns"]["Message"] = json!(text);
        only(&event).asks
    };
    for size in [256 * KB, 1024 * KB] {
        // Texts that are almost an id, repeated: a pattern that backtracks would take very long.
        for nearly in
            ["vpce-", "vpce-svc-", "vpce-0c1308d7312217abcdef0 ", "vpce-svc-vpce-", "0c1308d7312217abc", "vpce-0c1308d\u{200d}7312217abc "]
        {
            assert!(matches!(body(nearly.repeat(size / nearly.len())), Target::Topic(_)), "{nearly}");
        }
        let ids: String = (0..size / 23).map(|n| format!("vpce-{n:017x} ")).collect();
        assert!(matches!(body(ids), Target::Topic(_)), "too many ids to trust");
        let far = format!("{}vpce-0c1308d7312217abc", "- ".repeat(size / 2));
        assert!(matches!(body(far), Target::Endpoints(hints) if hints.len() == 1));
    }
}

#[test]
fn too_deep_nesting_is_an_error() {
    for depth in [128, 1_000, 10_000, 100_000, 1_000_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
            let inner = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            for text in [
                inner.clone(),
                format!("{{\"detail-type\":\"x\",\"detail\":{inner}}}"),
                format!("{{\"Records\":{inner}}}"),
                open.repeat(depth),
            ] {
                assert!(matches!(Trigger::parse(text.as_bytes()), Err(EventError::NotJson(_))), "{depth} {open}");
                // In a function, the Lambda runtime parses the event with the same parser.
                assert!(serde_json::from_str::<Value>(&text).is_err());
            }
        }
    }
    let most = format!("{{\"detail-type\":\"x\",\"source\":\"x\",\"detail\":{}{}}}", "[".repeat(120), "]".repeat(120));
    assert!(matches!(only(&serde_json::from_str(&most).unwrap()).asks, Target::Nothing(_)), "the deepest event that is read");
}

#[test]
fn more_messages_than_sns_sends_are_refused() {
    let one = event("sns-connect-json-body")["Records"][0].clone();
    let of = |count: usize| Trigger::parse(json!({"Records": vec![one.clone(); count]}).to_string().as_bytes());
    assert_eq!(of(5).unwrap().len(), 5);
    for count in [6, 5_000] {
        assert!(matches!(of(count), Err(EventError::TooMany(n)) if n == count));
    }
}

#[test]
fn texts_for_the_record_are_short() {
    let long = "é".repeat(100_000);
    for (name, place) in [("cloudtrail-create-vpc-endpoint", "/id"), ("scheduled-sweep", "/id"), ("sns-no-ids", "/Records/0/Sns/MessageId")]
    {
        let mut event = event(name);
        *event.pointer_mut(place).unwrap() = json!(long);
        assert_eq!(only(&event).origin.id.chars().count(), 100, "{name}");
    }
    let role = |length: usize| {
        let mut created = event("cloudtrail-create-vpc-endpoint");
        let start = "arn:aws:iam::444455556666:role/";
        let arn = format!("{start}{}", "a".repeat(length - start.len()));
        created["detail"]["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] = json!(arn);
        match only(&created).asks {
            Target::Endpoints(hints) => hints[0].claim.clone().unwrap().role.is_some(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((role(2048), role(2049)), (true, false), "an ARN in IAM has at most 2,048 characters");
}
