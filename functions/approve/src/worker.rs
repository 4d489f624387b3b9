//! The function's parts, what it reports, and how it fails.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use warden::{
    gather::organization_cache::OrganizationCache,
    ledger::record::{Record, RecordFactory, Verdict},
    model::{ids::Region, mode::Mode, scope::Scope, subject::Subject},
    policy::PolicySet,
    ports::{CallError, ReadError},
};

/// The function, with everything that it may touch.
#[derive(Debug, Clone)]
pub struct Approve<E, A, L, Q, G> {
    /// Describes connections and services.
    pub ec2: E,
    /// Accepts and rejects, or only observes.
    pub act: A,
    /// The ledger.
    pub ledger: L,
    /// The request queue.
    pub queue: Q,
    /// The organization's accounts.
    pub members: OrganizationCache<G>,
    /// The policy set: one for a whole invocation.
    pub policy: Arc<PolicySet>,
    /// The services that are answered.
    pub scope: Scope,
    /// The Region of the services.
    pub region: Region,
    /// The mode of the stack. A tag of a service may narrow it.
    pub mode: Mode,
    /// Makes records.
    pub factory: RecordFactory,
    /// What may pass by itself, such as a missing proof, is told after this time.
    pub patience: SignedDuration,
    /// True if only what people decided is carried out, as the command line does.
    pub people_only: bool,
    /// The time of day.
    pub clock: fn() -> Timestamp,
}

/// What an invocation did: for its log line and its metrics.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The verdicts of the records that were written.
    pub written: Vec<Verdict>,
    /// Messages that needed nothing.
    pub ignored: usize,
    /// Services that a sweep sent a message for.
    pub swept: usize,
    /// Services that could not be answered.
    pub errors: usize,
    /// The age of the oldest pending request that a sweep met, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_age_max_seconds: Option<i64>,
}

/// How one service was answered.
#[derive(Debug, Default)]
pub struct Answered {
    /// The records that were written.
    pub records: Vec<Record>,
    /// Something is left to do, and nothing can be done before this.
    pub until: Option<Timestamp>,
}

/// Why a service could not be answered. Each kind is an alarm's key.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// EC2 does not know the subject: create to describe is eventually consistent.
    #[error("EC2 does not know {0} yet")]
    NotFoundYet(Subject),
    /// A call failed.
    #[error("a call to AWS failed")]
    Call(#[from] CallError),
    /// The ledger could not be read.
    #[error("the ledger could not be read")]
    Read(#[from] ReadError),
}

impl AnswerError {
    /// A stable word for alarms.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotFoundYet(_) => "NotFoundYet",
            Self::Read(ReadError::State(_)) => "UnreadableState",
            Self::Call(error) | Self::Read(ReadError::Call(error)) if error.is_transient() => "AwsTransient",
            Self::Call(_) | Self::Read(ReadError::Call(_)) => "AwsCallFailed",
        }
    }

    /// How long the message waits before the next try.
    pub(crate) fn wait(&self) -> SignedDuration {
        match self {
            Self::NotFoundYet(_) => SignedDuration::from_secs(2),
            Self::Call(error) | Self::Read(ReadError::Call(error)) if error.is_transient() => SignedDuration::from_secs(10),
            Self::Call(_) | Self::Read(_) => SignedDuration::from_secs(60),
        }
    }
}
