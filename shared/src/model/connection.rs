//! Connections as EC2 describes them. What EC2 may leave out is an `Option`; no value is filled in.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{
    ids::{AccountId, EndpointId, Region, ServiceId},
    subject::Subject,
};

/// One consumer's endpoint as the service's owner sees it (`DescribeVpcEndpointConnections`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// The service that is asked.
    pub service: ServiceId,
    /// The endpoint that asks.
    pub endpoint: EndpointId,
    /// The account of the endpoint. AWS names no finer "who": no VPC, no principal, no organization.
    pub owner: Option<AccountId>,
    /// Where the connection stands.
    pub state: State,
    /// When the endpoint was created.
    pub created: Option<Timestamp>,
    /// The Region of the endpoint, when AWS names it; may differ from the service's.
    pub region: Option<Region>,
    /// `ipv4`, `ipv6` or `dualstack`.
    pub ip_address_type: Option<String>,
}

impl Connection {
    /// The resource that requests the connection.
    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject::Endpoint(self.endpoint.clone())
    }
}

/// A connection's state. Parsed from what the wire says, ignoring ASCII case: EC2 answers `pendingAcceptance`
/// while the SDK's own enum only knows `PendingAcceptance` (awslabs/aws-sdk-rust#619).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum State {
    /// Waits for the service's owner.
    PendingAcceptance,
    /// Accepted, being set up.
    Pending,
    /// In use.
    Available,
    /// Some of it is in use.
    Partial,
    /// Being removed by the consumer.
    Deleting,
    /// Removed by the consumer.
    Deleted,
    /// Rejected by the owner; lingers in lists.
    Rejected,
    /// Could not be set up.
    Failed,
    /// Nobody answered in time.
    Expired,
    /// A word AWS has not documented: nothing is done with it, and a human is told.
    Unknown(String),
}

/// What a state means for somebody who must answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The request waits for an answer.
    Waiting,
    /// The consumer is connected, or is about to be.
    Live,
    /// There is nothing left to answer.
    Gone,
    /// Not known to this version.
    Unknown,
}

impl State {
    /// What the state means for somebody who must answer.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self {
            Self::PendingAcceptance => Phase::Waiting,
            Self::Pending | Self::Available | Self::Partial => Phase::Live,
            Self::Deleting | Self::Deleted | Self::Rejected | Self::Failed | Self::Expired => Phase::Gone,
            Self::Unknown(_) => Phase::Unknown,
        }
    }

    /// The state as the wire spells it.
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

/// Some of a service's connections.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionPage {
    /// Those that could be read.
    pub connections: Vec<Connection>,
    /// Those without ids one could name them by, in EC2's words.
    pub unreadable: Vec<String>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_as_the_wire_and_as_the_sdk_spells_them() {
        for text in ["pendingAcceptance", "PendingAcceptance", "PENDINGACCEPTANCE"] {
            assert_eq!(State::from(text.to_owned()), State::PendingAcceptance);
        }
        assert_eq!(State::from("pending-acceptance".to_owned()), State::Unknown("pending-acceptance".to_owned()));
    }
}
