//! SQS: the queue of hints, its dead-letter queue, and the queue of untold records.

use aws_sdk_sqs::{
    Client,
    types::{MessageAttributeValue, SendMessageBatchRequestEntry},
};

use crate::{
    aws::{call_metrics::CallMetrics, error::call_error},
    model::{ids::ServiceId, printable::printable},
    ports::{CallError, RequestQueue, UntoldQueue},
    trigger::hint,
};

/// Messages in one `SendMessageBatch`.
const BATCH_MAX: usize = 10;
/// Characters of the reason that a message carries.
const REASON_CHARACTERS_MAX: usize = 200;
/// Bytes of a message that still leave room for the reason: SQS takes 1 MiB, attributes included.
const BODY_BYTES_MAX: usize = 1024 * 1024 - 1024;

/// The request queue and its dead-letter queue.
#[derive(Debug, Clone)]
pub struct Queue {
    client: Client,
    url: String,
    dead_letters: String,
}

impl Queue {
    /// The queues by their URLs.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, url: String, dead_letters: String) -> Self {
        let config = aws_sdk_sqs::config::Builder::from(config).interceptor(CallMetrics).build();
        Self { client: Client::from_conf(config), url, dead_letters }
    }
}

impl RequestQueue for Queue {
    async fn postpone(&self, receipt: &str, seconds: i64) -> Result<(), CallError> {
        let seconds = i32::try_from(seconds).unwrap_or_default();
        let call = self.client.change_message_visibility().queue_url(&self.url).receipt_handle(receipt).visibility_timeout(seconds);
        call.send().await.map(drop).map_err(|error| call_error("ChangeMessageVisibility", error))
    }

    async fn send(&self, services: &[ServiceId]) -> Result<(), CallError> {
        const CALL: &str = "SendMessageBatch";
        for chunk in services.chunks(BATCH_MAX) {
            let mut call = self.client.send_message_batch().queue_url(&self.url);
            for service in chunk {
                let entry = SendMessageBatchRequestEntry::builder().id(service.as_str()).message_body(hint(service)).build();
                call = call.entries(entry.map_err(unbuildable)?);
            }
            let output = call.send().await.map_err(|error| call_error(CALL, error))?;
            if let Some(failed) = output.failed().first() {
                let message = failed.message().unwrap_or("a message was not taken").to_owned();
                return Err(CallError { call: CALL, code: Some(failed.code().to_owned()), message, source: None });
            }
        }
        Ok(())
    }

    async fn set_aside(&self, body: &str, reason: &str) -> Result<(), CallError> {
        set_aside(&self.client, &self.dead_letters, body, reason).await
    }
}

/// The queue of records that cannot be told.
#[derive(Debug, Clone)]
pub struct UntoldRecords {
    client: Client,
    url: String,
}

impl UntoldRecords {
    /// The queue by its URL.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, url: String) -> Self {
        let config = aws_sdk_sqs::config::Builder::from(config).interceptor(CallMetrics).build();
        Self { client: Client::from_conf(config), url }
    }
}

impl UntoldQueue for UntoldRecords {
    async fn set_aside(&self, event: &str, reason: &str) -> Result<(), CallError> {
        set_aside(&self.client, &self.url, event, reason).await
    }
}

async fn set_aside(client: &Client, queue: &str, body: &str, reason: &str) -> Result<(), CallError> {
    // SQS refuses control characters.
    let reason: String = printable(reason, REASON_CHARACTERS_MAX).chars().take(REASON_CHARACTERS_MAX).collect();
    let attribute = MessageAttributeValue::builder().data_type("String").string_value(reason).build().map_err(unbuildable)?;
    // SQS takes no empty body.
    let body = if body.is_empty() { "(empty)" } else { body };
    let mut call = client.send_message().queue_url(queue).message_body(body);
    if body.len() <= BODY_BYTES_MAX {
        call = call.message_attributes("reason", attribute);
    }
    call.send().await.map(drop).map_err(|error| call_error("SendMessage", error))
}

fn unbuildable(error: aws_sdk_sqs::error::BuildError) -> CallError {
    CallError { call: "SendMessage", code: None, message: error.to_string(), source: Some(Box::new(error)) }
}
