//! SNS: the messages that owners receive. EventBridge: the events for programs. SQS: the records that cannot be told.

use std::sync::{Arc, Mutex, PoisonError};

use warden::{
    message::{Event, Message},
    model::ids::TopicArn,
    ports::{CallError, Emit, Publish, UntoldQueue},
};

use crate::Faults;

/// The topic of the owners that have no topic of their own.
pub const DEFAULT_TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:warden-owners";

/// The published messages, each with its topic.
#[derive(Debug, Clone, Default)]
pub struct Mailbox {
    messages: Arc<Mutex<Vec<(String, Message)>>>,
    pub faults: Faults,
}

impl Mailbox {
    /// Removes and returns the messages.
    pub fn take(&self) -> Vec<(String, Message)> {
        std::mem::take(&mut self.messages.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The messages that were not taken.
    pub fn all(&self) -> Vec<(String, Message)> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Publish for Mailbox {
    async fn publish(&self, topic: &TopicArn, message: &Message) -> Result<(), CallError> {
        let deliver = || {
            self.messages.lock().unwrap_or_else(PoisonError::into_inner).push((topic.to_string(), message.clone()));
            Ok(())
        };
        self.faults.around("Publish", deliver).await
    }
}

/// The events on the bus.
#[derive(Debug, Clone, Default)]
pub struct Bus {
    events: Arc<Mutex<Vec<Event>>>,
    pub faults: Faults,
}

impl Bus {
    /// Removes and returns the events.
    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.events.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Emit for Bus {
    async fn emit(&self, events: &[Event]) -> Result<(), CallError> {
        let put = || {
            self.events.lock().unwrap_or_else(PoisonError::into_inner).extend(events.iter().cloned());
            Ok(())
        };
        self.faults.around("PutEvents", put).await
    }
}

/// The queue of records that cannot be told.
#[derive(Debug, Clone, Default)]
pub struct UntoldRecords {
    records: Arc<Mutex<Vec<(String, String)>>>,
    pub faults: Faults,
}

impl UntoldRecords {
    /// The events that were not taken, each with the reason.
    pub fn all(&self) -> Vec<(String, String)> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Removes and returns the events, each with the reason.
    pub fn take(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.records.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl UntoldQueue for UntoldRecords {
    async fn set_aside(&self, event: &str, reason: &str) -> Result<(), CallError> {
        let send = || {
            self.records.lock().unwrap_or_else(PoisonError::into_inner).push((event.to_owned(), reason.to_owned()));
            Ok(())
        };
        self.faults.around("SendMessage", send).await
    }
}
