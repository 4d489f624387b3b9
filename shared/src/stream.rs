//! A batch of the ledger's stream → records. Each entry is read on its own, so that one that cannot be read never
//! takes the others with it.

use serde_json::Value;

use crate::record::{Record, RecordError};

/// One entry of a batch.
#[derive(Debug)]
pub struct Entry {
    /// What the batch response names it by.
    pub sequence_number: String,
    /// The record in it, or why there is none.
    pub record: Result<Record, EntryError>,
}

/// An entry that holds no record this version can tell about.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// No new item, or one without a `record`.
    #[error("the entry has no item with a `record` attribute")]
    NoRecord,
    /// The record cannot be read.
    #[error("the item's record cannot be read")]
    Record(#[from] RecordError),
}

/// A batch that has no entries at all.
#[derive(Debug, thiserror::Error)]
#[error("the event is no batch of a DynamoDB stream: check what invokes this function")]
pub struct NotAStream;

/// Reads a batch.
///
/// # Errors
/// When the event has no `Records`.
pub fn entries(event: &Value) -> Result<Vec<Entry>, NotAStream> {
    let records = event.get("Records").and_then(Value::as_array).ok_or(NotAStream)?;
    Ok(records.iter().map(entry).collect())
}

fn entry(value: &Value) -> Entry {
    let sequence_number = value.pointer("/dynamodb/SequenceNumber").and_then(Value::as_str).unwrap_or_default().to_owned();
    Entry { sequence_number, record: record(value) }
}

fn record(value: &Value) -> Result<Record, EntryError> {
    let text = value.pointer("/dynamodb/NewImage/record/S").and_then(Value::as_str).ok_or(EntryError::NoRecord)?;
    Ok(Record::from_json(text)?)
}
