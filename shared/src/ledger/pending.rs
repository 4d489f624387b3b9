//! What the ledger keeps of a request while it is pending: what its owner was told, and the proof of the role behind it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ledger::verdict::Verdict,
    model::{claimed_reason::ClaimedReason, facts::Claim, ids::RoleArn, subject::Subject},
};

/// What the owner of a pending request was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The sort key of the record that was told: the verdict and the reason.
    pub told: String,
    /// When.
    pub at: Timestamp,
    /// No further act on the subject before this: EC2 refused the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
}

impl Pending {
    /// Returns true if the owner was told of this verdict last.
    #[must_use]
    pub fn tells(&self, verdict: Verdict) -> bool {
        self.told.split('/').next() == Some(verdict.as_str())
    }
}

/// The proof of the role behind a request: a CloudTrail event that agreed with EC2 in every account and id. Without a role, it holds the
/// requester's reason alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The subject.
    pub subject: Subject,
    /// The role, if a role made the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<RoleArn>,
    /// The reason that the requester gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ClaimedReason>,
    /// The id of the event.
    pub event: String,
    /// When EC2 agreed with it.
    pub at: Timestamp,
}

impl Proof {
    /// The claim of the event, as facts hold it.
    #[must_use]
    pub fn claim(&self, connection: &crate::model::connection::Connection) -> Claim {
        let owner = connection.owner.clone();
        let (subject, role, reason) = (connection.subject.clone(), self.role.clone(), self.reason.clone());
        Claim { account: owner.clone(), recipient: owner.clone(), owner, subject, role, reason }
    }
}
