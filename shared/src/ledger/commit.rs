//! One write of a worker to a service's items: all of it, or nothing.

use std::collections::BTreeMap;

use crate::{
    ledger::{
        pending::{Pending, Proof},
        record::Record,
        service_state::{ServiceState, Version},
    },
    model::subject::Subject,
};

/// What the ledger holds about a service, as one read saw it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ServiceItems {
    /// The versions that a write must name.
    pub version: Version,
    /// The state.
    pub state: ServiceState,
    /// True if the service is among those that the next sweep visits.
    pub open: bool,
    /// The pending requests that the owner was told of.
    pub pending: BTreeMap<Subject, Pending>,
    /// The proofs of roles.
    pub proofs: BTreeMap<Subject, Proof>,
}

/// One write.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    /// The versions that the worker read. The write raises the sequence.
    pub expected: Version,
    /// True if the write must fail after a decision of a person that the worker has not read.
    pub heeds_decisions: bool,
    /// True if the write must fail while the stack is on hold.
    pub heeds_hold: bool,
    /// The new state.
    pub state: ServiceState,
    /// True if the next sweep must visit the service.
    pub open: bool,
    /// New records.
    pub records: Vec<Record>,
    /// Pending requests to note, or to forget.
    pub pending: BTreeMap<Subject, Option<Pending>>,
    /// Proofs to keep.
    pub proofs: Vec<Proof>,
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitOutcome {
    /// All of it was written.
    Written,
    /// Nothing was written: another worker, or a person, was faster. Read again.
    Lost,
    /// Nothing was written: a person holds the whole stack.
    OnHold,
}
