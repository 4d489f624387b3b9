//! SQS: the request queue and its dead-letter queue. Messages are hidden and delivered by the world's clock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use warden::{
    model::ids::ServiceId,
    ports::{CallError, RequestQueue},
    trigger::hint,
};

use crate::{Aws, Faults};

/// As infra/template.yaml has them.
const VISIBILITY_TIMEOUT: SignedDuration = SignedDuration::from_secs(180);
const RECEIVES_MAX: u32 = 30;
/// The size of a batch.
const BATCH: usize = 10;

/// The queue in memory, with faults.
#[derive(Clone)]
pub struct MemoryQueue {
    inner: Arc<Mutex<Inner>>,
    aws: Aws,
    pub faults: Faults,
}

#[derive(Debug, Default)]
struct Inner {
    messages: Vec<Queued>,
    dead: Vec<(String, String)>,
    sent: usize,
}

/// A message in the queue.
#[derive(Debug, Clone)]
struct Queued {
    id: String,
    body: String,
    sent: Timestamp,
    visible: Timestamp,
    receives: u32,
}

impl MemoryQueue {
    pub fn new(aws: Aws, faults: Faults) -> Self {
        Self { inner: Arc::default(), aws, faults }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        self.aws.world().now()
    }

    /// Adds a message.
    pub fn push(&self, body: &str) {
        let now = self.now();
        let mut inner = self.lock();
        inner.sent += 1;
        let id = format!("message-{}", inner.sent);
        inner.messages.push(Queued { id, body: body.to_owned(), sent: now, visible: now, receives: 0 });
    }

    /// Receives a batch, as Lambda's event source mapping hands it to the function. `None` if no message is visible.
    pub fn receive(&self) -> Option<Value> {
        let now = self.now();
        let mut inner = self.lock();
        let (worn, messages) = std::mem::take(&mut inner.messages)
            .into_iter()
            .partition::<Vec<_>, _>(|message| message.visible <= now && message.receives >= RECEIVES_MAX);
        inner.messages = messages;
        inner.dead.extend(worn.into_iter().map(|message| (message.body, "received too often".to_owned())));
        let mut records = Vec::new();
        for message in inner.messages.iter_mut().filter(|message| message.visible <= now).take(BATCH) {
            message.visible = now + VISIBILITY_TIMEOUT;
            message.receives += 1;
            records.push(json!({
                "messageId": message.id, "receiptHandle": message.id, "body": message.body, "eventSource": "aws:sqs", "awsRegion": "us-east-1",
                "attributes": {"SentTimestamp": message.sent.as_millisecond().to_string(), "ApproximateReceiveCount": message.receives.to_string()},
                "messageAttributes": {}, "md5OfBody": "x", "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:requests"
            }));
        }
        (!records.is_empty()).then(|| json!({ "Records": records }))
    }

    /// Deletes the messages of a batch that the function answered, except the failed ones.
    pub fn settle(&self, batch: &Value, failed: &[String]) {
        let id = |record: &Value| record["messageId"].as_str().unwrap_or_default().to_owned();
        let received: Vec<String> = batch["Records"].as_array().into_iter().flatten().map(id).collect();
        self.lock().messages.retain(|message| !received.contains(&message.id) || failed.contains(&message.id));
    }

    /// The time at which the next message is visible.
    pub fn next_visible(&self) -> Option<Timestamp> {
        self.lock().messages.iter().map(|message| message.visible).min()
    }

    /// The bodies of the messages that are not deleted.
    pub fn bodies(&self) -> Vec<String> {
        self.lock().messages.iter().map(|message| message.body.clone()).collect()
    }

    /// The dead letters, each with its reason.
    pub fn dead_letters(&self) -> Vec<(String, String)> {
        self.lock().dead.clone()
    }
}

impl RequestQueue for MemoryQueue {
    async fn postpone(&self, receipt: &str, seconds: i64) -> Result<(), CallError> {
        let change = || {
            let visible = self.now() + SignedDuration::from_secs(seconds);
            self.lock().messages.iter_mut().filter(|message| message.id == receipt).for_each(|message| message.visible = visible);
            Ok(())
        };
        self.faults.around("ChangeMessageVisibility", change).await
    }

    async fn send(&self, services: &[ServiceId]) -> Result<(), CallError> {
        let send = || {
            services.iter().for_each(|service| self.push(&hint(service)));
            Ok(())
        };
        self.faults.around("SendMessageBatch", send).await
    }

    async fn set_aside(&self, body: &str, reason: &str) -> Result<(), CallError> {
        let send = || {
            self.lock().dead.push((body.to_owned(), reason.to_owned()));
            Ok(())
        };
        self.faults.around("SendMessage", send).await
    }
}
