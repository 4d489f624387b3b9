//! The record of one decision: written once, with everything that is needed to replay the decision.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use crate::ledger::verdict::{Act, Failure, Outcome, Verdict};
use crate::{
    decision::{Decision, Grounds, Refusal, decide, grant::Grant},
    ledger::keys,
    model::{
        facts::Facts,
        ids::{AccountId, ServiceId},
        origin::Origin,
        subject::Subject,
    },
    policy::{Judgement, PolicyId, PolicySet, evaluation::Refer},
};

/// The version of [`Record`]'s shape. A reader refuses what is newer than itself.
///
/// 1: the subject is called `endpoint`, determining policies `rules`, residual policies `open`.
pub const SCHEMA_VERSION: u32 = 2;

/// One decision, with its grounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The schema version at the time of writing.
    pub schema: u32,
    /// What became of the request.
    pub verdict: Verdict,
    /// The facts as they were judged.
    pub facts: Facts,
    /// The policy set's judgement, if the set was asked.
    pub judgement: Option<Judgement>,
    /// The grant that accepted the request, if a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Grant>,
    /// The refusal that rejected the request, if a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// Why a person must decide, if one must.
    pub refer: Option<Refer>,
    /// What EC2 refused, if it did.
    pub failure: Option<Failure>,
    /// [`PolicySet::digest`] of the set that judged.
    pub policy_digest: String,
    /// The event that led to the decision.
    pub origin: Origin,
    /// True if the warden only observed.
    pub observe: bool,
    /// True if the worker that acted did not live to confirm it, and another found the act done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recovered: bool,
    /// True if the owner is told of it only as one of many: the account has too many requests on one day.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub counted: bool,
    /// When the decision was made.
    pub at: Timestamp,
    /// When the ledger may delete the record.
    pub expires: Timestamp,
    /// Version of the warden and of its function.
    pub function_version: String,
}

/// The key of an item: a record, or another one that is told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// The partition key: for a record, `request/SERVICE/SUBJECT`.
    pub partition: String,
    /// The sort key: for a record, the verdict, with the reason where a person must decide.
    pub sort: String,
}

impl Record {
    /// The key, unless an earlier record has it.
    #[must_use]
    pub fn key(&self) -> RecordKey {
        RecordKey { partition: keys::request(self.service(), self.subject()), sort: self.told() }
    }

    /// What this record tells its owner, as one word: the verdict, with the reason where a person must decide, and the mark of a claimed
    /// reason that this person reads. A record that tells the same as the one before is no news.
    #[must_use]
    pub fn told(&self) -> String {
        let told = told(self.verdict, self.refer.as_ref(), self.failure.as_ref());
        let claims = self.verdict == Verdict::Referred && self.facts.claimed_reason().is_some();
        if claims { format!("{told}/claimed") } else { told }
    }

    /// The service.
    #[must_use]
    pub fn service(&self) -> &ServiceId {
        &self.facts.connection.service
    }

    /// The consumer's resource.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.facts.connection.subject
    }

    /// The account of the subject, if EC2 stated it.
    #[must_use]
    pub fn account(&self) -> Option<&AccountId> {
        self.facts.connection.owner.as_ref()
    }

    /// Returns true if the record may be told as one of many. What is wrong is always told by itself.
    #[must_use]
    pub fn may_be_counted(&self) -> bool {
        match self.verdict {
            Verdict::Accepted | Verdict::Rejected | Verdict::Referred | Verdict::ObservedAccept | Verdict::ObservedReject => true,
            Verdict::Disputed | Verdict::Found | Verdict::Failed => false,
        }
    }

    /// Returns true if the record is about the end of an established connection, which a person ordered.
    #[must_use]
    pub fn is_disconnection(&self) -> bool {
        self.refusal.is_some() && self.facts.connection.is_connected()
    }

    /// The determining policies.
    #[must_use]
    pub fn policies(&self) -> Vec<PolicyId> {
        self.judgement.iter().flat_map(Judgement::policies).map(|policy| policy.id.clone()).collect()
    }

    /// The same record, as what another worker found done.
    #[must_use]
    pub fn recovered(self) -> Self {
        Self { recovered: true, ..self }
    }

    /// Writes a record.
    ///
    /// # Errors
    /// Never for a record of this crate.
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

    /// Decides again on the recorded facts. Under the recorded policy set the outcome is the recorded one.
    #[must_use]
    pub fn replay(&self, policy: &PolicySet) -> Decision {
        decide(policy, &self.facts, self.grant.as_slice())
    }
}

/// What an outcome tells, as one word: the sort key of its record.
#[must_use]
pub fn told(verdict: Verdict, refer: Option<&Refer>, failure: Option<&Failure>) -> String {
    match (refer, failure) {
        (Some(Refer::Disputed { .. }), _) | (None, None) => verdict.to_string(),
        (Some(Refer::Unverified { needs }), _) => {
            let needs: Vec<String> = needs.iter().map(|fact| format!("{fact:?}").to_lowercase()).collect();
            format!("{verdict}/unverified-{}", needs.join("-"))
        }
        (Some(refer), _) => format!("{verdict}/{}", refer.kind()),
        (None, Some(failure)) => format!("{verdict}/{:?}", failure.act).to_lowercase(),
    }
}

/// A record that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Not of the documented shape.
    #[error("not a ledger record")]
    Malformed(#[from] serde_json::Error),
    /// Written by a newer version.
    #[error("the record has schema {0}, this version reads up to {SCHEMA_VERSION}: upgrade this function")]
    Newer(u32),
}

/// What all records of one running function have in common.
#[derive(Debug, Clone)]
pub struct RecordFactory {
    /// How long the ledger keeps a record.
    pub retention: SignedDuration,
    /// Version of the warden and of its function.
    pub function_version: String,
}

impl RecordFactory {
    /// Makes the record of an outcome.
    #[must_use]
    pub fn record(&self, facts: Facts, grounds: Grounds, outcome: Outcome, policy: &PolicySet, origin: Origin) -> Record {
        let at = facts.now;
        Record {
            schema: SCHEMA_VERSION,
            observe: matches!(outcome.verdict, Verdict::ObservedAccept | Verdict::ObservedReject),
            verdict: outcome.verdict,
            facts,
            judgement: grounds.judgement,
            grant: grounds.grant,
            refusal: grounds.refusal,
            refer: outcome.refer,
            failure: outcome.failure,
            policy_digest: policy.digest().to_owned(),
            origin,
            recovered: false,
            counted: false,
            at,
            expires: at.checked_add(self.retention).unwrap_or(Timestamp::MAX),
            function_version: self.function_version.clone(),
        }
    }
}
