//! The history of people's decisions: each change is an event of its own, so that no later decision hides an earlier one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    decision::{
        grant::{Grant, Grantee},
        order::Change,
    },
    model::ids::ServiceId,
};

/// The version of the event's shape.
pub const SCHEMA_VERSION: u32 = 1;

/// One decision of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionEvent {
    /// [`SCHEMA_VERSION`] at the time of writing.
    pub schema: u32,
    /// The service; `None` for the whole stack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceId>,
    /// What was decided.
    pub kind: DecisionKind,
    /// The subject or account, if the decision is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<Grantee>,
    /// The person.
    pub by: String,
    /// The reason.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// The end of the grant before the decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_before: Option<Timestamp>,
    /// The end of the grant after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// What a person decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DecisionKind {
    /// A new grant.
    Granted,
    /// A new end, or a new person, for a grant.
    Changed,
    /// The end of a grant.
    Ended,
    /// The refusal of a request.
    Refused,
    /// The end of an established connection.
    Disconnected,
    /// A hold of the service, or of the stack.
    Held,
    /// The end of a hold.
    Resumed,
}

impl DecisionEvent {
    /// The event of a change.
    #[must_use]
    pub fn of(service: Option<&ServiceId>, change: &Change) -> Self {
        let event = |kind, about, by: &str, reason: &str, at| Self {
            schema: SCHEMA_VERSION,
            service: service.cloned(),
            kind,
            about,
            by: by.to_owned(),
            reason: reason.to_owned(),
            at,
            until_before: None,
            until: None,
        };
        match change {
            Change::Grant { grant, former } => {
                let until_before = former.as_ref().and_then(|former| former.until);
                let about = Some(grant.to.clone());
                match &grant.ended {
                    Some(ended) => Self {
                        until_before,
                        until: Some(ended.at),
                        ..event(DecisionKind::Ended, about, &ended.by, &ended.reason, ended.at)
                    },
                    None => {
                        let changed = former.as_ref().is_some_and(|former: &Grant| former.holds(grant.at));
                        let kind = if changed { DecisionKind::Changed } else { DecisionKind::Granted };
                        Self { until_before, until: grant.until, ..event(kind, about, &grant.by, &grant.reason, grant.at) }
                    }
                }
            }
            Change::Refuse { subject, refusal } => {
                let kind = if refusal.disconnects { DecisionKind::Disconnected } else { DecisionKind::Refused };
                event(kind, Some(Grantee::Subject(subject.clone())), &refusal.by, &refusal.reason, refusal.at)
            }
            Change::Hold(hold) => event(DecisionKind::Held, None, &hold.by, &hold.reason, hold.at),
            Change::Resume(hold) => event(DecisionKind::Resumed, None, &hold.by, &hold.reason, hold.at),
        }
    }
}
