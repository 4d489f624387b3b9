//! Bytes → [`Trigger`]. The only file that knows the shapes of EventBridge, CloudTrail, SNS and the Scheduler.
//!
//! An event is a hint that somebody may be waiting. Ids survive this file (and a role, should EC2 come to agree with
//! the event that named it); everything else is read again from EC2. The body of PrivateLink's own notification is
//! undocumented, so ids are taken out of it by their form, whatever surrounds them.

use std::{collections::BTreeSet, str::FromStr, sync::LazyLock};

use aws_lambda_events::{eventbridge::EventBridgeEvent, sns::SnsMessage};
use regex_lite::Regex;
use serde::Deserialize;
use serde_json::Value;

use crate::model::{
    facts::Claim,
    ids::{EndpointId, Region, ServiceId, ServiceName, TopicArn},
    origin::{Origin, OriginKind},
};

/// One event, reduced to what may be believed of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// Where it came from, for the record.
    pub origin: Origin,
    /// What it asks for.
    pub asks: Target,
}

/// What an event asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// To look at these endpoints.
    Endpoints(Vec<EndpointRef>),
    /// To look at every request of these services.
    Services(Vec<ServiceId>),
    /// To look at every request of the services that notify this topic.
    Topic(TopicArn),
    /// To look at every request.
    Everything,
    /// Nothing, and why.
    Nothing(&'static str),
}

/// An endpoint that may be waiting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointRef {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Its service, if the event named one.
    pub service: Option<ServiceId>,
    /// The service's Region, if the event named it.
    pub region: Option<Region>,
    /// What the event says about its author.
    pub claim: Option<Claim>,
}

