//! Reads a batch of the ledger's stream. An entry that cannot be read does not affect the others.

use serde_json::Value;

use crate::ledger::{
    digest::{Digest, DigestError},
    record::{Record, RecordError},
};

/// One entry of a batch.
#[derive(Debug)]
pub struct StreamRecord {
    /// The id of the entry in the batch response.
    pub sequence_number: String,
    /// The content, or the reason why it cannot be told.
    pub news: Result<Outgoing, StreamRecordError>,
}

/// The content of an entry.
#[derive(Debug)]
pub enum Outgoing {
    /// A decision about a request.
    Decision(Box<Record>),
    /// The digest of an audit.
    Digest(Box<Digest>),
}

/// An entry that this version cannot tell.
#[derive(Debug, thiserror::Error)]
pub enum StreamRecordError {
    /// There is no new item, or it has no `record`.
    #[error("the entry has no item with a `record` attribute")]
    NoRecord,
    /// Items of this kind are not told.
    #[error("items of the kind `{0}` are not told: check the filter of the stream")]
    UnknownKind(String),
    /// The record cannot be read.
    #[error("the item's record cannot be read")]
    Record(#[from] RecordError),
    /// The digest cannot be read.
    #[error("the item's digest cannot be read")]
    Digest(#[from] DigestError),
}

/// An event without entries.
#[derive(Debug, thiserror::Error)]
#[error("the event is not a batch of a DynamoDB stream: check the function's triggers")]
pub struct NotAStreamBatch;

/// Reads a batch.
///
/// # Errors
/// The event has no `Records`.
pub fn entries(event: &Value) -> Result<Vec<StreamRecord>, NotAStreamBatch> {
    let records = event.get("Records").and_then(Value::as_array).ok_or(NotAStreamBatch)?;
    Ok(records.iter().map(entry).collect())
}

fn entry(value: &Value) -> StreamRecord {
    let sequence_number = value.pointer("/dynamodb/SequenceNumber").and_then(Value::as_str).unwrap_or_default().to_owned();
    StreamRecord { sequence_number, news: news(value) }
}

fn news(value: &Value) -> Result<Outgoing, StreamRecordError> {
    let attribute = |name: &str| value.pointer(&format!("/dynamodb/NewImage/{name}/S")).and_then(Value::as_str);
    let text = attribute("record").ok_or(StreamRecordError::NoRecord)?;
    // Records of schema 1 have no kind: they are decisions.
    match attribute("kind").unwrap_or("decision") {
        "decision" => Ok(Outgoing::Decision(Box::new(Record::from_json(text)?))),
        "digest" => Ok(Outgoing::Digest(Box::new(Digest::from_json(text)?))),
        other => Err(StreamRecordError::UnknownKind(other.to_owned())),
    }
}
