//! Changes settings of the provider's own services, at a person's order. Only the command line calls it.

use aws_sdk_ec2::Client;

use crate::{
    aws::error::call_error,
    model::ids::{ServiceId, TopicArn},
    ports::CallError,
};

/// A client with the caller's own credentials.
#[derive(Debug, Clone)]
pub struct ServiceSettings {
    client: Client,
}

impl ServiceSettings {
    /// Makes a client in the Region of `config`.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }

    /// Lets a service notify a topic of each new request.
    ///
    /// # Errors
    /// The call fails.
    pub async fn notify(&self, service: &ServiceId, topic: &TopicArn) -> Result<(), CallError> {
        let call = self.client.create_vpc_endpoint_connection_notification().service_id(service.as_str());
        let call = call.connection_notification_arn(topic.as_str()).connection_events("Connect");
        call.send().await.map_err(|error| call_error("CreateVpcEndpointConnectionNotification", error))?;
        Ok(())
    }

    /// Makes new requests to a service wait for acceptance. Connections stay.
    ///
    /// # Errors
    /// The call fails.
    pub async fn require_acceptance(&self, service: &ServiceId) -> Result<(), CallError> {
        let call = self.client.modify_vpc_endpoint_service_configuration().service_id(service.as_str()).acceptance_required(true);
        call.send().await.map_err(|error| call_error("ModifyVpcEndpointServiceConfiguration", error))?;
        Ok(())
    }
}
