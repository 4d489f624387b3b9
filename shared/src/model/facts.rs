//! The facts of one decision. They are gathered before the decision, and its record keeps them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{
    claimed_reason::ClaimedReason,
    connection::Connection,
    ids::{AccountId, RoleArn},
    organization::Membership,
    service::Service,
    subject::Subject,
};

/// The facts about one request at the time of its judgement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The service, as EC2 described it.
    pub service: Service,
    /// The connection, as EC2 described it.
    pub connection: Connection,
    /// The established connections of the service.
    pub counts: Counts,
    /// The owner's membership in the organization, if a policy could depend on it.
    #[serde(default, skip_serializing_if = "is_not_asked")]
    pub membership: Membership,
    /// The requester that an event claims. It proves nothing until EC2 agrees with it.
    pub claim: Option<Claim>,
    /// The time of the judgement.
    pub now: Timestamp,
}

/// Numbers of established connections. Pending ones do not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// The connections of the requester's account to the service.
    pub of_account: u32,
    /// All connections to the service.
    pub of_service: u32,
}

/// The requester that a CloudTrail event claims. Every account that may put events on the bus can forge one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// `ownerId` of the endpoint in the event's response elements.
    pub owner: Option<AccountId>,
    /// The account of the EventBridge envelope.
    pub account: Option<AccountId>,
    /// The account that CloudTrail delivered the event to.
    pub recipient: Option<AccountId>,
    /// The subject of the event.
    #[serde(alias = "endpoint")]
    pub subject: Subject,
    /// The IAM role behind the call, from `sessionIssuer` only: a session's own ARN lacks the role's path, and the caller
    /// chooses its name.
    pub role: Option<RoleArn>,
    /// The reason that the requester gave. No policy reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ClaimedReason>,
}

impl Claim {
    /// Returns the claim of an earlier event whose role is on the ledger.
    #[must_use]
    pub fn recorded(connection: &Connection, role: RoleArn) -> Self {
        let owner = connection.owner.clone();
        let subject = connection.subject.clone();
        Self { account: owner.clone(), recipient: owner.clone(), owner, subject, role: Some(role), reason: None }
    }

    /// Returns true if the event agrees with EC2 in each account and id.
    fn agrees_with(&self, connection: &Connection) -> bool {
        let said = [&self.owner, &self.account, &self.recipient];
        connection.owner.is_some() && self.subject == connection.subject && said.iter().all(|said| **said == connection.owner)
    }
}

impl Facts {
    /// Returns the facts that EC2 states, without an answer of AWS Organizations and without a proven role.
    #[must_use]
    pub fn described(service: Service, connection: Connection, counts: Counts, now: Timestamp) -> Self {
        Self { service, connection, counts, membership: Membership::NotAsked, claim: None, now }
    }

    /// Returns the same facts with an answer of AWS Organizations.
    #[must_use]
    pub fn with_membership(self, membership: Membership) -> Self {
        Self { membership, ..self }
    }

    /// Returns the same facts with an event's claim.
    #[must_use]
    pub fn with_claim(self, claim: Option<Claim>) -> Self {
        Self { claim, ..self }
    }

    /// Returns the role that made the request, if the event that names it agrees with EC2 in each account and id.
    #[must_use]
    pub fn requester(&self) -> Option<&RoleArn> {
        let claim = self.claim.as_ref()?;
        let role = claim.role.as_ref()?;
        (claim.agrees_with(&self.connection) && role.account() == self.connection.owner).then_some(role)
    }

    /// Returns the reason that the requester gave, if the event that holds it agrees with EC2 in each account and id.
    #[must_use]
    pub fn claimed_reason(&self) -> Option<&ClaimedReason> {
        let claim = self.claim.as_ref()?;
        claim.reason.as_ref().filter(|_| claim.agrees_with(&self.connection))
    }

    /// Returns the owner that the event names, if EC2 describes another one.
    #[must_use]
    pub fn disputed_owner(&self) -> Option<&AccountId> {
        let said = self.claim.as_ref()?.owner.as_ref()?;
        (self.connection.owner.as_ref() != Some(said)).then_some(said)
    }
}

fn is_not_asked(membership: &Membership) -> bool {
    *membership == Membership::NotAsked
}
