//! EventBridge: puts events on one bus.

use serde_json::{Value, json};

use crate::{
    aws::json_calls::{JsonCalls, JsonService},
    message::{EVENT_BYTES_MAX, Event, SOURCE},
    model::ids::Region,
    ports::{CallError, Emit},
};

/// Entries in one `PutEvents`.
const ENTRIES_MAX: usize = 10;

/// A bus of this account and Region.
#[derive(Debug, Clone)]
pub struct EventBus {
    calls: JsonCalls,
    name: String,
}

impl EventBus {
    /// The bus by its name.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, region: Region, name: String) -> Self {
        Self { calls: JsonCalls::of_a_function(config, region), name }
    }
}

impl Emit for EventBus {
    async fn emit(&self, events: &[Event]) -> Result<(), CallError> {
        let (mut rest, mut refused) = (events, None);
        while !rest.is_empty() {
            let (call, later) = rest.split_at(first_call(rest));
            let entry = |event: &Event| {
                json!({
                    "Source": SOURCE, "DetailType": event.detail_type, "Detail": event.detail,
                    "Resources": event.resources, "EventBusName": self.name,
                })
            };
            let entries: Vec<Value> = call.iter().map(entry).collect();
            let answer = self.calls.call(JsonService::EventBridge, "PutEvents", &json!({ "Entries": entries })).await;
            match answer.and_then(|answer| taken(&answer, entries.len())) {
                Err(error) if error.is_transient() => return Err(error),
                // It must not keep the later ones from the bus.
                outcome => refused = refused.or(outcome.err()),
            }
            rest = later;
        }
        refused.map_or(Ok(()), Err)
    }
}

/// Returns the number of events that the first call takes: the limit of its entries counts for all of them together.
fn first_call(events: &[Event]) -> usize {
    let sizes = events.iter().take(ENTRIES_MAX).scan(0, |sum, event| {
        *sum += event.bytes();
        Some(*sum)
    });
    sizes.take_while(|sum| *sum <= EVENT_BYTES_MAX).count().max(1)
}

/// Reads an answer: with HTTP 200, each entry may still have failed. An error that may pass comes before one that lasts.
fn taken(answer: &Value, entries: usize) -> Result<(), CallError> {
    let empty = Vec::new();
    let results = answer.get("Entries").and_then(Value::as_array).unwrap_or(&empty);
    let text = |result: &Value, name: &str| result.get(name).and_then(Value::as_str).map(str::to_owned);
    let error = |code: Option<String>, message: String| CallError { call: "PutEvents", code, message, source: None };
    if results.len() != entries {
        return Err(error(None, format!("the answer has {} results for {entries} events", results.len())));
    }
    let failed = results.iter().filter(|result| text(result, "EventId").is_none());
    let mut errors: Vec<CallError> =
        failed.map(|result| error(text(result, "ErrorCode"), text(result, "ErrorMessage").unwrap_or_default())).collect();
    errors.sort_by_key(|error| !error.is_transient());
    errors.into_iter().next().map_or(Ok(()), Err)
}
