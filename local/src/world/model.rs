//! Plain data: the resources, the parameters of the calls that make and change them, and the messages that AWS sends.
//!
//! Fields have EC2's names. `owner` and `tags` are those of the account that created the resource; a connection's `owner` is the
//! consumer, and its tags are the provider's.
#![expect(missing_docs, reason = "the fields are EC2's, and the EC2 API reference documents them")]

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
    pub owner: String,
    /// `com.amazonaws.vpce.REGION.vpce-svc-…`.
    pub name: String,
    /// `Interface` or `GatewayLoadBalancer`.
    pub kind: String,
    /// `ServiceState`: `Available`, `Deleting`, …
    pub state: String,
    pub acceptance_required: bool,
    /// Network or Gateway Load Balancers, by `kind`.
    pub load_balancer_arns: Vec<String>,
    pub supported_regions: Vec<String>,
    pub private_dns_name: Option<String>,
    pub tags: Tags,
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
    pub add_load_balancer_arns: Vec<String>,
    pub remove_load_balancer_arns: Vec<String>,
    pub add_supported_regions: Vec<String>,
    pub remove_supported_regions: Vec<String>,
}

/// An allowed principal of a service.
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

/// A consumer's VPC endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `vpce-…`.
    pub id: String,
    pub owner: String,
    /// The service's full name.
    pub service_name: String,
    /// `Interface` or `GatewayLoadBalancer`.
    pub kind: String,
    pub vpc_id: String,
    pub subnet_ids: Vec<String>,
    pub tags: Tags,
    pub created: Timestamp,
}

/// The parameters of `CreateVpcEndpoint`.
#[derive(Debug, Clone, Default)]
pub struct NewEndpoint {
    pub vpc_id: String,
    pub subnet_ids: Vec<String>,
    pub tags: Tags,
    /// The endpoint's Region; the service's by default.
    pub region: Option<String>,
}

/// The connection of an endpoint to a service, as the provider sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    pub service_id: String,
    pub endpoint_id: String,
    /// `vpce-con-…`.
    pub connection_id: String,
    pub owner: Option<String>,
    /// `VpcEndpointState` as on the wire: `pendingAcceptance`, `pending`, `available`, …
    pub state: String,
    pub created: Option<Timestamp>,
    /// The endpoint's Region.
    pub region: Option<String>,
    /// `ipv4`, `ipv6` or `dualstack`.
    pub ip_address_type: Option<String>,
    /// The service's load balancers.
    pub load_balancer_arns: Vec<String>,
    pub tags: Tags,
    /// The time from which describe calls return it.
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

    /// Ends a transitional state that is due. Returns true if no later time changes the state.
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
