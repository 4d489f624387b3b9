//! The body of one message → [`Trigger`].

use aws_lambda_events::eventbridge::EventBridgeEvent;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    model::{
        ids::{IdError, ServiceId},
        origin::{Origin, OriginKind},
    },
    trigger::{
        cloudtrail,
        ids::Ids,
        target::{Target, Trigger},
    },
};

/// A message that has none of the shapes that the queue's senders use.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// Not JSON.
    #[error("the message is not JSON")]
    NotJson(#[source] serde_json::Error),
    /// JSON of an unknown shape.
    #[error("the message is of none of the queue's senders: check the queue's policy")]
    UnknownShape,
    /// One of the known shapes, malformed.
    #[error("the {0} message is malformed")]
    Malformed(&'static str, #[source] serde_json::Error),
    /// An SNS message from something that is no topic.
    #[error("the SNS message names no topic")]
    NoTopic(#[source] IdError),
    /// A message of the warden's own without a readable id.
    #[error("the warden's own message names no service")]
    NoService(#[source] IdError),
}

/// An event's id goes into the record, for searches in logs. AWS's own have 36 characters.
const ORIGIN_ID_CHARACTERS_MAX: usize = 100;
/// The source of the warden's own messages.
const OWN_SOURCE: &str = "privatelink-warden";

/// SNS's envelope, without raw message delivery.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Notification {
    message_id: String,
    topic_arn: String,
    #[serde(default)]
    subject: Option<String>,
    message: String,
}

/// The body of the warden's own message about a service.
#[must_use]
pub fn hint(service: &ServiceId) -> String {
    json!({"source": OWN_SOURCE, "service": service}).to_string()
}

impl Trigger {
    /// Reads the body of a message.
    ///
    /// # Errors
    /// When it has none of the shapes that the queue's senders use.
    pub fn parse(body: &str) -> Result<Self, MessageError> {
        let mut message: Value = serde_json::from_str(body).map_err(MessageError::NotJson)?;
        if message.get("Type").and_then(Value::as_str) == Some("Notification") {
            return notification(Notification::deserialize(message).map_err(|error| MessageError::Malformed("SNS", error))?);
        }
        if message.get("source").and_then(Value::as_str) == Some(OWN_SOURCE) {
            return own(&message);
        }
        if message.get("detail-type").is_none() {
            return Err(MessageError::UnknownShape);
        }
        // Nothing rests on the envelope's time, so a malformed time must not cost a sweep.
        message.as_object_mut().and_then(|envelope| envelope.remove("time"));
        let event: EventBridgeEvent = serde_json::from_value(message).map_err(|error| MessageError::Malformed("EventBridge", error))?;
        Ok(event_bridge(&event))
    }
}

fn notification(message: Notification) -> Result<Trigger, MessageError> {
    let topic = message.topic_arn.parse().map_err(MessageError::NoTopic)?;
    let text = format!("{} {}", message.subject.unwrap_or_default(), message.message);
    let ids = Ids::of(&text);
    let target = if ids.are_too_many() { None } else { ids.target() };
    Ok(Trigger { origin: origin(OriginKind::Notification, &message.message_id), target: target.unwrap_or(Target::Topic(topic)) })
}

fn own(message: &Value) -> Result<Trigger, MessageError> {
    let service = message.get("service").and_then(Value::as_str).unwrap_or_default();
    let service = service.parse().map_err(MessageError::NoService)?;
    Ok(Trigger { origin: origin(OriginKind::Sweep, ""), target: Target::Services(vec![service]) })
}

fn event_bridge(event: &EventBridgeEvent) -> Trigger {
    let id = event.id.as_deref().unwrap_or_default();
    if event.detail_type == "Scheduled Event" && matches!(event.source.as_str(), "aws.scheduler" | "aws.events") {
        return Trigger { origin: origin(OriginKind::Sweep, id), target: Target::Everything };
    }
    let target = cloudtrail::target(event).unwrap_or_else(Target::Nothing);
    Trigger { origin: origin(OriginKind::CloudTrail, id), target }
}

fn origin(kind: OriginKind, id: &str) -> Origin {
    Origin { kind, id: id.chars().take(ORIGIN_ID_CHARACTERS_MAX).collect() }
}
