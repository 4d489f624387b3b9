//! SNS: publishes messages.

use aws_sdk_sns::{Client, types::MessageAttributeValue};

use crate::aws::{call_metrics::CallMetrics, error::call_error};
use crate::{
    message::Message,
    model::ids::TopicArn,
    ports::{CallError, Publish},
};

/// SNS in one Region.
#[derive(Debug, Clone)]
pub struct Sns {
    client: Client,
}

impl Sns {
    /// Makes a client in the Region of `config`.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig) -> Self {
        let config = aws_sdk_sns::config::Builder::from(config).interceptor(CallMetrics).build();
        Self { client: Client::from_conf(config) }
    }
}

impl Publish for Sns {
    async fn publish(&self, topic: &TopicArn, message: &Message) -> Result<(), CallError> {
        let mut call =
            self.client.publish().topic_arn(topic.as_str()).subject(&message.subject).message_structure("json").message(message.body());
        for (name, value) in &message.attributes {
            let attribute = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            call = call.message_attributes(*name, attribute.map_err(unbuildable)?);
        }
        call.send().await.map(drop).map_err(|error| call_error("Publish", error))
    }
}

fn unbuildable(error: aws_sdk_sns::error::BuildError) -> CallError {
    CallError { call: "Publish", code: None, message: error.to_string(), source: Some(Box::new(error)) }
}
