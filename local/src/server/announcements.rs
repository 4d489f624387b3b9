//! The messages that AWS sends because of a call: connection notifications to the provider's topics, and, where an
//! organization forwards them to the provider's event bus, the consumers' CloudTrail events.
//!
//! They go through the emulator's SNS and EventBridge. A message that cannot be sent is logged and lost.

use std::{
    collections::BTreeMap,
    str::FromStr,
    sync::{Mutex, PoisonError},
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_eventbridge::{error::DisplayErrorContext, types::PutEventsRequestEntry};
use aws_sdk_sns::config::{Credentials, SharedCredentialsProvider};
use serde_json::json;

use crate::world::Effect;

/// The body of a connection notification. AWS does not document it, so the warden must handle any of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyForm {
    /// Ids in JSON.
    Json,
    /// Ids in a sentence.
    Text,
    /// No ids.
    Bare,
}

impl FromStr for BodyForm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            "bare" => Ok(Self::Bare),
            _ => Err(format!("unknown body form `{text}`; expected json, text or bare")),
        }
    }
}

impl BodyForm {
    fn body(self, event: &str, service: &str, endpoint: &str) -> String {
        match self {
            Self::Json => json!({"event": event, "serviceId": service, "vpcEndpointId": endpoint}).to_string(),
            Self::Text => format!("VPC Endpoint {endpoint}: {event}, VPC Endpoint Service {service}."),
            Self::Bare => "A connection event happened.".to_owned(),
        }
    }
}

/// An event bus and its account.
#[derive(Debug, Clone)]
pub struct EventBus {
    account: String,
    name: String,
}

impl FromStr for EventBus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (account, name) = text.split_once('=').ok_or_else(|| format!("`{text}` is not an event bus; expected ACCOUNT=BUS"))?;
        Ok(Self { account: account.to_owned(), name: name.to_owned() })
    }
}

/// The settings of messages.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) body_form: BodyForm,
    /// `None`: CloudTrail events are not forwarded.
    pub(super) forward_events_to: Option<EventBus>,
}

/// Sends messages in the name of the account that sends them on AWS.
#[derive(Debug)]
pub(super) struct Sender {
    emulator_url: String,
    /// The Region of the event bus.
    home: String,
    /// One per account and Region, because making a client reads the machine's root certificates.
    clients: Mutex<BTreeMap<[String; 2], Clients>>,
}

#[derive(Debug, Clone)]
struct Clients {
    sns: aws_sdk_sns::Client,
    events: aws_sdk_eventbridge::Client,
}

impl Sender {
    pub(super) fn new(emulator_url: &str, home: &str) -> Self {
        Self { emulator_url: emulator_url.to_owned(), home: home.to_owned(), clients: Mutex::default() }
    }

    pub(super) async fn send(&self, effects: Vec<Effect>, settings: Settings) {
        for effect in effects {
            let sent = match (effect, &settings.forward_events_to) {
                (Effect::Notification { topic_arn, owner, event, service_id, endpoint_id }, _) => {
                    self.publish(&owner, &topic_arn, settings.body_form.body(&event, &service_id, &endpoint_id)).await
                }
                (Effect::CloudTrail { account, event_detail, region }, Some(bus)) => {
                    self.forward(bus, &account, &region, &event_detail.to_string()).await
                }
                (Effect::CloudTrail { .. }, None) => Ok(()),
            };
            if let Err(error) = sent {
                eprintln!("local: cannot send {error}");
            }
        }
    }

    async fn publish(&self, account: &str, topic_arn: &str, body: String) -> Result<(), String> {
        let region = topic_arn.split(':').nth(3).unwrap_or(&self.home);
        let sent = self.clients(account, region).sns.publish().topic_arn(topic_arn).message(body).send().await;
        sent.map(drop).map_err(|error| format!("a notification to {topic_arn}: {}", DisplayErrorContext(&error)))
    }

    /// Puts a consumer's event on the bus as the consumer, so that its envelope names the consumer's account and Region. An
    /// emulator may know only the buses of the caller: it gets the event from the bus's own account, which the envelope then names.
    async fn forward(&self, bus: &EventBus, account: &str, region: &str, detail: &str) -> Result<(), String> {
        let arn = format!("arn:aws:events:{}:{}:event-bus/{}", self.home, bus.account, bus.name);
        match Self::put_event(&self.clients(account, region), &arn, detail).await {
            Err(_) if (account, region) != (bus.account.as_str(), self.home.as_str()) => {
                Self::put_event(&self.clients(&bus.account, &self.home), &bus.name, detail).await
            }
            sent => sent,
        }
    }

    async fn put_event(clients: &Clients, bus: &str, detail: &str) -> Result<(), String> {
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(bus)
            .source("aws.ec2")
            .detail_type("AWS API Call via CloudTrail")
            .detail(detail)
            .build();
        match clients.events.put_events().entries(entry).send().await {
            Ok(output) if output.failed_entry_count() == 0 => Ok(()),
            Ok(output) => Err(format!("an event to {bus}: {:?}", output.entries())),
            Err(error) => Err(format!("an event to {bus}: {}", DisplayErrorContext(&error))),
        }
    }

    fn clients(&self, account: &str, region: &str) -> Clients {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            let config = SdkConfig::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new(region.to_owned()))
                .endpoint_url(&self.emulator_url)
                .credentials_provider(SharedCredentialsProvider::new(Credentials::new(account, "local", None, None, "local")))
                .build();
            Clients { sns: aws_sdk_sns::Client::new(&config), events: aws_sdk_eventbridge::Client::new(&config) }
        };
        clients.entry([account.to_owned(), region.to_owned()]).or_insert_with(new).clone()
    }
}
