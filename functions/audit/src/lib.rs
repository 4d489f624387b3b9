//! On a schedule: is what is connected still what the policy allows?
//!
//! It only looks. Each service of the account and Region in scope is read (`read`), page by page, and judged with the
//! policy that `approve` goes by (`run`); what is not as it should be goes into a report (`report`), and what is *new*
//! goes onto the ledger (`tell`), from whose stream `notify` tells it, once.
//!
//! Trouble on the way does not end a run. What could not be looked at is named in the report, and no finding about it is
//! taken for mended. Only a report that could not be kept is an error.
//!
//! **Races.** Two runs may go on at once. Only the one that holds the pen tells, after it has read the ledger again; the
//! other leaves its news to the next run. A run with more changes than one transaction holds may die between two of them:
//! what was told and not yet written is then told once more.

mod read;
mod report;
mod run;
mod tell;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::Serialize;
use warden::{
    audit::thresholds::Thresholds,
    gather::organization_cache::OrganizationCache,
    model::{scope::Scope, severity::Severity},
    policy::PolicySet,
    ports::CallError,
};

pub use report::{FILES, SCHEMA_VERSION};

/// The time kept free at the end of an invocation: for the news, and for files that may have to be kept slowly.
pub const MARGIN: Duration = Duration::from_secs(90);

/// The function: what it may touch, and what it goes by.
#[derive(Debug, Clone)]
pub struct Audit<S, L, K, G> {
    /// Reads EC2.
    pub survey: S,
    /// Knows what was decided and what was found before.
    pub ledger: L,
    /// Keeps the report.
    pub keep: K,
    /// Knows the organization's accounts.
    pub members: OrganizationCache<G>,
    /// The allow policy: one run goes by one.
    pub policy: Arc<PolicySet>,
    /// Which services are the warden's business.
    pub scope: Scope,
    /// What is judged by.
    pub terms: Thresholds,
    /// The time of day.
    pub clock: fn() -> Timestamp,
    /// The version of the warden and of its function.
    pub function_version: String,
}

/// What a run did, for its log line, its metrics and its caller.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Services looked at.
    pub services: usize,
    /// Connections that are live.
    pub connected: usize,
    /// Requests that wait.
    pub waiting: usize,
    /// For how many seconds the oldest of them has.
    pub pending_age_max_seconds: i64,
    /// Findings that are open now, by severity.
    pub findings: BTreeMap<Severity, usize>,
    /// New ones, those that have become worse, those that are gone.
    pub opened: usize,
    /// Those that have become worse.
    pub worsened: usize,
    /// Those that are gone.
    pub resolved: usize,
    /// What was not seen.
    pub unseen: Vec<String>,
    /// Where the report lies.
    pub report: String,
}

/// Why a run came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The report could not be written down.
    #[error("the report could not be written")]
    Write(#[from] std::io::Error),
    /// The report could not be kept.
    #[error("the report could not be kept at {place}")]
    Keep {
        /// Where it should have been.
        place: String,
        /// Why not.
        #[source]
        source: CallError,
    },
}

impl AuditError {
    /// A stable word for alarms.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Write(_) => "ReportNotWritten",
            Self::Keep { .. } => "ReportNotKept",
        }
    }
}
