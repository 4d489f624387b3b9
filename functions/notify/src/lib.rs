//! A new ledger record, or an audit's digest → a message to the owner of the service.
//!
//! The ledger's stream is the outbox: what was decided is told from the record of it, so nothing is acted on and never
//! told. A delivery holds one record. It ends in one of four ways:
//! - The record is told, and marked on the ledger as told.
//! - It has been told before, so nothing happens.
//! - It can never be told: it goes to the queue of untold records, whole and with the reason, and blocks no other.
//! - A call failed that may succeed later: the invocation fails, and Lambda delivers the record again for up to a day.
//!
//! Remaining races: an invocation that ends between the message and its mark, and a message that SNS took although its answer was
//! lost. Both lead to a second message, never to none.

use jiff::Timestamp;
use serde_json::{Value, json};
use warden::{
    config::NotifyConfig,
    ledger::{
        open_finding::OWNER_TAG,
        stream::{Content, News, NotAStreamEvent, entries},
        told::ToldMark,
    },
    message::Message,
    model::{ids::TopicArn, printable::printable},
    ports::{CallError, Publish, ToldLedger, UntoldQueue, chain},
};

/// The function, with everything that it may touch.
#[derive(Debug)]
pub struct Notify<P, L, Q> {
    /// Tells people.
    pub publish: P,
    /// The marks of what was told.
    pub ledger: L,
    /// The queue of records that cannot be told.
    pub untold: Q,
    /// The topics, and the place where the policy is edited.
    pub config: NotifyConfig,
    /// The time of day.
    pub clock: fn() -> Timestamp,
}

/// The results of an invocation: for the metrics.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Messages that were told.
    pub told: u64,
    /// Records that were told before.
    pub repeated: u64,
    /// Records that went to the queue of untold records.
    pub set_aside: u64,
}

/// Why an invocation failed. Lambda delivers its record again.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The event has no records.
    #[error(transparent)]
    Event(#[from] NotAStreamEvent),
    /// A call failed that may succeed later, or one without which nothing can be told.
    #[error("the record is not told yet")]
    Call(#[from] CallError),
}

impl NotifyError {
    /// A stable word for alarms.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Event(_) => "UnreadableEvent",
            Self::Call(error) if error.is_transient() => "AwsTransient",
            Self::Call(_) => "AwsCallFailed",
        }
    }
}

impl<P: Publish + Sync, L: ToldLedger + Sync, Q: UntoldQueue + Sync> Notify<P, L, Q> {
    /// Tells the record of an event.
    ///
    /// # Errors
    /// The record must be delivered again.
    pub async fn handle(&self, event: &Value) -> Result<Summary, NotifyError> {
        let mut summary = Summary::default();
        for entry in entries(event)? {
            match News::from_entry(entry) {
                Ok(news) => self.tell(entry, &news, &mut summary).await?,
                Err(error) => self.set_aside(entry, &chain(&error), &mut summary).await?,
            }
        }
        Ok(summary)
    }

    async fn tell(&self, entry: &Value, news: &News, summary: &mut Summary) -> Result<(), CallError> {
        let item = &news.item;
        if let Some(mark) = self.ledger.told(item).await?.filter(|mark| mark.holds((self.clock)())) {
            tracing::info!(partition = item.partition, sort = item.sort, at = %mark.at, "told before");
            summary.repeated += 1;
            return Ok(());
        }
        match self.publish(&news.content).await {
            Ok(topic) => {
                tracing::info!(partition = item.partition, sort = item.sort, topic = topic.as_str(), "told");
                summary.told += 1;
                self.mark(news, topic).await;
                Ok(())
            }
            Err(error) if error.is_transient() => Err(error),
            Err(error) => self.set_aside(entry, &format!("{}: {}", chain(&error), error.message), summary).await,
        }
    }

    /// Publishes to the topic that the service's tag names, or to the stack's own if there is none or SNS refuses it for good.
    /// Returns the topic that took the message.
    async fn publish(&self, content: &Content) -> Result<TopicArn, CallError> {
        let own = &self.config.default_topic;
        let refusal = match content.owner() {
            None => None,
            Some(tag) => match self.config.tagged_topic(&tag) {
                None => Some((tag, "it is not one of the topics that a tag may name".to_owned())),
                Some(topic) => match self.publish.publish(&topic, &self.message(content, &[])).await {
                    Ok(()) => return Ok(topic),
                    Err(error) if error.is_transient() => return Err(error),
                    Err(error) => Some((tag, format!("SNS answers {}", error.code.as_deref().unwrap_or("with an error")))),
                },
            },
        };
        let notes: Vec<String> = refusal.into_iter().map(|(tag, why)| note(&tag, own, &why)).collect();
        self.publish.publish(own, &self.message(content, &notes)).await.map(|()| own.clone())
    }

    fn message(&self, content: &Content, notes: &[String]) -> Message {
        match content {
            Content::Decision(record) => Message::of(record, &self.config.policy_home, notes),
            Content::Digest(digest) => Message::of_digest(digest, notes),
        }
    }

    /// Marks news as told. A failure is not retried: the owner would get the same message again.
    async fn mark(&self, news: &News, topic: TopicArn) {
        let mark = ToldMark { item: news.item.clone(), topic, at: (self.clock)(), expires: news.expires };
        if let Err(error) = self.ledger.mark(&mark).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(
                error_type = "NotMarked",
                partition = mark.item.partition,
                sort = mark.item.sort,
                error,
                "told, and not marked"
            );
        }
    }

    /// Puts an entry into the queue of untold records, as an event that can be delivered again by hand.
    async fn set_aside(&self, entry: &Value, reason: &str, summary: &mut Summary) -> Result<(), CallError> {
        self.untold.set_aside(&json!({ "Records": [entry] }).to_string(), reason).await?;
        let sequence_number = entry.pointer("/dynamodb/SequenceNumber").and_then(Value::as_str).unwrap_or_default();
        tracing::error!(error_type = "NotTold", sequence_number, reason, "a record cannot be told, and was set aside");
        summary.set_aside += 1;
        Ok(())
    }
}

/// The note in a message that goes to another topic than the tagged one.
fn note(tag: &str, own: &TopicArn, why: &str) -> String {
    let tag = printable(tag, 200);
    format!("This message goes to {own}, because the service's tag `{OWNER_TAG}` names `{tag}`: {why}. Correct the tag or the topic.")
}
