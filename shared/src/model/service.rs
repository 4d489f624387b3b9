//! Endpoint services as EC2 describes them to their owner (`DescribeVpcEndpointServiceConfigurations`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::ids::{Region, ServiceId};

/// The part of an endpoint service that a policy can read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// The id.
    pub id: ServiceId,
    /// The service's own Region.
    pub region: Region,
    /// The service type.
    pub kind: ServiceKind,
    /// True if requests wait for acceptance. If EC2 does not state it, true is assumed.
    pub acceptance_required: bool,
    /// The tags. The service's owner writes them, so a policy may rest on them.
    pub tags: BTreeMap<String, String>,
}

/// The service type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum ServiceKind {
    /// Behind a Network Load Balancer.
    Interface,
    /// Behind a Gateway Load Balancer. AWS sends no connection notifications for these.
    GatewayLoadBalancer,
    /// A type that this version does not know.
    Other(String),
}

impl From<String> for ServiceKind {
    fn from(text: String) -> Self {
        match text.as_str() {
            "Interface" => Self::Interface,
            "GatewayLoadBalancer" => Self::GatewayLoadBalancer,
            _ => Self::Other(text),
        }
    }
}

impl From<ServiceKind> for String {
    fn from(kind: ServiceKind) -> String {
        match kind {
            ServiceKind::Interface => "Interface".to_owned(),
            ServiceKind::GatewayLoadBalancer => "GatewayLoadBalancer".to_owned(),
            ServiceKind::Other(text) => text,
        }
    }
}

/// The configuration of an endpoint service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceConfiguration {
    /// The part that a policy can read.
    pub service: Service,
    /// The supported Regions, if EC2 states them.
    pub regions: Vec<SupportedRegion>,
}

/// A supported Region of a service. Consumers in it can request connections while its state is `Available`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupportedRegion {
    /// The Region.
    pub region: Region,
    /// The state as EC2 spells it: `Available`, `Pending`, `Closed`, …
    pub state: String,
}
