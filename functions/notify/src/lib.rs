//! A new ledger record, or an audit's digest → a message to the service's owner.
//!
//! The ledger's stream is the outbox: what was decided is told from the record of it, so nothing is acted on and never
//! told. Each record of a batch is told on its own; those that could not be are named in the batch response, so that
//! Lambda tries them again and in the end sets them aside in a queue.

use serde::Serialize;
use serde_json::Value;
use warden::{
    config::NotifyConfig,
    ledger::{
        open_finding::owner_of,
        stream::{NotAStreamBatch, Outgoing, StreamRecord, StreamRecordError, entries},
    },
    message::Message,
    ports::{CallError, Publish},
};

/// The function: where it tells, and what it goes by.
#[derive(Debug)]
pub struct Notify<P> {
    /// Tells people.
    pub publish: P,
    /// The topics, and where the policy is edited.
    pub config: NotifyConfig,
}

/// Lambda's partial batch response.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    /// The entries to deliver again.
    pub batch_item_failures: Vec<BatchItemFailure>,
    /// How many messages were told; for the metrics, not for Lambda.
    #[serde(skip)]
    pub told: u64,
}

/// One entry to deliver again.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItemFailure {
    /// Its sequence number.
    pub item_identifier: String,
}

/// Why one entry could not be told.
#[derive(Debug, thiserror::Error)]
enum TellError {
    #[error("the entry cannot be read")]
    StreamRecord(#[from] StreamRecordError),
    #[error("the message could not be published")]
    Publish(#[from] CallError),
}

impl<P: Publish + Sync> Notify<P> {
    /// Tells every record of a batch.
    ///
    /// # Errors
    /// When the event is no batch at all.
    pub async fn tell(&self, event: &Value) -> Result<BatchResponse, NotAStreamBatch> {
        let mut response = BatchResponse::default();
        for StreamRecord { sequence_number, news } in entries(event)? {
            match self.tell_one(news).await {
                Ok(()) => response.told += 1,
                Err(error) => {
                    tracing::error!(
                        sequence_number,
                        error_type = "NotTold",
                        error = &error as &dyn std::error::Error,
                        "a record was not told"
                    );
                    response.batch_item_failures.push(BatchItemFailure { item_identifier: sequence_number });
                }
            }
        }
        Ok(response)
    }

    async fn tell_one(&self, news: Result<Outgoing, StreamRecordError>) -> Result<(), TellError> {
        match news? {
            Outgoing::Decision(record) => {
                let notice = Message::of(&record, &self.config.policy_home, &[]);
                self.publish.publish(&self.config.topic_of(&owner_of(&record.facts.service)), &notice).await?;
                tracing::info!(subject = %record.subject(), verdict = record.verdict.as_str(), "told");
            }
            Outgoing::Digest(digest) => {
                self.publish.publish(&self.config.topic_of(&digest.owner), &Message::of_digest(&digest, &[])).await?;
                tracing::info!(run = digest.run.id, opened = digest.totals.opened, resolved = digest.totals.resolved, "told of an audit");
            }
        }
        Ok(())
    }
}
