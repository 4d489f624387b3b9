//! The state of a service on the ledger.

use jiff::SignedDuration;
use serde_json::{Value, json};
use warden::{
    ledger::{
        record::Act,
        service_state::{ACT_INTERVAL_SECONDS_MAX, CHUNK_MAX, Pace, ServiceState, StateError},
    },
    model::connection::Connection,
};

use crate::fixtures::{connection, now};

#[test]
fn state_of_newer_schema_is_refused() {
    let state = serde_json::to_value(ServiceState::default()).unwrap();
    let with = |name: &str, value: Value| {
        let mut state = state.clone();
        state[name] = value;
        ServiceState::from_json(&state.to_string())
    };
    assert!(with("schema", json!(1)).is_ok());
    assert!(matches!(with("schema", json!(2)), Err(StateError::Newer(2))));
    let unknown_act = json!({"act": "merge", "records": [], "at": "2026-06-01T12:00:00Z"});
    assert!(matches!(with("intent", unknown_act), Err(StateError::Malformed(_))));
    assert!(matches!(ServiceState::from_json("{}"), Err(StateError::Malformed(_))));
}

#[test]
fn pace_slows_when_throttled_and_recovers() {
    let mut pace = Pace::default();
    for seconds in [10, 20, 40, 60, 60] {
        pace = pace.after_throttling(now());
        assert_eq!(pace.not_before, Some(now() + SignedDuration::from_secs(seconds)));
    }
    assert_eq!(pace.interval_seconds, ACT_INTERVAL_SECONDS_MAX);
    assert_eq!(pace.after_act(now()).not_before, Some(now() + SignedDuration::from_secs(5)));
}

#[test]
fn acts_of_a_burst_leave_less_room() {
    let with_acts = |count: u64| {
        let connections = (0..count).map(|n| Connection { subject: format!("vpce-{n:017x}").parse().unwrap(), ..connection() });
        ServiceState::default().with_acts(Act::Accept, connections, now())
    };
    let room = |state: &ServiceState| state.room_for_records();
    assert!(room(&with_acts(0)) > 299 * 1024);
    assert!(room(&with_acts(1_000)) < room(&with_acts(500)));
    // The most that the pace allows in five minutes.
    let full = with_acts(60 * 48);
    assert!(room(&full) < 8 * 1024, "{}", room(&full));
    assert!(serde_json::to_string(&full).unwrap().len() < 390 * 1024, "one record more still fits the item");
}

#[test]
fn refused_call_is_bisected_to_one_subject() {
    let mut pace = Pace::default();
    let mut sizes = Vec::new();
    while pace.chunk > 1 {
        pace = pace.after_refusal(now(), pace.chunk);
        sizes.push(pace.chunk);
    }
    assert_eq!(sizes, [24, 12, 6, 3, 1]);
    for _ in 0..6 {
        pace = pace.after_act(now());
    }
    assert_eq!(pace.chunk, CHUNK_MAX);
}
