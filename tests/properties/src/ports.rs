//! The ports of a tested warden: those of the environment, with a log of everything that EC2 and Organizations answered.
//! The laws judge the warden by this log. For a mutant, a port does what a broken adapter would do.

mod ec2;
mod ledger;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use scenarios::{Mailbox, MemoryQueue};
use warden::{
    message::Message,
    model::ids::{ServiceId, TopicArn},
    ports::{CallError, Publish, RequestQueue},
};

pub use ec2::{Ec2Port, Log};
pub use ledger::LedgerPort;

use crate::mutants::Flaw;

pub type Shared<T> = Arc<Mutex<T>>;

pub fn lock<T>(shared: &Shared<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Clone)]
pub struct QueuePort {
    pub queue: MemoryQueue,
    pub flaw: Option<Flaw>,
}

impl RequestQueue for QueuePort {
    async fn postpone(&self, receipt: &str, seconds: i64) -> Result<(), CallError> {
        self.queue.postpone(receipt, seconds).await
    }

    async fn send(&self, services: &[ServiceId]) -> Result<(), CallError> {
        if self.flaw == Some(Flaw::LosesHints) { Ok(()) } else { self.queue.send(services).await }
    }

    async fn set_aside(&self, body: &str, reason: &str) -> Result<(), CallError> {
        self.queue.set_aside(body, reason).await
    }
}

#[derive(Clone)]
pub struct MailboxPort {
    pub mailbox: Mailbox,
    pub flaw: Option<Flaw>,
}

impl Publish for MailboxPort {
    async fn publish(&self, topic: &TopicArn, message: &Message) -> Result<(), CallError> {
        let default = scenarios::notify_config().default_topic;
        let topic = if self.flaw == Some(Flaw::TellsTheDefaultTopic) { &default } else { topic };
        let answer = self.mailbox.publish(topic, message).await;
        if self.flaw == Some(Flaw::NeverRetriesMessages) { Ok(()) } else { answer }
    }
}
