//! The keys of the ledger's table: one place says how every item is found.
//!
//! | item | partition key | sort key |
//! |---|---|---|
//! | a record | `request/SERVICE/SUBJECT` | the verdict, and the reason where a person must decide |
//! | a service's state | `service/SERVICE` | `state` |
//! | what an owner was told of a pending request | `service/SERVICE` | `pending/SUBJECT` |
//! | the proof of a role, and the reason that the requester claims | `service/SERVICE` | `proof/SUBJECT` |
//! | a person's grant | `decisions/SERVICE` | `grant/GRANTEE` |
//! | a person's refusal | `decisions/SERVICE` | `refusal/SUBJECT` |
//! | the history of people's decisions | `decisions/SERVICE/history`, `decisions/all/history` | when, and what it is about |
//! | a hold of a service, of the stack | `decisions/SERVICE`, `decisions/all` | `hold` |
//! | an open finding | `findings` | its id |
//! | a resolved finding | `findings/resolved` | its id and when |
//! | a run's digest for one owner | `digest/RUN` | the owner and when |
//! | the audit's notes | `audit` | `known`, `lock`, `told` |
//! | the mark that an owner was told of a record or a digest | `told/` and its partition key | its sort key |
//!
//! `approve` writes below `request/` and `service/`, people below `decisions/`, `notify` below `told/`: a role's permissions
//! rest on these prefixes.

use crate::model::{ids::ServiceId, subject::Subject};

/// The sort key of a service's state.
pub const STATE: &str = "state";
/// The sort key of a hold.
pub const HOLD: &str = "hold";
/// What the sort keys of pending requests begin with.
pub const PENDING: &str = "pending/";
/// What the sort keys of proofs begin with.
pub const PROOF: &str = "proof/";
/// What the sort keys of grants begin with.
pub const GRANT: &str = "grant/";
/// What the sort keys of refusals begin with.
pub const REFUSAL: &str = "refusal/";

/// The partition of a request's records.
#[must_use]
pub fn request(service: &ServiceId, subject: &Subject) -> String {
    format!("request/{service}/{subject}")
}

/// The partition of a service's state.
#[must_use]
pub fn service(service: &ServiceId) -> String {
    format!("service/{service}")
}

/// The partition of people's decisions about a service.
#[must_use]
pub fn decisions(service: &ServiceId) -> String {
    format!("decisions/{service}")
}

/// The partition of the hold of a whole stack.
#[must_use]
pub fn all_decisions() -> String {
    "decisions/all".to_owned()
}

/// The partition of the mark that an item was told.
#[must_use]
pub fn told(partition: &str) -> String {
    format!("told/{partition}")
}

/// The partition of the history of people's decisions about a service, or about the whole stack.
#[must_use]
pub fn history(service: Option<&ServiceId>) -> String {
    format!("{}/history", service.map_or_else(all_decisions, decisions))
}
