//! Reads an event of the ledger's stream. An entry that cannot be read does not affect the others.

use jiff::Timestamp;
use serde_json::Value;

use crate::ledger::{
    digest::{Digest, DigestError},
    open_finding::{Owner, owner_of},
    record::{Record, RecordError, RecordKey},
};

/// The content of an entry.
#[derive(Debug)]
pub struct News {
    /// The key of the new item.
    pub item: RecordKey,
    /// When the ledger may delete the item.
    pub expires: Option<Timestamp>,
    /// The item.
    pub content: Content,
}

/// An item that is told.
#[derive(Debug)]
pub enum Content {
    /// A decision about a request.
    Decision(Box<Record>),
    /// The digest of an audit.
    Digest(Box<Digest>),
}

/// An entry that this version cannot tell.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// There is no new item, or it has no key or no `record`.
    #[error("the entry has no item with a key and a `record` attribute")]
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
#[error("the event is not one of a DynamoDB stream: check the function's triggers")]
pub struct NotAStreamEvent;

/// Returns the entries of an event.
///
/// # Errors
/// The event has no `Records`.
pub fn entries(event: &Value) -> Result<&[Value], NotAStreamEvent> {
    event.get("Records").and_then(Value::as_array).map(Vec::as_slice).ok_or(NotAStreamEvent)
}

impl News {
    /// Reads an entry.
    ///
    /// # Errors
    /// This version cannot tell the entry.
    pub fn from_entry(entry: &Value) -> Result<Self, EntryError> {
        let text = |path: &str| entry.pointer(&format!("/dynamodb/{path}")).and_then(Value::as_str);
        let (Some(partition), Some(sort), Some(record)) = (text("Keys/pk/S"), text("Keys/sk/S"), text("NewImage/record/S")) else {
            return Err(EntryError::NoRecord);
        };
        // Records of schema 1 have no kind: they are decisions.
        let content = match text("NewImage/kind/S").unwrap_or("decision") {
            "decision" => Content::Decision(Box::new(Record::from_json(record)?)),
            "digest" => Content::Digest(Box::new(Digest::from_json(record)?)),
            other => return Err(EntryError::UnknownKind(other.to_owned())),
        };
        let expires = text("NewImage/expires/N").and_then(|seconds| Timestamp::from_second(seconds.parse().ok()?).ok());
        Ok(Self { item: RecordKey { partition: partition.to_owned(), sort: sort.to_owned() }, expires, content })
    }
}

impl Content {
    /// The recipient.
    #[must_use]
    pub fn owner(&self) -> Owner {
        match self {
            Self::Decision(record) => owner_of(&record.facts.service),
            Self::Digest(digest) => digest.owner.clone(),
        }
    }
}
