//! Connection notifications of endpoint services. Source: `DescribeVpcEndpointConnectionNotifications`.

use crate::model::ids::ServiceId;

/// A subscription to a service's connection events (`DescribeVpcEndpointConnectionNotifications`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionNotification {
    /// The service.
    pub service: ServiceId,
    /// The topic.
    pub topic: String,
    /// `Accept`, `Connect`, `Delete`, `Reject`.
    pub events: Vec<String>,
    /// Whether it is enabled.
    pub enabled: bool,
}
