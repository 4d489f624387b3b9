//! Plain data: the resources, the parameters of the calls that make and change them, and the messages that AWS sends.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// An endpoint service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// `vpce-svc-…`.
    pub id: String,
    /// The provider's account.
    pub owner: String,
    /// `com.amazonaws.vpce.REGION.vpce-svc-…`.
    pub name: String,
    /// `Interface` or `GatewayLoadBalancer`.
    pub kind: String,
    /// `ServiceState`: `Available`, `Deleting`, …
    pub state: String,
    /// `AcceptanceRequired`.
    pub acceptance_required: bool,
    /// Network or Gateway Load Balancers, by `kind`.
    pub load_balancer_arns: Vec<String>,
    /// `SupportedRegions`.
    pub supported_regions: Vec<String>,
    /// `PrivateDnsName`.
    pub private_dns_name: Option<String>,
    /// The provider's tags.
    pub tags: Tags,
}

/// The parameters of `CreateVpcEndpointServiceConfiguration`.
#[derive(Debug, Clone)]
pub struct NewService {
    /// `Interface` or `GatewayLoadBalancer`.
    pub kind: String,
    /// At least one.
    pub load_balancer_arns: Vec<String>,
    /// `AcceptanceRequired`.
    pub acceptance_required: bool,
    /// The provider's tags.
    pub tags: Tags,
    /// The world's own Region is added.
    pub supported_regions: Vec<String>,
    /// `PrivateDnsName`.
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
    /// `AcceptanceRequired`.
    pub acceptance_required: Option<bool>,
    /// `PrivateDnsName`.
    pub private_dns_name: Option<String>,
    /// Load balancers to add.
    pub add_load_balancer_arns: Vec<String>,
    /// Load balancers to remove.
    pub remove_load_balancer_arns: Vec<String>,
    /// Regions to add.
    pub add_supported_regions: Vec<String>,
    /// Regions to remove.
    pub remove_supported_regions: Vec<String>,
}

/// An allowed principal of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// `vpce-svc-perm-…`.
    pub id: String,
    /// The service.
    pub service_id: String,
    /// `*`, an IAM ARN or a bare account id.
    pub principal: String,
    /// `All`, `Account`, `User`, `Role`, `OrganizationUnit` or `Service`.
    pub principal_type: String,
}

/// A consumer's VPC endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `vpce-…`.
    pub id: String,
    /// The consumer's account.
    pub owner: String,
    /// The service's full name.
    pub service_name: String,
    /// `Interface` or `GatewayLoadBalancer`.
    pub kind: String,
    /// The VPC.
    pub vpc_id: String,
    /// The subnets.
    pub subnet_ids: Vec<String>,
    /// The consumer's tags.
    pub tags: Tags,
    /// `CreationTimestamp`.
    pub created: Timestamp,
}

/// The parameters of `CreateVpcEndpoint`.
#[derive(Debug, Clone, Default)]
pub struct NewEndpoint {
    /// The VPC.
    pub vpc_id: String,
    /// The subnets.
    pub subnet_ids: Vec<String>,
    /// The consumer's tags.
    pub tags: Tags,
    /// The endpoint's Region; the service's by default.
    pub region: Option<String>,
}

/// The connection of an endpoint to a service, as the provider sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The service.
    pub service_id: String,
    /// The endpoint.
    pub endpoint_id: String,
    /// `vpce-con-…`.
    pub connection_id: String,
    /// The consumer's account.
    pub owner: Option<String>,
    /// `VpcEndpointState` as on the wire: `pendingAcceptance`, `pending`, `available`, …
    pub state: String,
    /// `CreationTimestamp`.
    pub created: Option<Timestamp>,
    /// The endpoint's Region.
    pub region: Option<String>,
    /// `ipv4`, `ipv6` or `dualstack`.
    pub ip_address_type: Option<String>,
    /// The service's load balancers.
    pub load_balancer_arns: Vec<String>,
    /// The provider's tags.
    pub tags: Tags,
    /// When describe calls begin to return it.
    pub(super) listed_from: Timestamp,
    pub(super) state_since: Timestamp,
}

impl Connection {
    pub(super) fn is_live(&self) -> bool {
        matches!(self.state.as_str(), "pending" | "available" | "pendingAcceptance")
    }

    pub(super) fn enter_state(&mut self, state: &str, now: Timestamp) {
        self.state = state.to_owned();
        self.state_since = now;
    }

    /// Moves on a transitional state that is old enough. Returns true if time changes nothing more.
    pub(super) fn settle(&mut self, now: Timestamp, settle: SignedDuration) -> bool {
        let next = match self.state.as_str() {
            "pending" => "available",
            "deleting" => "deleted",
            _ => return true,
        };
        let due = now.duration_since(self.state_since) >= settle;
        if due {
            self.state = next.to_owned();
        }
        due
    }
}

/// A connection notification: the topic that receives a service's events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// `vpce-nfn-…`.
    pub id: String,
    /// The provider's account.
    pub owner: String,
    /// The service.
    pub service_id: String,
    /// The SNS topic.
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
        /// The SNS topic.
        topic_arn: String,
        /// The provider's account.
        owner: String,
        /// `Accept`, `Connect`, `Delete` or `Reject`.
        event: String,
        /// The service.
        service_id: String,
        /// The endpoint.
        endpoint_id: String,
    },
    /// A CloudTrail event in the consumer's account.
    CloudTrail {
        /// The consumer's account.
        account: String,
        /// The event's `detail`.
        event_detail: Value,
        /// The consumer's Region.
        region: String,
    },
}
