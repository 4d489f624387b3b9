//! What AWS sends of its own accord: connection notifications in the service owner's name, and, where an organization
//! forwards them, the consumer's CloudTrail events.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use serde_json::json;

use super::Local;
use crate::world::Effect;

/// What a connection notification says. AWS does not document it, so the warden must do with any of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyForm {
    /// Ids in JSON.
    Json,
    /// Ids in a sentence.
    Text,
    /// No ids at all.
    Bare,
}

impl std::str::FromStr for BodyForm {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            "bare" => Ok(Self::Bare),
            _ => Err(format!("`{text}` is no form of body; take json, text or bare")),
        }
    }
}

/// Clients by account. Each is made once: that reads the machine's root certificates.
#[derive(Debug, Default)]
pub(super) struct Senders(Mutex<BTreeMap<String, Sender>>);

#[derive(Debug, Clone)]
struct Sender {
    sns: aws_sdk_sns::Client,
    events: aws_sdk_eventbridge::Client,
}

impl Senders {
    fn of(&self, local: &Local, account: &str) -> Sender {
        let mut senders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || {
            let config = config(local, account);
            Sender { sns: aws_sdk_sns::Client::new(&config), events: aws_sdk_eventbridge::Client::new(&config) }
        };
        senders.entry(account.to_owned()).or_insert_with(made).clone()
    }
}

pub(super) async fn deliver(local: &Local, effects: Vec<Effect>) {
    let (form, forward) = {
        let knobs = local.knobs();
        (knobs.body_form, knobs.forward_events_to.clone())
    };
    for effect in effects {
        let sent = match (effect, &forward) {
            (Effect::Notification { topic_arn, owner, event, service_id, endpoint_id }, _) => {
                let body = body(form, &event, &service_id, &endpoint_id);
                publish(&local.senders.of(local, &owner).sns, &topic_arn, &body).await
            }
            (Effect::CloudTrail { event_detail, .. }, Some((account, bus))) => {
                put_event(&local.senders.of(local, account).events, bus, &event_detail.to_string()).await
            }
            (Effect::CloudTrail { .. }, None) => Ok(()),
        };
        if let Err(why) = sent {
            eprintln!("local: not delivered: {why}");
        }
    }
}

fn body(form: BodyForm, event: &str, service: &str, endpoint: &str) -> String {
    match form {
        BodyForm::Json => json!({"event": event, "serviceId": service, "vpcEndpointId": endpoint}).to_string(),
        BodyForm::Text => format!("VPC Endpoint {endpoint}: {event}, VPC Endpoint Service {service}."),
        BodyForm::Bare => "A connection event happened.".to_owned(),
    }
}

/// The emulator, as this account.
fn config(local: &Local, account: &str) -> SdkConfig {
    let credentials = aws_sdk_sns::config::Credentials::new(account, "local", None, None, "local");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(local.world().region().to_owned()))
        .endpoint_url(&local.emulator)
        .credentials_provider(aws_sdk_sns::config::SharedCredentialsProvider::new(credentials))
        .build()
}

async fn publish(sns: &aws_sdk_sns::Client, topic: &str, body: &str) -> Result<(), String> {
    let sent = sns.publish().topic_arn(topic).message(body).send().await;
    sent.map(drop).map_err(|error| format!("notification to {topic}: {}", aws_sdk_sns::error::DisplayErrorContext(&error)))
}

async fn put_event(events: &aws_sdk_eventbridge::Client, bus: &str, detail: &str) -> Result<(), String> {
    let entry = aws_sdk_eventbridge::types::PutEventsRequestEntry::builder()
        .event_bus_name(bus)
        .source("aws.ec2")
        .detail_type("AWS API Call via CloudTrail")
        .detail(detail)
        .build();
    let sent = events.put_events().entries(entry).send().await;
    match sent {
        Ok(output) if output.failed_entry_count() == 0 => Ok(()),
        Ok(output) => Err(format!("event to {bus}: {:?}", output.entries())),
        Err(error) => Err(format!("event to {bus}: {}", aws_sdk_sns::error::DisplayErrorContext(&error))),
    }
}
