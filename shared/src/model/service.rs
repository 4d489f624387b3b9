//! An endpoint service as its owner sees it. Source: `DescribeVpcEndpointServiceConfigurations`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::ids::{Region, ServiceId};

/// An endpoint service of ours (`DescribeVpcEndpointServiceConfigurations`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its id.
    pub id: ServiceId,
    /// The Region it lives in.
    pub region: Region,
    /// Behind which kind of load balancer it stands.
    pub kind: ServiceKind,
    /// Whether consumers wait for us at all. When EC2 does not say, they are assumed to.
    pub acceptance_required: bool,
    /// The owner's tags. Written by the provider, so a policy may rest on them.
    pub tags: BTreeMap<String, String>,
}

/// What carries a service's traffic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum ServiceKind {
    /// A Network Load Balancer.
    Interface,
    /// A Gateway Load Balancer. AWS sends no connection notification for these.
    GatewayLoadBalancer,
    /// Not known to this version.
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

/// An endpoint service as its owner offers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceConfiguration {
    /// What a policy may rest on.
    pub service: Service,
    /// The Regions it can be reached from, where EC2 says so.
    pub regions: Vec<SupportedRegion>,
}

/// A Region that a service can, or could once, be reached from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupportedRegion {
    /// The Region.
    pub region: Region,
    /// `Available`, `Pending`, `Closed`, … as EC2 spells it.
    pub state: String,
}
