//! Invocations of the functions.

use std::{cell::Cell, time::Duration};

use approve::{AnswerError, Summary};
use audit::AuditError;
use jiff::Timestamp;
use notify::{BatchResponse, Notify};
use serde_json::Value;
use warden::{message::Message, trigger::Trigger};

use crate::{Caches, Settings, TestEnvironment, notify_config, sweep_event};

thread_local! {
    /// `Approve` and `Audit` take the clock as a plain function, which cannot capture the world's time.
    static NOW: Cell<Timestamp> = const { Cell::new(Timestamp::UNIX_EPOCH) };
}

impl TestEnvironment {
    pub async fn deliver(&self, event: &Value) -> Result<Summary, AnswerError> {
        self.deliver_within(event, Duration::from_secs(60)).await
    }

    /// Delivers an event to `approve`, with this much time left.
    pub async fn deliver_within(&self, event: &Value, left: Duration) -> Result<Summary, AnswerError> {
        let triggers = Trigger::parse(event.to_string().as_bytes()).unwrap();
        let caches = Caches::cold(self.aws.clone());
        let (summary, error) = self.settings().approve(self.aws.clone(), self.ledger.clone(), caches, triggers, left).await;
        error.map_or(Ok(summary), Err)
    }

    /// A consumer creates an endpoint, and `approve` gets the notification. Returns the endpoint.
    pub async fn notified_request(&self, account: &str) -> String {
        let request = self.request(account);
        self.deliver(&request.notification).await.unwrap();
        request.endpoint
    }

    pub async fn sweep(&self) -> Result<Summary, AnswerError> {
        self.deliver(&sweep_event()).await
    }

    pub async fn audit(&self) -> Result<audit::Summary, AuditError> {
        self.audit_within(Duration::from_secs(600)).await
    }

    /// Invokes `audit`, with this much time left.
    pub async fn audit_within(&self, left: Duration) -> Result<audit::Summary, AuditError> {
        self.settings().audit(self.aws.clone(), self.ledger.clone(), self.reports.clone(), self.run, left).await
    }

    pub async fn findings(&self) -> Vec<String> {
        self.audit().await.unwrap();
        self.reports.findings()
    }

    /// Delivers the new records of the ledger to `notify`. Returns the messages that were not taken before.
    pub async fn messages(&self) -> Vec<Message> {
        self.notify(&self.ledger.take_batch()).await;
        self.mailbox.take().into_iter().map(|(_, message)| message).collect()
    }

    pub async fn notify(&self, batch: &Value) -> BatchResponse {
        Notify { publish: self.mailbox.clone(), config: notify_config() }.tell(batch).await.unwrap()
    }

    fn settings(&self) -> Settings {
        NOW.set(self.aws.world().now());
        Settings { policy: self.policy.clone(), scope: self.scope.clone(), observe: self.observe, clock: || NOW.get() }
    }
}
