//! What enters the ledger: one fact per (service, endpoint, verdict), written once, from which the decision can be replayed.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use serde::{Deserialize, Serialize};

use crate::{
    decision::{Decision, Grounds, Refusal, decide, grant::Grant},
    model::{
        facts::Facts,
        ids::{AccountId, EndpointId, ServiceId},
        origin::Origin,
    },
    policy::{Judgement, PolicyId, PolicySet, evaluation::Refer},
};

/// The version of [`Record`]'s shape. A reader refuses what is newer than itself.
pub const SCHEMA_VERSION: u32 = 1;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Accepted by policy.
    Accepted,
    /// Rejected by policy.
    Rejected,
    /// Left pending for a person.
    Referred,
    /// Left alone: the event lied about, or erred in, the owner.
    Disputed,
    /// Was connected already, and no record says by whom.
    Found,
    /// The policy had an answer, EC2 did not carry it out.
    Failed,
    /// Would have been accepted, were the warden active.
    ObservedAccept,
    /// Would have been rejected, were the warden active.
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

/// What EC2 answered where it did not do as it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What was asked of it: `accept` or `reject`.
    pub act: Act,
    /// EC2's error code; `Unknown` where there was none.
    pub code: String,
    /// EC2's words.
    pub message: String,
}

/// An act on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Let it in.
    Accept,
    /// Turn it away.
    Reject,
}

/// One answer, with all it rested on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The schema version at the time of writing.
    pub schema: u32,
    /// What became of the request.
    pub verdict: Verdict,
    /// The facts as judged.
    pub facts: Facts,
    /// What the policy said, where it was asked.
    pub judgement: Option<Judgement>,
    /// What a person granted, where that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Grant>,
    /// Who turned it away, where a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// Why a person must decide, where one must.
    pub refer: Option<Refer>,
    /// What EC2 refused, where it did.
    pub failure: Option<Failure>,
    /// [`PolicySet::digest`] of the policy that judged.
    pub policy_digest: String,
    /// What set it off.
    pub origin: Origin,
    /// Whether the warden only observed.
    pub observe: bool,
    /// When it was written.
    pub at: Timestamp,
    /// When the ledger may forget it.
    pub expires: Timestamp,
    /// Version of the warden and of its function.
    pub function_version: String,
}

/// The ledger's key: who asks whom, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// `vpce-svc-…/vpce-…`.
    pub connection: String,
    /// The verdict.
    pub verdict: Verdict,
}

impl Record {
    /// Where it stands in the ledger.
    #[must_use]
    pub fn key(&self) -> RecordKey {
        RecordKey { connection: connection_key(self.service(), self.endpoint()), verdict: self.verdict }
    }

    /// The service that was asked.
    #[must_use]
    pub fn service(&self) -> &ServiceId {
        &self.facts.connection.service
    }

    /// The endpoint that asked.
    #[must_use]
    pub fn endpoint(&self) -> &EndpointId {
        &self.facts.connection.endpoint
    }

    /// The account that asked, where EC2 named it.
    #[must_use]
    pub fn account(&self) -> Option<&AccountId> {
        self.facts.connection.owner.as_ref()
    }

    /// The policies that determined it.
    #[must_use]
    pub fn policies(&self) -> Vec<PolicyId> {
        let rules = |judgement: &Judgement| judgement.policies().map(|policy| policy.id.clone()).collect();
        self.judgement.as_ref().map(rules).unwrap_or_default()
    }

    /// The record as the ledger keeps it.
    ///
    /// # Errors
    /// Never for a record this crate made.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Reads a record back.
    ///
    /// # Errors
    /// When it is no record, or one of a newer schema.
    pub fn from_json(text: &str) -> Result<Self, RecordError> {
        #[derive(Deserialize)]
        struct Version {
            schema: u32,
        }
        let Version { schema } = serde_json::from_str(text)?;
        if schema > SCHEMA_VERSION {
            return Err(RecordError::Newer(schema));
        }
        Ok(serde_json::from_str(text)?)
    }

    /// Decides again on the recorded facts: under the recorded policy the outcome must be the recorded one.
    #[must_use]
    pub fn replay(&self, policy: &PolicySet) -> Decision {
        decide(policy, &self.facts, self.grant.as_slice())
    }
}

/// A ledger entry that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Not of the documented shape.
    #[error("not a ledger record")]
    Malformed(#[from] serde_json::Error),
    /// Written by a newer version.
    #[error("the record has schema {0}, this version reads up to {SCHEMA_VERSION}: upgrade this function")]
    Newer(u32),
}

/// The partition key of a connection in the ledger.
#[must_use]
pub fn connection_key(service: &ServiceId, endpoint: &EndpointId) -> String {
    format!("{service}/{endpoint}")
}

/// What every record of one running function has in common.
#[derive(Debug, Clone)]
pub struct RecordFactory {
    /// Whether the warden only observes.
    pub observe: bool,
    /// How long the ledger keeps a record.
    pub retention: SignedDuration,
    /// Version of the warden and of its function.
    pub function_version: String,
}

/// What became of a request, with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The word for it.
    pub verdict: Verdict,
    /// Why a person must decide, where one must.
    pub refer: Option<Refer>,
    /// What EC2 refused, where it did.
    pub failure: Option<Failure>,
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, refer: None, failure: None }
    }
}

impl From<Refer> for Outcome {
    fn from(refer: Refer) -> Self {
        let verdict = match refer {
            Refer::Disputed { .. } => Verdict::Disputed,
            Refer::NoPermit
            | Refer::Forbidden
            | Refer::Contradiction
            | Refer::PolicyError
            | Refer::Missing { .. }
            | Refer::Unverified { .. }
            | Refer::Inactive { .. }
            | Refer::UnknownState { .. } => Verdict::Referred,
        };
        Self { verdict, refer: Some(refer), failure: None }
    }
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Self {
        Self { verdict: Verdict::Failed, refer: None, failure: Some(failure) }
    }
}

impl RecordFactory {
    /// Writes up one outcome.
    #[must_use]
    pub fn record(&self, facts: Facts, grounds: Grounds, outcome: Outcome, policy: &PolicySet, origin: Origin) -> Record {
        let at = facts.now;
        Record {
            schema: SCHEMA_VERSION,
            verdict: outcome.verdict,
            facts,
            judgement: grounds.judgement,
            grant: grounds.grant,
            refusal: None,
            refer: outcome.refer,
            failure: outcome.failure,
            policy_digest: policy.digest().to_owned(),
            origin,
            observe: self.observe,
            at,
            expires: at.checked_add(self.retention).unwrap_or(Timestamp::MAX),
            function_version: self.function_version.clone(),
        }
    }
}
