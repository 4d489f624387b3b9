//! The outcomes of a request.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::policy::evaluation::Refer;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Accepted, by a policy or by a person.
    Accepted,
    /// Rejected, by a policy or by a person.
    Rejected,
    /// Left pending for a person.
    Referred,
    /// Left pending: the event named another owner than EC2 does.
    Disputed,
    /// Connected already, and no record says who accepted it.
    Found,
    /// Decided, and EC2 did not carry it out.
    Failed,
    /// Would have been accepted if the warden were active.
    ObservedAccept,
    /// Would have been rejected if the warden were active.
    ObservedReject,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Self; 8] = [
        Self::Accepted,
        Self::Rejected,
        Self::Referred,
        Self::Disputed,
        Self::Found,
        Self::Failed,
        Self::ObservedAccept,
        Self::ObservedReject,
    ];

    /// The word used in keys, messages and filters.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Referred => "referred",
            Self::Disputed => "disputed",
            Self::Found => "found",
            Self::Failed => "failed",
            Self::ObservedAccept => "observed-accept",
            Self::ObservedReject => "observed-reject",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An act on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// `AcceptVpcEndpointConnections`.
    Accept,
    /// `RejectVpcEndpointConnections`.
    Reject,
}

impl Act {
    /// The verdict of an act that EC2 carried out.
    #[must_use]
    pub fn done(self) -> Verdict {
        match self {
            Self::Accept => Verdict::Accepted,
            Self::Reject => Verdict::Rejected,
        }
    }

    /// The verdict of an act in observe mode.
    #[must_use]
    pub fn observed(self) -> Verdict {
        match self {
            Self::Accept => Verdict::ObservedAccept,
            Self::Reject => Verdict::ObservedReject,
        }
    }
}

/// EC2's answer to an act that it did not carry out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The act.
    pub act: Act,
    /// EC2's error code; `Unknown` if it gave none.
    pub code: String,
    /// EC2's message.
    pub message: String,
}

/// What became of a request, with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// Why a person must decide, if one must.
    pub refer: Option<Refer>,
    /// What EC2 refused, if it did.
    pub failure: Option<Failure>,
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, refer: None, failure: None }
    }
}

impl From<Refer> for Outcome {
    fn from(refer: Refer) -> Self {
        let verdict = if matches!(refer, Refer::Disputed { .. }) { Verdict::Disputed } else { Verdict::Referred };
        Self { verdict, refer: Some(refer), failure: None }
    }
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Self {
        Self { verdict: Verdict::Failed, refer: None, failure: Some(failure) }
    }
}
