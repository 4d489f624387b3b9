//! Plain data of the provider's side: the resources, the parameters of the calls that make and change them, and the messages that
//! AWS sends.
//!
//! Fields have EC2's names. `owner` and `tags` are those of the account that created the resource; a connection's `owner` is the
//! consumer, and its tags are the provider's.
#![expect(missing_docs, reason = "the fields are EC2's, and the EC2 API reference documents them")]

use std::collections::BTreeMap;

use serde_json::Value;

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// An account in a Region: the caller of a call.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    pub account: &'a str,
    pub region: &'a str,
}

/// An endpoint service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// `vpce-svc-…`.
    pub id: String,
    pub owner: String,
    /// `com.amazonaws.vpce.REGION.vpce-svc-…`; the beginning depends on the partition.
    pub name: String,
    pub region: String,
    /// `Interface` or `GatewayLoadBalancer`.
    pub kind: String,
    /// `ServiceState`: `Available`, `Deleting`, …
    pub state: String,
    pub acceptance_required: bool,
    /// Network or Gateway Load Balancers, by `kind`.
    pub load_balancer_arns: Vec<String>,
    /// The Regions in the state `Available`.
    pub supported_regions: Vec<String>,
    /// The Regions in the state `Closed`.
    pub closed_regions: Vec<String>,
    pub private_dns: Option<PrivateDns>,
    pub tags: Tags,
}

/// A private DNS name, and the TXT record that proves who owns its domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateDns {
    pub name: String,
    /// `pendingVerification`, `verified` or `failed`.
    pub state: String,
    /// The subdomain of the record.
    pub record_name: String,
    pub record_value: String,
}

impl Service {
    /// Returns true if endpoints may be created in this Region.
    pub fn supports(&self, region: &str) -> bool {
        self.supported_regions.iter().any(|each| each == region)
    }
}

/// The parameters of `CreateVpcEndpointServiceConfiguration`.
#[derive(Debug, Clone)]
pub struct NewService {
    /// `Interface` or `GatewayLoadBalancer`.
    pub kind: String,
    /// At least one.
    pub load_balancer_arns: Vec<String>,
    pub acceptance_required: bool,
    pub tags: Tags,
    /// The world's own Region is added.
    pub supported_regions: Vec<String>,
    pub private_dns_name: Option<String>,
}

impl Default for NewService {
    fn default() -> Self {
        Self {
            kind: "Interface".to_owned(),
            load_balancer_arns: Vec::new(),
            acceptance_required: true,
            tags: Tags::new(),
            supported_regions: Vec::new(),
            private_dns_name: None,
        }
    }
}

/// The parameters of `ModifyVpcEndpointServiceConfiguration`. `None` and empty lists change nothing.
#[derive(Debug, Clone, Default)]
pub struct ServiceChange {
    pub acceptance_required: Option<bool>,
    pub private_dns_name: Option<String>,
    pub remove_private_dns_name: bool,
    pub network_load_balancers: ListChange,
    pub gateway_load_balancers: ListChange,
    pub add_supported_regions: Vec<String>,
    pub remove_supported_regions: Vec<String>,
}

/// The items to add to a list, and those to remove from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListChange {
    pub add: Vec<String>,
    pub remove: Vec<String>,
}

/// `PermissionType`: the resources that an allowed principal may create.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PermissionType {
    VpcEndpoint,
    TransitGatewayAttachment,
}

impl PermissionType {
    /// The value on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VpcEndpoint => "vpc-endpoint",
            Self::TransitGatewayAttachment => "transit-gateway-attachment",
        }
    }
}

/// An allowed principal of a service. [`World::permission_type`](super::World::permission_type) tells its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// `vpce-svc-perm-…`.
    pub id: String,
    pub service_id: String,
    /// `*`, an IAM ARN or a bare account id.
    pub principal: String,
    /// `All`, `Account`, `User`, `Role`, `OrganizationUnit` or `Service`.
    pub principal_type: String,
}

/// A connection notification: the topic that receives a service's events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// `vpce-nfn-…`.
    pub id: String,
    pub owner: String,
    pub service_id: String,
    pub topic_arn: String,
    /// Some of `Accept`, `Connect`, `Delete`, `Reject`.
    pub events: Vec<String>,
    /// `Enabled` or `Disabled`.
    pub state: String,
}

/// A message that AWS sends because of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// A connection notification's message.
    Notification {
        topic_arn: String,
        owner: String,
        /// `Accept`, `Connect`, `Delete` or `Reject`.
        event: String,
        service_id: String,
        endpoint_id: String,
    },
    /// A CloudTrail event in the consumer's account.
    CloudTrail { account: String, event_detail: Value, region: String },
}
