//! The origin of a decision: which event led to it.

use serde::{Deserialize, Serialize};

/// What set a decision off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Which of the three ways.
    pub kind: OriginKind,
    /// The id the sender gave the event; for people who search logs, never a key.
    pub id: String,
}

/// How a request came to the warden's notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OriginKind {
    /// A CloudTrail event over EventBridge.
    CloudTrail,
    /// PrivateLink's connection notification over SNS.
    Notification,
    /// The schedule.
    Sweep,
    /// A person, at the command line.
    Person,
}
