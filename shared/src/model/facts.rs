//! Everything one decision rests on, gathered before it is made and kept in its record.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{
    connection::Connection,
    ids::{AccountId, EndpointId, RoleArn},
    organization::Membership,
    service::Service,
};

/// What is known about one request at the moment it is judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The service, as EC2 described it.
    pub service: Service,
    /// The connection, as EC2 described it.
    pub connection: Connection,
    /// The connections that exist beside it.
    pub counts: Counts,
    /// What Organizations says about the owner, where a policy could depend on it.
    #[serde(default, skip_serializing_if = "is_not_asked")]
    pub membership: Membership,
    /// What the event said about its author. Hearsay, until EC2 agrees.
    pub claim: Option<Claim>,
    /// The moment of judgement.
    pub now: Timestamp,
}

/// Connections that are established already; those that wait for acceptance do not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Of the requester's account, on this service.
    pub of_account: u32,
    /// Of everybody, on this service.
    pub of_service: u32,
}

/// What a CloudTrail event said. Anybody who may put events on the bus can say anything here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// `ownerId` of the endpoint in the event's response elements.
    pub owner: Option<AccountId>,
    /// The account of the EventBridge envelope.
    pub account: Option<AccountId>,
    /// The account CloudTrail delivered the event to.
    pub recipient: Option<AccountId>,
    /// The endpoint the event is about.
    pub endpoint: EndpointId,
    /// The IAM role behind the call, from `sessionIssuer` alone: a session's own ARN has no path and a chosen name.
    pub role: Option<RoleArn>,
}

impl Claim {
    /// The claim of an event that is gone: the record of a role that it proved is as good.
    #[must_use]
    pub fn recorded(connection: &Connection, role: RoleArn) -> Self {
        let owner = connection.owner.clone();
        Self { account: owner.clone(), recipient: owner.clone(), owner, endpoint: connection.endpoint.clone(), role: Some(role) }
    }
}

impl Facts {
    /// The facts that EC2 states. AWS Organizations was not asked, and no event proves a role.
    #[must_use]
    pub fn described(service: Service, connection: Connection, counts: Counts, now: Timestamp) -> Self {
        Self { service, connection, counts, membership: Membership::NotAsked, claim: None, now }
    }

    /// The same facts with what AWS Organizations states.
    #[must_use]
    pub fn with_membership(self, membership: Membership) -> Self {
        Self { membership, ..self }
    }

    /// The same facts with what an event claims about the requester.
    #[must_use]
    pub fn with_claim(self, claim: Option<Claim>) -> Self {
        Self { claim, ..self }
    }

    /// The role that made the request, if the event that named it agrees with EC2 in every account and id.
    #[must_use]
    pub fn requester(&self) -> Option<&RoleArn> {
        let claim = self.claim.as_ref()?;
        let role = claim.role.as_ref()?;
        let owner = self.connection.owner.as_ref()?;
        let agreed = claim.endpoint == self.connection.endpoint
            && [&claim.owner, &claim.account, &claim.recipient, &role.account()].iter().all(|said| said.as_ref() == Some(owner));
        agreed.then_some(role)
    }

    /// The owner the event named, where it is not the one that EC2 describes.
    #[must_use]
    pub fn disputed_owner(&self) -> Option<&AccountId> {
        let said = self.claim.as_ref()?.owner.as_ref()?;
        (self.connection.owner.as_ref() != Some(said)).then_some(said)
    }
}

impl Counts {
    /// Counts the established connections among a service's.
    #[must_use]
    pub fn of(connections: &[Connection], owner: Option<&AccountId>) -> Self {
        use crate::model::connection::Phase;
        let live = || connections.iter().filter(|c| c.state.phase() == Phase::Live);
        Self { of_account: count(live().filter(|c| owner.is_some() && c.owner.as_ref() == owner)), of_service: count(live()) }
    }
}

fn is_not_asked(membership: &Membership) -> bool {
    *membership == Membership::NotAsked
}

fn count<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}
