//! The settings that the audit judges by.

use jiff::SignedDuration;

use crate::model::{
    ids::{Region, TopicArn},
    mode::Mode,
};

/// What the audit goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thresholds {
    /// Whether the warden acts: while it only observes, what it would accept is not overdue.
    pub mode: Mode,
    /// The topics of ours that connection notifications may go to.
    pub topics: Vec<TopicArn>,
    /// The Region the audit looks at.
    pub region: Region,
    /// An allowed request that waits longer than this was not answered by any sweep.
    pub overdue_after: SignedDuration,
    /// A referred request is told after so long.
    pub waiting_after: SignedDuration,
    /// What ends within so long is told.
    pub expiring_within: SignedDuration,
    /// A policy that nobody used for so long is told.
    pub unused_after: SignedDuration,
    /// How long the ledger keeps a record. A connection older than that may have been forgotten.
    pub retention: SignedDuration,
}

impl Thresholds {
    /// A record younger than this may still be on its way.
    pub const ON_ITS_WAY_MAX: SignedDuration = SignedDuration::from_mins(15);
}
