//! Connections as EC2 describes them. A field that EC2 may omit is an `Option`, without a default.

use std::{cmp::Ordering, collections::BTreeMap};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{
    ids::{AccountId, Region, ServiceId},
    subject::Subject,
};

/// The connection of one subject as the service's owner sees it (`DescribeVpcEndpointConnections`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// The endpoint service.
    pub service: ServiceId,
    /// The consumer's resource.
    #[serde(alias = "endpoint")]
    pub subject: Subject,
    /// The account of the endpoint or attachment. AWS states neither its VPC, nor the principal, nor the organization.
    pub owner: Option<AccountId>,
    /// The state.
    pub state: State,
    /// The time at which the endpoint or attachment was created.
    pub created: Option<Timestamp>,
    /// The Region of the endpoint. It may differ from the service's.
    pub region: Option<Region>,
    /// `ipv4`, `ipv6` or `dualstack`.
    pub ip_address_type: Option<String>,
    /// True if the attachment also has an established connection: an Availability Zone was added to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub connected_in_part: bool,
}

impl Connection {
    /// Joins the connections of each attachment, because EC2 accepts and rejects an attachment as a whole. A connection of an endpoint
    /// stays as it is. Beside each is its own id (`vpce-con-…`): a page may repeat a connection of the page before it, and then the
    /// later description counts.
    #[must_use]
    pub fn joined(described: impl IntoIterator<Item = (Option<String>, Self)>) -> Vec<Self> {
        let (mut latest, mut seen) = (Vec::<Self>::new(), BTreeMap::new());
        for (id, one) in described {
            let place = id.map_or(latest.len(), |id| *seen.entry(id).or_insert(latest.len()));
            match latest.get_mut(place) {
                Some(earlier) => *earlier = one,
                None => latest.push(one),
            }
        }
        let (mut joined, mut places) = (Vec::<Self>::new(), BTreeMap::new());
        for one in latest {
            let key = one.subject.attachment().map(|id| (one.service.clone(), id.clone()));
            let place = key.map_or(joined.len(), |key| *places.entry(key).or_insert(joined.len()));
            match joined.get_mut(place) {
                Some(first) => first.join(one),
                None => joined.push(one),
            }
        }
        joined
    }

    /// Returns true if the consumer is connected, or is being connected, at least in part.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.state.phase() == Phase::Live || self.connected_in_part
    }

    /// Adds another connection of the same attachment. The state that needs most attention counts, and the time of the oldest
    /// connection in it. A value on which they do not agree is unknown.
    fn join(&mut self, other: Self) {
        let is_connected = self.is_connected() || other.is_connected();
        match other.state.precedence().cmp(&self.state.precedence()) {
            Ordering::Less => {}
            Ordering::Equal => self.created = self.created.zip(other.created).map(|(own, others)| own.min(others)),
            Ordering::Greater => (self.state, self.created) = (other.state, other.created),
        }
        self.owner = self.owner.take().filter(|owner| Some(owner) == other.owner.as_ref());
        self.region = self.region.take().filter(|region| Some(region) == other.region.as_ref());
        self.ip_address_type = self.ip_address_type.take().filter(|kind| Some(kind) == other.ip_address_type.as_ref());
        self.connected_in_part = is_connected && self.state.phase() != Phase::Live;
    }
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

    /// Returns the weight of the state among those of one attachment's connections.
    fn precedence(&self) -> u8 {
        match (self.phase(), self) {
            (Phase::Unknown, _) => 4,
            (Phase::Waiting, _) => 3,
            (Phase::Live, _) => 2,
            (Phase::Gone, Self::Rejected) => 1,
            (Phase::Gone, _) => 0,
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

    fn connection(state: &str, created: &str, owner: &str) -> Connection {
        Connection {
            service: "vpce-svc-0123456789abcdef0".parse().unwrap(),
            subject: "tgw-attach-0123456789abcdef0".parse().unwrap(),
            owner: Some(owner.parse().unwrap()),
            state: State::from(state.to_owned()),
            created: Some(created.parse().unwrap()),
            region: Some("us-east-1".parse().unwrap()),
            ip_address_type: None,
            connected_in_part: false,
        }
    }

    fn joined(parts: impl IntoIterator<Item = Connection>) -> Connection {
        let mut joined = Connection::joined(parts.into_iter().map(|part| (None, part)));
        assert_eq!(joined.len(), 1, "{joined:?}");
        joined.remove(0)
    }

    #[test]
    fn connections_of_an_attachment_are_joined() {
        for (states, state, in_part) in [
            (&["pendingAcceptance"][..], "pendingAcceptance", false),
            (&["available", "pendingAcceptance"], "pendingAcceptance", true),
            (&["pendingAcceptance", "deleted", "pending"], "pendingAcceptance", true),
            (&["quarantined", "pendingAcceptance", "available"], "quarantined", true),
            (&["rejected", "available"], "available", false),
            (&["rejected", "pendingAcceptance"], "pendingAcceptance", false),
            (&["deleted", "rejected"], "rejected", false),
        ] {
            let parts: Vec<Connection> = states.iter().map(|state| connection(state, "2026-11-20T12:00:00Z", "111122223333")).collect();
            for one in [joined(parts.iter().cloned()), joined(parts.iter().rev().cloned())] {
                assert_eq!((one.state.as_str(), one.connected_in_part), (state, in_part), "{states:?}");
            }
        }
    }

    #[test]
    fn joined_parts_must_agree() {
        let (first, second) = ("2026-11-20T12:00:00Z", "2026-11-21T12:00:00Z");
        let part = |state, created, owner| connection(state, created, owner);
        let one = joined([part("available", first, "111122223333"), part("pendingAcceptance", second, "111122223333")]);
        assert_eq!((one.created, one.owner.unwrap().as_str()), (Some(second.parse().unwrap()), "111122223333"));
        let one = joined([part("pendingAcceptance", second, "111122223333"), part("pendingAcceptance", first, "444455556666")]);
        assert_eq!((one.created, one.owner), (Some(first.parse().unwrap()), None));
    }

    #[test]
    fn repeated_connection_counts_once() {
        let described = |state| (Some("vpce-con-1".to_owned()), connection(state, "2026-11-20T12:00:00Z", "111122223333"));
        let one = Connection::joined([described("pendingAcceptance"), described("available")]).remove(0);
        assert_eq!((one.state, one.connected_in_part), (State::Available, false));
    }
}
