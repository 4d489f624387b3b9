//! A batch of the ledger's stream → what is to be told. Each entry is read on its own, so that one that cannot be read
//! never takes the others with it.

use serde_json::Value;

use crate::ledger::{
    digest::{Digest, DigestError},
    record::{Record, RecordError},
};

/// One entry of a batch.
#[derive(Debug)]
pub struct StreamRecord {
    /// What the batch response names it by.
    pub sequence_number: String,
    /// What is in it, or why that cannot be told.
    pub news: Result<Outgoing, StreamRecordError>,
}

/// What the ledger has to tell.
#[derive(Debug)]
pub enum Outgoing {
    /// What became of a request.
    Decision(Box<Record>),
    /// What an audit found.
    Digest(Box<Digest>),
}

/// An entry that holds nothing this version can tell about.
#[derive(Debug, thiserror::Error)]
pub enum StreamRecordError {
    /// No new item, or one without a `record`.
    #[error("the entry has no item with a `record` attribute")]
    NoRecord,
    /// The item is of a kind that is not told.
    #[error("the entry is of the kind `{0}`, which nobody is told of: check the filter of the stream")]
    UnknownKind(String),
    /// The record cannot be read.
    #[error("the item's record cannot be read")]
    Record(#[from] RecordError),
    /// The digest cannot be read.
    #[error("the item's digest cannot be read")]
    Digest(#[from] DigestError),
}

/// A batch that has no entries at all.
#[derive(Debug, thiserror::Error)]
#[error("the event is no batch of a DynamoDB stream: check what invokes this function")]
pub struct NotAStreamBatch;

/// Reads a batch.
///
/// # Errors
/// When the event has no `Records`.
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
    // A record from before there were kinds is a decision.
    match attribute("kind").unwrap_or("decision") {
        "decision" => Ok(Outgoing::Decision(Box::new(Record::from_json(text)?))),
        "digest" => Ok(Outgoing::Digest(Box::new(Digest::from_json(text)?))),
        other => Err(StreamRecordError::UnknownKind(other.to_owned())),
    }
}
