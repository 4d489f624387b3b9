//! A connection request → an answer, on the record.
//!
//! Three kinds of events say that somebody may be waiting. For each request the truth is read again from EC2 (`look`),
//! the policy is asked (`warden::decision`), the answer is carried out (`act`) and written to the ledger, whose
//! conditional put is the one commit point: a redelivery finds it there and is silent. The `sweep` does the same for
//! everything that waits, because events are best effort.
//!
//! **Races.** The same request may be worked on twice at once (a notification and a CloudTrail event). Both may accept,
//! which EC2 takes or reports as unsuccessful; both are then described again and the second put is silent. A worker
//! that meets a fresh connection, live and not on the record, may be looking at another one between its accept and its
//! put: it asks to be retried ([`AnswerError::MaybeInFlight`]) before it calls the connection *found*. A sweep that
//! dies between accept and put leaves a live connection off the record: the audit is what finds it.

mod act;
mod answer;
mod look;
mod serve;
mod sweep;

pub use look::ServiceCache;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::Serialize;
use warden::{
    deadline::Deadline,
    gather::organization_cache::OrganizationCache,
    ledger::record::{RecordFactory, Verdict},
    model::{
        ids::{EndpointId, Region},
        scope::Scope,
    },
    policy::PolicySet,
    ports::{Accept, CallError, Describe, Directory, Ledger, Reject},
    trigger::{Target, Trigger},
};

/// The function: what it may touch, and what it goes by.
#[derive(Debug, Clone)]
pub struct Approve<D, A, L, G> {
    /// Reads EC2.
    pub describe: D,
    /// Accepts and rejects, or only observes.
    pub act: A,
    /// Keeps what was decided.
    pub ledger: L,
    /// Knows the organization's accounts.
    pub members: OrganizationCache<G>,
    /// The allow policy: one invocation goes by one.
    pub policy: Arc<PolicySet>,
    /// Which services are the warden's business.
    pub scope: Scope,
    /// The Region of the services.
    pub region: Region,
    /// Writes records.
    pub scribe: RecordFactory,
    /// The time of day.
    pub clock: fn() -> Timestamp,
    /// Services seen lately.
    pub seen: ServiceCache,
}

/// What an invocation did, for its log line and its caller.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Records written, by verdict.
    pub written: Vec<Verdict>,
    /// Answers that were on the record already.
    pub known: usize,
    /// Requests that needed nothing.
    pub left_alone: usize,
    /// Events of no concern.
    pub ignored: usize,
    /// Requests a sweep did not get to before its deadline.
    pub put_off: usize,
    /// For how many seconds the oldest request that a full sweep met has waited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_age_max_seconds: Option<i64>,
}

/// Why an invocation must be tried again. Every kind is an alarm's key.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// EC2 has not heard of the endpoint yet, or never will: create→describe is eventually consistent.
    #[error("EC2 does not know {0} (yet)")]
    NotFoundYet(EndpointId),
    /// A live connection off the record that another worker may be about to write up.
    #[error("{0} was connected moments ago and is not on the record (yet)")]
    MaybeInFlight(EndpointId),
    /// Its event proves the role that a policy asks for, and something that may pass kept that from being used.
    #[error("the role behind {0} is proven, and could not be acted on (yet)")]
    ProofNotUsed(EndpointId),
    /// A call failed.
    #[error("a call to AWS failed")]
    Call(#[from] CallError),
    /// Some of a sweep's requests could not be dealt with; the others were.
    #[error("{failed} of the sweep's steps failed, the first of them: {first}")]
    Incomplete {
        /// How many.
        failed: usize,
        /// The first one.
        first: Box<AnswerError>,
    },
}

impl AnswerError {
    /// A stable word for alarms.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotFoundYet(_) => "EndpointNotFoundYet",
            Self::MaybeInFlight(_) => "MaybeInFlight",
            Self::ProofNotUsed(_) => "ProofNotUsed",
            Self::Call(error) if error.is_transient() => "AwsTransient",
            Self::Call(_) => "AwsCallFailed",
            Self::Incomplete { .. } => "SweepIncomplete",
        }
    }
}

/// The time kept free at the end of an invocation. Work that began must end on the record: an act and the look after
/// it may each take a call's whole time (20 seconds with all retries), and the puts come after them.
pub const MARGIN: Duration = Duration::from_secs(45);

impl<D: Describe + Sync, A: Accept + Reject + Sync, L: Ledger + Sync, G: Directory + Sync> Approve<D, A, L, G> {
    /// Answers what an event asks for, and says what was done. One that cannot be dealt with does not stop the others;
    /// the first error is returned beside it once all were tried: the event should be delivered again.
    pub async fn answer(&self, triggers: Vec<Trigger>, deadline: Deadline) -> (Summary, Option<AnswerError>) {
        let mut summary = Summary::default();
        let mut failures = Vec::new();
        for trigger in triggers {
            let Trigger { origin, asks } = trigger;
            match asks {
                Target::Nothing(why) => {
                    tracing::info!(origin = origin.id, why, "event ignored");
                    summary.ignored += 1;
                }
                Target::Endpoints(hints) => {
                    for hint in hints {
                        failures.extend(self.request(hint, &origin, &mut summary).await.err());
                    }
                }
                Target::Services(ids) => failures.extend(self.sweep(&|id| ids.contains(id), &origin, deadline, &mut summary).await.err()),
                Target::Topic(topic) => match self.describe.services_notifying(&topic).await {
                    Ok(ids) => failures.extend(self.sweep(&|id| ids.contains(id), &origin, deadline, &mut summary).await.err()),
                    Err(error) => failures.push(error.into()),
                },
                Target::Everything => {
                    summary.pending_age_max_seconds = Some(0);
                    failures.extend(self.sweep(&|_| true, &origin, deadline, &mut summary).await.err());
                }
            }
        }
        (summary, failures.into_iter().next())
    }
}