/// An event that has none of the shapes the warden is subscribed to.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// Not JSON.
    #[error("the event is not JSON")]
    NotJson(#[source] serde_json::Error),
    /// JSON of an unknown shape.
    #[error("the event is neither of EventBridge, nor of SNS, nor of the Scheduler: check what invokes this function")]
    UnknownShape,
    /// One of the known shapes, malformed.
    #[error("the {0} event is malformed")]
    Malformed(&'static str, #[source] serde_json::Error),
    /// More messages than SNS puts into one event.
    #[error("the SNS event holds {0} messages, and SNS sends them one by one: at most {MESSAGES_MAX} are read")]
    TooMany(usize),
    /// An SNS event from something that is no topic.
    #[error("the SNS event names no topic")]
    NoTopic(#[source] crate::model::ids::IdError),
}

/// A message with more endpoint ids than this is not taken at its word: the topic's services are swept instead.
const HINTS_PER_MESSAGE_MAX: usize = 20;
/// SNS sends one message in one event. An event that anybody made up could hold thousands, each of them good for twenty
/// looks at EC2, which no invocation's time is enough for.
const MESSAGES_MAX: usize = 5;
/// An event's id is for people who search logs, and goes into the record. AWS's own have 36 characters; one that fills
/// the event would make a record that DynamoDB does not take, after the request was accepted.
const ORIGIN_ID_CHARACTERS_MAX: usize = 100;

impl Trigger {
    /// Reads an event. SNS may deliver several messages at once, hence several triggers.
    ///
    /// # Errors
    /// When the bytes are none of the events the warden is subscribed to.
    pub fn parse(bytes: &[u8]) -> Result<Vec<Self>, EventError> {
        Self::from_value(serde_json::from_slice(bytes).map_err(EventError::NotJson)?)
    }

    /// The same for an event that is JSON already.
    ///
    /// # Errors
    /// When it is none of the events the warden is subscribed to.
    pub fn from_value(mut event: Value) -> Result<Vec<Self>, EventError> {
        if let Some(records) = event.get("Records").and_then(Value::as_array) {
            if records.len() > MESSAGES_MAX {
                return Err(EventError::TooMany(records.len()));
            }
            return records.iter().map(notification).collect();
        }
        if event.get("detail-type").is_none() {
            return Err(EventError::UnknownShape);
        }
        // Nothing rests on the envelope's time, so a time that cannot be read must not cost a sweep.
        event.as_object_mut().and_then(|envelope| envelope.remove("time"));
        let event: EventBridgeEvent = serde_json::from_value(event).map_err(|error| EventError::Malformed("EventBridge", error))?;
        Ok(vec![bridge(&event)])
    }
}

fn notification(record: &Value) -> Result<Trigger, EventError> {
    let source = record.get("EventSource").and_then(Value::as_str);
    let (Some("aws:sns"), Some(message)) = (source, record.get("Sns")) else {
        return Err(EventError::UnknownShape);
    };
    let message = SnsMessage::deserialize(message).map_err(|error| EventError::Malformed("SNS", error))?;
    let topic = message.topic_arn.parse().map_err(EventError::NoTopic)?;
    let text = format!("{} {}", message.subject.unwrap_or_default(), message.message);
    Ok(Trigger { origin: origin(OriginKind::Notification, &message.message_id), asks: ids_in(&text, topic) })
}

fn ids_in(text: &str, topic: TopicArn) -> Target {
    static SERVICE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\bvpce-svc-[0-9a-f]{8,17}\b").ok());
    static ENDPOINT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\bvpce-[0-9a-f]{8,17}\b").ok());
    let services: BTreeSet<ServiceId> = all(&SERVICE, text);
    let endpoints: BTreeSet<EndpointId> = all(&ENDPOINT, text);
    if endpoints.len() > HINTS_PER_MESSAGE_MAX || services.len() > HINTS_PER_MESSAGE_MAX {
        return Target::Topic(topic);
    }
    // With several services it is not known which endpoint asks which: EC2 knows.
    let service = if services.len() == 1 { services.first().cloned() } else { None };
    match (endpoints.is_empty(), services.is_empty()) {
        (true, true) => Target::Topic(topic),
        (true, false) => Target::Services(services.into_iter().collect()),
        (false, _) => Target::Endpoints(
            endpoints.into_iter().map(|endpoint| EndpointRef { endpoint, service: service.clone(), region: None, claim: None }).collect(),
        ),
    }
}

fn all<T: FromStr + Ord>(pattern: &LazyLock<Option<Regex>>, text: &str) -> BTreeSet<T> {
    pattern.iter().flat_map(|regex| regex.find_iter(text)).filter_map(|found| found.as_str().parse().ok()).collect()
}

fn origin(kind: OriginKind, id: &str) -> Origin {
    Origin { kind, id: id.chars().take(ORIGIN_ID_CHARACTERS_MAX).collect() }
}

fn bridge(event: &EventBridgeEvent) -> Trigger {
    let id = event.id.as_deref().unwrap_or_default();
    let scheduled = event.detail_type == "Scheduled Event" && matches!(event.source.as_str(), "aws.scheduler" | "aws.events");
    if scheduled {
        return Trigger { origin: origin(OriginKind::Sweep, id), asks: Target::Everything };
    }
    Trigger {
        origin: origin(OriginKind::CloudTrail, id),
        asks: created(event).map_or_else(Target::Nothing, |hint| Target::Endpoints(vec![hint])),
    }
}

/// The endpoint a CloudTrail event says was created, or why the event is of no concern. The rule in the template pins
/// the same fields: a direct invocation, or a bus that somebody else may write to, knows no rule.
fn created(event: &EventBridgeEvent) -> Result<EndpointRef, &'static str> {
    if event.source != "aws.ec2" || event.detail_type != "AWS API Call via CloudTrail" {
        return Err("not an EC2 call recorded by CloudTrail");
    }
    let detail = &event.detail;
    if text(detail, "eventSource") != Some("ec2.amazonaws.com") || text(detail, "eventName") != Some("CreateVpcEndpoint") {
        return Err("not a CreateVpcEndpoint");
    }
    if detail.get("errorCode").is_some_and(|code| !code.is_null()) {
        return Err("the call failed or was a dry run");
    }
    let endpoint = detail.pointer("/responseElements/CreateVpcEndpointResponse/vpcEndpoint").ok_or("no endpoint was created")?;
    let name: ServiceName =
        parsed(endpoint, "serviceName").ok_or("not an endpoint of an endpoint service: a gateway endpoint, or AWS's own service")?;
    let id: EndpointId = parsed(endpoint, "vpcEndpointId").ok_or("the event names no endpoint")?;
    let claim = Claim {
        owner: parsed(endpoint, "ownerId"),
        account: event.account.as_deref().and_then(|account| account.parse().ok()),
        recipient: parsed(detail, "recipientAccountId"),
        endpoint: id.clone(),
        role: role(detail),
    };
    Ok(EndpointRef { endpoint: id, service: Some(name.service), region: Some(name.region), claim: Some(claim) })
}

/// The role behind the call, from the session's issuer: the session's own ARN lacks the path and carries a name that
/// the caller chose.
fn role(detail: &Value) -> Option<crate::model::ids::RoleArn> {
    let issuer = detail.pointer("/userIdentity/sessionContext/sessionIssuer")?;
    let is_role =
        text(issuer, "type") == Some("Role") && detail.pointer("/userIdentity/type").and_then(Value::as_str) == Some("AssumedRole");
    is_role.then(|| parsed(issuer, "arn")).flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

fn parsed<T: FromStr>(value: &Value, key: &str) -> Option<T> {
    text(value, key)?.parse().ok()
}
