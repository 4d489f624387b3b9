//! Law 6: totality.

use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::{collection::vec, prelude::*, sample::Index, test_runner::TestRunner};
use serde_json::{Value, json};

use super::on;
use crate::{
    generators::{CALM, story},
    harness::House,
    wardens::Warden,
};

/// 6. No bytes panic a handler.
pub fn totality(warden: &dyn Warden, runner: &mut TestRunner) -> Result<(), String> {
    let bytes = prop_oneof![
        1 => vec(any::<u8>(), 0..200).prop_map(Scrawl::Bytes),
        1 => "\\PC{0,80}".prop_map(|text| Scrawl::Bytes(text.into_bytes())),
        4 => (any::<Index>(), any::<Index>(), value()).prop_map(|(event, place, value)| Scrawl::Leaf(event, place, value)),
        2 => (any::<Index>(), any::<Index>()).prop_map(|(event, end)| Scrawl::Torn(event, end)),
    ];
    on(runner, &(story(CALM), vec(bytes, 1..12)), |(story, scrawls)| {
        let mut house = House::new(warden, &story);
        house.ask(0, 0, false);
        house.play();
        let batch = house.ledger.take_batch();
        for scrawl in scrawls {
            let events: Vec<Value> = house.sent.iter().map(|sent| sent.value.clone()).chain([journeys::sweep_event()]).collect();
            let panicked = |bytes: Vec<u8>| format!("panicked on {}", String::from_utf8_lossy(&bytes));
            let bytes = scrawl.on(&events);
            let done = catch_unwind(AssertUnwindSafe(|| drop(house.invoke_with(bytes.clone()))));
            done.map_err(|_| panicked(bytes))?;
            let bytes = scrawl.on(&[batch.clone(), json!({"Records": []})]);
            if let Ok(batch) = serde_json::from_slice::<Value>(&bytes) {
                let done = catch_unwind(AssertUnwindSafe(|| house.notify_with(&batch)));
                done.map_err(|_| panicked(bytes))?;
            }
        }
        Ok(())
    })
}

/// What comes instead of an event.
#[derive(Debug, Clone)]
enum Scrawl {
    Bytes(Vec<u8>),
    /// An event with another value in one place.
    Leaf(Index, Index, Value),
    /// An event that ends early.
    Torn(Index, Index),
}

impl Scrawl {
    fn on(&self, events: &[Value]) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Leaf(event, place, value) => {
                let mut event = event.get(events).clone();
                let mut away = place.index(places(&event));
                put(&mut event, &mut away, value);
                event.to_string().into_bytes()
            }
            Self::Torn(event, end) => {
                let bytes = event.get(events).to_string().into_bytes();
                let end = end.index(bytes.len() + 1);
                bytes[..end].to_vec()
            }
        }
    }
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!({})),
        Just(json!([])),
        any::<i64>().prop_map(|n| json!(n)),
        any::<bool>().prop_map(|flag| json!(flag)),
        "\\PC{0,20}".prop_map(|text| json!(text)),
        Just(json!("vpce-svc-0123456789abcdef0 vpce-0123456789abcdef0")),
    ]
}

/// How many values an event holds, itself included.
fn places(event: &Value) -> usize {
    1 + match event {
        Value::Object(map) => map.values().map(places).sum::<usize>(),
        Value::Array(items) => items.iter().map(places).sum(),
        _ => 0,
    }
}

/// Puts a value in the place that is so many places away.
fn put(event: &mut Value, away: &mut usize, value: &Value) {
    if *away == 0 {
        *event = value.clone();
    }
    *away = away.wrapping_sub(1);
    match event {
        Value::Object(map) => map.values_mut().for_each(|inner| put(inner, away, value)),
        Value::Array(items) => items.iter_mut().for_each(|inner| put(inner, away, value)),
        _ => {}
    }
}
