//! A new ledger record, or an audit's digest → events for programs on EventBridge, and a message to the owner of the service.
//!
//! The ledger's stream is the outbox: what was decided is told from the record of it, so nothing is acted on and never
//! told. A delivery holds one record. It ends in one of four ways:
//! - The record is told, first to the bus and then to its owner, and marked on the ledger as told.
//! - It has been told before, so nothing happens.
//! - It can never be told: it goes to the queue of untold records, whole and with the reason, and blocks no other. If only its events are
//!   not taken, the owner is told, and the mark says that the events are missing: the next delivery emits them alone.
//! - A call failed that may succeed later: the invocation fails, and Lambda delivers the record again for up to a day.
//!
//! Remaining races: an invocation that ends between the message and its mark, and a message that SNS took although its answer was
//! lost. Both lead to a second message, never to none. An event is emitted again with each delivery that does not end with a mark.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use warden::{
    config::NotifyConfig,
    ledger::{
        open_finding::OWNER_TAG,
        stream::{Content, News, NotAStreamEvent, entries},
        told::ToldMark,
    },
    message::{Event, Message},
    model::{ids::TopicArn, printable::printable},
    ports::{CallError, Emit, Publish, ToldLedger, UntoldQueue, chain},
};

/// The events of a record of this age go to the queue of untold records if EventBridge does not take them.
const EVENTS_AGE_MAX: SignedDuration = SignedDuration::from_mins(10);

/// The function, with everything that it may touch.
#[derive(Debug)]
pub struct Notify<B, P, L, Q> {
    /// Emits events for programs.
    pub bus: B,
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

impl<B: Emit + Sync, P: Publish + Sync, L: ToldLedger + Sync, Q: UntoldQueue + Sync> Notify<B, P, L, Q> {
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

    /// Emits the events, sends the message and writes the mark. The message does not depend on the events.
    async fn tell(&self, entry: &Value, news: &News, summary: &mut Summary) -> Result<(), CallError> {
        let item = &news.item;
        let told = self.ledger.told(item).await?.filter(|mark| mark.holds((self.clock)()));
        if let Some(mark) = told.as_ref().filter(|mark| mark.emitted) {
            tracing::info!(partition = item.partition, sort = item.sort, at = %mark.at, "told before");
            summary.repeated += 1;
            return Ok(());
        }
        let failure = self.bus.emit(&Event::of(news, &self.config.policy_home)).await.err();
        let mark = match told {
            Some(mark) => mark,
            None => match self.publish(&news.content).await {
                Ok(topic) => {
                    tracing::info!(partition = item.partition, sort = item.sort, topic = topic.as_str(), "told");
                    summary.told += 1;
                    ToldMark { item: item.clone(), topic, at: (self.clock)(), emitted: false, expires: news.expires }
                }
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => return self.set_aside(entry, &reason(&error), summary).await,
            },
        };
        self.mark(&ToldMark { emitted: failure.is_none(), ..mark }).await;
        match failure {
            // The next delivery emits the events alone. Meanwhile the records behind this one wait, so this ends with its age.
            Some(error) if error.is_transient() && self.age(&news.content) < EVENTS_AGE_MAX => Err(error),
            Some(error) => self.set_aside(entry, &reason(&error), summary).await,
            None => Ok(()),
        }
    }

    fn age(&self, content: &Content) -> SignedDuration {
        let at = match content {
            Content::Decision(record) => record.at,
            Content::Digest(digest) => digest.run.at,
        };
        (self.clock)().duration_since(at)
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

    /// Writes a mark. A failure is not retried: the owner would get the same message again.
    async fn mark(&self, mark: &ToldMark) {
        if let Err(error) = self.ledger.mark(mark).await {
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

fn reason(error: &CallError) -> String {
    format!("{}: {}", chain(error), error.message)
}

/// The note in a message that goes to another topic than the tagged one.
fn note(tag: &str, own: &TopicArn, why: &str) -> String {
    let tag = printable(tag, 200);
    format!("This message goes to {own}, because the service's tag `{OWNER_TAG}` names `{tag}`: {why}. Correct the tag or the topic.")
}
