//! The origin of a decision: the event that led to it.

use serde::{Deserialize, Serialize};

/// The event that led to a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The kind of event.
    pub kind: OriginKind,
    /// The event's id as its sender gave it, for searches in logs. It is never a key.
    pub id: String,
}

/// The kind of event that led to a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OriginKind {
    /// A CloudTrail event, from EventBridge.
    CloudTrail,
    /// A connection notification, from SNS.
    Notification,
    /// The schedule.
    Sweep,
    /// A person, at the command line.
    Person,
}
