//! The settings of the audit.

use jiff::SignedDuration;

use crate::model::{
    ids::{Region, TopicArn},
    mode::Mode,
};

/// The settings of the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thresholds {
    /// The mode. In observe mode, a request that the warden would accept is not overdue.
    pub mode: Mode,
    /// The warden's topics for connection notifications. Empty if they are unknown.
    pub topics: Vec<TopicArn>,
    /// The Region of the audit.
    pub region: Region,
    /// The time after which a request that is allowed but pending is overdue.
    pub overdue_after: SignedDuration,
    /// The time after which a request that waits for a person is reported.
    pub waiting_after: SignedDuration,
    /// The time within which the end of a justification is reported.
    pub expiring_within: SignedDuration,
    /// The time after which a policy or group without a match is reported.
    pub unused_after: SignedDuration,
    /// The time for which the ledger keeps a record. The record of an older connection may have expired.
    pub retention: SignedDuration,
}

impl Thresholds {
    /// The record of a younger connection may not be written yet.
    pub const RECORD_DELAY_MAX: SignedDuration = SignedDuration::from_mins(15);
}
