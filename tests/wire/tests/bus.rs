//! The bus's adapter over the wire: entries, and those that EventBridge does not take with HTTP 200.

use serde_json::{Value, json};
use warden::{
    aws::events::EventBus,
    message::{EVENT_BYTES_MAX, Event},
    ports::{CallError, Emit},
};

use crate::script::Script;

fn events(count: usize, bytes: usize) -> Vec<Event> {
    let event =
        |_| Event { detail_type: "Audit Finding", resources: vec!["arn:a".to_owned()], detail: format!("\"{}\"", "x".repeat(bytes)) };
    (0..count).map(event).collect()
}

fn taken(count: usize) -> Value {
    json!({"FailedEntryCount": 0, "Entries": vec![json!({"EventId": "1"}); count]})
}

async fn emit(answers: Vec<(u16, Value)>, events: &[Event]) -> (Result<(), CallError>, Vec<Value>) {
    let (script, config) = Script::start(answers).await;
    let emitted = EventBus::new(&config, "us-east-1".parse().unwrap(), "siem".to_owned()).emit(events).await;
    (emitted, script.calls())
}

fn sizes(calls: &[Value]) -> Vec<usize> {
    calls.iter().map(|call| call["Entries"].as_array().unwrap().len()).collect()
}

#[tokio::test]
async fn entry_names_source_type_and_bus() {
    let (emitted, calls) = emit(vec![(200, taken(1))], &events(1, 3)).await;
    emitted.unwrap();
    let entry = json!({"Source": "privatelink-warden", "DetailType": "Audit Finding", "Detail": "\"xxx\"", "Resources": ["arn:a"], "EventBusName": "siem"});
    assert_eq!(calls, [json!({"Entries": [entry]})]);
}

#[tokio::test]
async fn ten_events_are_put_at_once() {
    let (emitted, calls) = emit(vec![(200, taken(10)), (200, taken(10)), (200, taken(3))], &events(23, 3)).await;
    emitted.unwrap();
    assert_eq!(sizes(&calls), [10, 10, 3]);
}

#[tokio::test]
async fn large_events_are_put_in_several_calls() {
    let large = events(3, EVENT_BYTES_MAX / 2 - 100);
    let (emitted, calls) = emit(vec![(200, taken(2)), (200, taken(1))], &large).await;
    emitted.unwrap();
    assert_eq!(sizes(&calls), [2, 1]);
    assert!(large[..2].iter().map(Event::bytes).sum::<usize>() <= EVENT_BYTES_MAX);
}

#[tokio::test]
async fn entry_that_is_not_taken_is_an_error() {
    let failed = |codes: &[&str]| {
        let failed = codes.iter().map(|code| json!({"ErrorCode": code, "ErrorMessage": "not taken"}));
        let entries: Vec<Value> = [json!({"EventId": "1"})].into_iter().chain(failed).collect();
        json!({"FailedEntryCount": codes.len(), "Entries": entries})
    };
    for (codes, code, transient) in [
        (&["ThrottlingException"][..], "ThrottlingException", true),
        (&["InternalFailure"], "InternalFailure", true),
        (&["AccessDeniedException"], "AccessDeniedException", false),
        (&["MalformedDetail"], "MalformedDetail", false),
        // What may pass is tried again first.
        (&["AccessDeniedException", "InternalFailure"], "InternalFailure", true),
    ] {
        let (emitted, _) = emit(vec![(200, failed(codes))], &events(codes.len() + 1, 3)).await;
        let error = emitted.unwrap_err();
        assert_eq!(
            (error.code.as_deref(), error.is_transient(), error.message.as_str()),
            (Some(code), transient, "not taken"),
            "{codes:?}"
        );
    }
}

#[tokio::test]
async fn answer_without_results_may_pass() {
    let (emitted, _) = emit(vec![(200, json!({}))], &events(1, 3)).await;
    assert!(emitted.unwrap_err().is_transient());
}

#[tokio::test]
async fn refused_call_has_its_code() {
    let refused = json!({"__type": "AccessDeniedException", "message": "not authorized to perform: events:PutEvents"});
    let (emitted, _) = emit(vec![(400, refused)], &events(1, 3)).await;
    let error = emitted.unwrap_err();
    assert_eq!((error.code.as_deref(), error.is_transient()), (Some("AccessDeniedException"), false));
}
