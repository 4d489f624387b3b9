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

/// A transit gateway's network function attachment to a Gateway Load Balancer service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// `tgw-attach-…`.
    pub id: String,
    pub transit_gateway_id: String,
    /// The account that owns the transit gateway, and so the attachment.
    pub owner: String,
    /// `ResourceId`: the service's full name.
    pub service_name: String,
    pub zones: Zones,
    pub tags: Tags,
    pub created: Timestamp,
    pub(super) service_id: String,
}

/// The parameters of `CreateTransitGatewayNetworkFunctionAttachment`.
#[derive(Debug, Clone, Default)]
pub struct NewAttachment {
    /// `tgw-…`. The first account that uses an id owns the transit gateway.
    pub transit_gateway_id: String,
    pub zones: Zones,
    pub tags: Tags,
}

/// Availability Zones by name and by id. AWS maps names to ids for each account; the stand-in does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Zones {
    pub names: Vec<String>,
    pub ids: Vec<String>,
}

impl Zones {
    /// Returns all names and ids.
    pub fn all(&self) -> impl Iterator<Item = &String> {
        self.names.iter().chain(&self.ids)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty() && self.ids.is_empty()
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.names.extend(other.names);
        self.ids.extend(other.ids);
    }

    pub(super) fn remove(&mut self, other: &Self) {
        self.names.retain(|name| !other.names.contains(name));
        self.ids.retain(|id| !other.ids.contains(id));
    }
}

/// The attachment that a connection is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentLink {
    pub id: String,
    pub owner: String,
    /// The Availability Zones that the connection serves.
    pub(super) zones: Vec<String>,
}

/// The connection of an endpoint or an attachment to a service, as the provider sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    pub service_id: String,
    /// Empty if the connection is for an attachment and shows no endpoint: see [`Connection::endpoint`].
    pub endpoint_id: String,
    pub attachment: Option<AttachmentLink>,
    /// `vpce-con-…`.
    pub connection_id: String,
    /// The endpoint's owner.
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
    /// `VpcEndpointId`.
    pub fn endpoint(&self) -> Option<&str> {
        Some(self.endpoint_id.as_str()).filter(|id| !id.is_empty())
    }

    /// Returns true if the connection is for this attachment.
    pub fn is_of_attachment(&self, id: &str) -> bool {
        self.attachment.as_ref().is_some_and(|attachment| attachment.id == id)
    }

    /// The key in the world: unique, also among the connections of one attachment.
    pub(super) fn key(&self) -> &str {
        self.endpoint().unwrap_or(&self.connection_id)
    }

    pub(super) fn is_live(&self) -> bool {
        matches!(self.state.as_str(), "pending" | "available" | "pendingAcceptance")
    }

    pub(super) fn enter_state(&mut self, state: &str, now: Timestamp) {
        self.state = state.to_owned();
        self.state_since = now;
    }

    /// Ends a transitional state that is due.
    pub(super) fn settle(&mut self, now: Timestamp, settle: SignedDuration) {
        let next = match self.state.as_str() {
            "pending" => "available",
            "deleting" => "deleted",
            _ => return,
        };
        let due = self.state_since.saturating_add(settle).unwrap_or(Timestamp::MAX);
        if due <= now {
            self.enter_state(next, due);
        }
    }

    /// Returns true if a later time changes the connection.
    pub(super) fn is_transitional(&self) -> bool {
        matches!(self.state.as_str(), "pending" | "deleting" | "deleted")
    }

    /// Returns true if the connection was deleted this long ago.
    pub(super) fn is_forgotten(&self, now: Timestamp, after: SignedDuration) -> bool {
        self.state == "deleted" && now.duration_since(self.state_since) >= after
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
