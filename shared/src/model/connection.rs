//! Connections as EC2 describes them. A field that EC2 may omit is an `Option`, without a default.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{
    ids::{AccountId, Region, ServiceId},
    subject::Subject,
};

/// One connection as the service's owner sees it (`DescribeVpcEndpointConnections`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// The endpoint service.
    pub service: ServiceId,
    /// The consumer's resource.
    #[serde(alias = "endpoint")]
    pub subject: Subject,
    /// The account of the endpoint. AWS states neither its VPC, nor the principal, nor the organization.
    pub owner: Option<AccountId>,
    /// The state.
    pub state: State,
    /// The time at which the endpoint was created.
    pub created: Option<Timestamp>,
    /// The Region of the endpoint. It may differ from the service's.
    pub region: Option<Region>,
    /// `ipv4`, `ipv6` or `dualstack`.
    pub ip_address_type: Option<String>,
}

/// The state of a connection, parsed without regard to ASCII case: EC2 returns `pendingAcceptance`, and the SDK's enum knows
/// only `PendingAcceptance` (awslabs/aws-sdk-rust#619).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum State {
    /// Pending until the service's owner accepts or rejects it.
    PendingAcceptance,
    /// Accepted, being set up.
    Pending,
    /// Established.
    Available,
    /// Established in part.
    Partial,
    /// Being removed by the consumer.
    Deleting,
    /// Removed by the consumer.
    Deleted,
    /// Rejected by the owner. EC2 still lists it for some time.
    Rejected,
    /// Could not be set up.
    Failed,
    /// Expired: the owner did not answer in time.
    Expired,
    /// A state that AWS does not document: the warden does not act on it, and tells a person.
    Unknown(String),
}

/// The meaning of a state for the service's owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The request is pending.
    Waiting,
    /// The consumer is connected, or is being connected.
    Live,
    /// There is nothing to decide any more.
    Gone,
    /// AWS does not document the state.
    Unknown,
}

impl State {
    /// Returns the meaning of the state for the service's owner.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self {
            Self::PendingAcceptance => Phase::Waiting,
            Self::Pending | Self::Available | Self::Partial => Phase::Live,
            Self::Deleting | Self::Deleted | Self::Rejected | Self::Failed | Self::Expired => Phase::Gone,
            Self::Unknown(_) => Phase::Unknown,
        }
    }

    /// Returns the state as EC2 spells it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::PendingAcceptance => "pendingAcceptance",
            Self::Pending => "pending",
            Self::Available => "available",
            Self::Partial => "partial",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Unknown(text) => text,
        }
    }
}

impl From<String> for State {
    fn from(text: String) -> Self {
        let known = [
            Self::PendingAcceptance,
            Self::Pending,
            Self::Available,
            Self::Partial,
            Self::Deleting,
            Self::Deleted,
            Self::Rejected,
            Self::Failed,
            Self::Expired,
        ];
        known.into_iter().find(|state| state.as_str().eq_ignore_ascii_case(&text)).unwrap_or(Self::Unknown(text))
    }
}

impl From<State> for String {
    fn from(state: State) -> String {
        state.as_str().to_owned()
    }
}

/// One page of a service's connections.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionPage {
    /// The connections of the page.
    pub connections: Vec<Connection>,
    /// The endpoint ids that could not be parsed, as EC2 returned them.
    pub unreadable: Vec<String>,
    /// The token of the next page, if there is one.
    pub next: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_parsed_without_regard_to_case() {
        for text in ["pendingAcceptance", "PendingAcceptance", "PENDINGACCEPTANCE"] {
            assert_eq!(State::from(text.to_owned()), State::PendingAcceptance);
        }
        assert_eq!(State::from("pending-acceptance".to_owned()), State::Unknown("pending-acceptance".to_owned()));
    }
}
