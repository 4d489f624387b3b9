//! Invocations of the functions.

use std::{cell::Cell, time::Duration};

use approve::Summary;
use audit::AuditError;
use jiff::{SignedDuration, Timestamp};
use notify::{Notify, NotifyError, Summary as Told};
use serde_json::Value;
use warden::{gather::organization_cache::OrganizationCache, message::Message, trigger::batch};

use crate::{Settings, TestEnvironment, Worker, notify_config, sweep_event};

/// The timeout of `approve`.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The longest time that a delivery waits for messages that are hidden.
const WAIT_MAX: SignedDuration = SignedDuration::from_secs(60);

thread_local! {
    /// `Approve` and `Audit` take the clock as a plain function, which cannot capture the world's time.
    static NOW: Cell<Timestamp> = const { Cell::new(Timestamp::UNIX_EPOCH) };
}

impl TestEnvironment {
    /// Sends a message to the request queue and lets `approve` work, for at most a minute of the world's time.
    pub async fn deliver(&self, message: &Value) -> Summary {
        self.queue.push(&message.to_string());
        self.work().await
    }

    /// Lets `approve` work until the queue is empty, for at most a minute of the world's time.
    pub async fn work(&self) -> Summary {
        let end = self.aws.world().now() + WAIT_MAX;
        let mut all = Summary::default();
        while let Some(next) = self.queue.next_visible().filter(|next| *next <= end) {
            let now = self.aws.world().now();
            self.pass(next.duration_since(now).max(SignedDuration::ZERO));
            let Some(summary) = self.invoke().await else { continue };
            all.written.extend(summary.written);
            all.ignored += summary.ignored;
            all.swept += summary.swept;
            all.errors += summary.errors;
            all.pending_age_max_seconds = summary.pending_age_max_seconds.or(all.pending_age_max_seconds);
        }
        all
    }

    /// Invokes `approve` once, with the visible messages. `None` if there are none.
    pub async fn invoke(&self) -> Option<Summary> {
        self.invoke_within(TIMEOUT).await
    }

    /// Invokes `approve` once, with this much time left.
    pub async fn invoke_within(&self, left: Duration) -> Option<Summary> {
        let event = self.queue.receive()?;
        let (aws, ledger, queue) = (self.aws.clone(), self.ledger.clone(), self.queue.clone());
        let worker = Worker { ec2: aws.clone(), ledger, queue, members: OrganizationCache::new(aws) };
        let (response, summary) = worker.approve(self.settings(), batch(event.clone()).unwrap(), left).await;
        let failed: Vec<String> = response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
        self.queue.settle(&event, &failed);
        Some(summary)
    }

    /// A consumer creates an endpoint, and `approve` gets the notification. Returns the endpoint.
    pub async fn notified_request(&self, account: &str) -> String {
        let request = self.request(account);
        self.deliver(&request.notification).await;
        request.endpoint
    }

    pub async fn sweep(&self) -> Summary {
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
        self.notify().await;
        self.mailbox.take().into_iter().map(|(_, message)| message).collect()
    }

    /// Delivers the new records of the ledger to `notify`, each once. What fails is delivered again by the next call, as Lambda does it.
    pub async fn notify(&self) -> Vec<Result<Told, NotifyError>> {
        let mut results = Vec::new();
        for delivery in self.ledger.take_deliveries() {
            let result = self.notify_of(&delivery).await;
            if result.is_err() {
                self.ledger.deliver_again(&delivery);
            }
            results.push(result);
        }
        results
    }

    /// Delivers an event to `notify`.
    pub async fn notify_of(&self, event: &Value) -> Result<Told, NotifyError> {
        NOW.set(self.aws.world().now());
        let (bus, publish, ledger, untold) = (self.bus.clone(), self.mailbox.clone(), self.ledger.clone(), self.untold.clone());
        Notify { bus, publish, ledger, untold, config: notify_config(), clock: || NOW.get() }.handle(event).await
    }

    fn settings(&self) -> Settings {
        NOW.set(self.aws.world().now());
        Settings {
            policy: self.policy.clone(),
            scope: self.scope.clone(),
            observe: self.observe,
            people_only: false,
            patience: self.patience,
            clock: || NOW.get(),
        }
    }
}
