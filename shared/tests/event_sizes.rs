//! The largest and deepest messages that a sender can make: a queue takes 1 MB, EventBridge and SNS take 256 KB. Each message
//! is read in one pass or refused, and only little of it is kept.

use serde_json::{Value, json};
use warden::trigger::{MessageError, Target, Trigger};

use crate::fixtures::event;

const KB: usize = 1024;
const SIZES: [usize; 2] = [256 * KB, 1024 * KB];

fn only(event: &Value) -> Trigger {
    Trigger::parse(&event.to_string()).unwrap()
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
        event["Message"] = json!(text);
        only(&event).target
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
        assert!(matches!(body(far), Target::Subjects(hints) if hints.len() == 1));
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
                format!("{{\"Type\":\"Notification\",\"Message\":{inner}}}"),
                open.repeat(depth),
            ] {
                assert!(matches!(Trigger::parse(&text), Err(MessageError::NotJson(_))), "{depth} {open}");
                // In a function, the Lambda runtime parses the event with the same parser.
                assert!(serde_json::from_str::<Value>(&text).is_err());
            }
        }
    }
    let most = format!("{{\"detail-type\":\"x\",\"source\":\"x\",\"detail\":{}{}}}", "[".repeat(120), "]".repeat(120));
    assert!(matches!(only(&serde_json::from_str(&most).unwrap()).target, Target::Nothing(_)), "the deepest event that is read");
}

#[test]
fn texts_for_the_record_are_short() {
    let long = "é".repeat(100_000);
    for (name, place) in [("cloudtrail-create-vpc-endpoint", "/id"), ("scheduled-sweep", "/id"), ("sns-no-ids", "/MessageId")] {
        let mut event = event(name);
        *event.pointer_mut(place).unwrap() = json!(long);
        assert_eq!(only(&event).origin.id.chars().count(), 100, "{name}");
    }
    let role = |length: usize| {
        let mut created = event("cloudtrail-create-vpc-endpoint");
        let start = "arn:aws:iam::444455556666:role/";
        let arn = format!("{start}{}", "a".repeat(length - start.len()));
        created["detail"]["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] = json!(arn);
        match only(&created).target {
            Target::Subjects(hints) => hints[0].claim.clone().unwrap().role.is_some(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((role(2048), role(2049)), (true, false), "an ARN in IAM has at most 2,048 characters");
}
