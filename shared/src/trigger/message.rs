//! A batch of the request queue, as Lambda's event source mapping hands it over.

use aws_lambda_events::sqs::SqsEvent;
use jiff::Timestamp;
use serde_json::Value;

/// One message of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The id that a partial batch response names it by.
    pub id: String,
    /// The handle that changes its visibility.
    pub receipt: String,
    /// When it was sent, if SQS says so.
    pub sent: Option<Timestamp>,
    /// The body.
    pub body: String,
}

/// An event that is no batch of a queue.
#[derive(Debug, thiserror::Error)]
#[error("the event is not a batch of an SQS queue: check what invokes this function")]
pub struct NotABatch(#[source] pub serde_json::Error);

/// Reads a batch.
///
/// # Errors
/// When the event has no `Records` of an SQS queue.
pub fn batch(event: Value) -> Result<Vec<Message>, NotABatch> {
    let event: SqsEvent = serde_json::from_value(event).map_err(NotABatch)?;
    let message = |record: aws_lambda_events::sqs::SqsMessage| Message {
        id: record.message_id.unwrap_or_default(),
        receipt: record.receipt_handle.unwrap_or_default(),
        sent: record.attributes.get("SentTimestamp").and_then(|at| Timestamp::from_millisecond(at.parse().ok()?).ok()),
        body: record.body.unwrap_or_default(),
    };
    Ok(event.records.into_iter().map(message).collect())
}
