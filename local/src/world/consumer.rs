//! Plain data of the consumer's side: endpoints, attachments, and their connections to services.
#![expect(missing_docs, reason = "the fields are EC2's, and the EC2 API reference documents them")]

use jiff::{SignedDuration, Timestamp};

use super::model::Tags;

/// A consumer's VPC endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `vpce-…`.
    pub id: String,
    pub owner: String,
    pub region: String,
    /// The service's full name.
    pub service_name: String,
    pub service_region: String,
    /// `Interface` or `GatewayLoadBalancer`.
    pub kind: String,
    /// `ipv4`, `ipv6` or `dualstack`.
    pub ip_address_type: String,
    pub vpc_id: String,
    pub subnet_ids: Vec<String>,
    pub private_dns_enabled: bool,
    pub tags: Tags,
    pub created: Timestamp,
}

/// The parameters of `CreateVpcEndpoint`.
#[derive(Debug, Clone, Default)]
pub struct NewEndpoint {
    /// `VpcEndpointType`; the service's by default.
    pub kind: Option<String>,
    /// `ipv4` by default.
    pub ip_address_type: Option<String>,
    pub private_dns_enabled: bool,
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
