//! Connection notifications of endpoint services.

use crate::model::ids::ServiceId;

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
