//! Connection notifications of endpoint services.

use crate::model::ids::{Region, ServiceId};

/// A connection notification of a service (`DescribeVpcEndpointConnectionNotifications`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionNotification {
    /// The service.
    pub service: ServiceId,
    /// The ARN of the topic.
    pub topic: String,
    /// The events: `Accept`, `Connect`, `Delete`, `Reject`.
    pub events: Vec<String>,
    /// True if EC2 sends the notification.
    pub enabled: bool,
}

/// Returns true if a notification announces new requests to a service.
#[must_use]
pub fn notifies_of_requests(notification: &ConnectionNotification, service: &ServiceId) -> bool {
    notification.service == *service && notification.events.iter().any(|event| event == "Connect")
}

/// Returns the command that creates the notification that the warden needs: `Connect` alone. The other events announce answers,
/// which the warden gave or finds.
#[must_use]
pub fn creation(region: &Region, service: &ServiceId, topic: &str) -> String {
    format!(
        "aws ec2 create-vpc-endpoint-connection-notification --region {region} --service-id {service} \
         --connection-notification-arn {topic} --connection-events Connect"
    )
}
