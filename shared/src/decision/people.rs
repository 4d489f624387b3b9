//! What people decided about a service.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    decision::grant::Grant,
    model::{connection::Connection, subject::Subject},
};

/// A named person's refusal of one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The person, as AWS names them.
    pub by: String,
    /// The reason.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// True if the refusal also ends an established connection. The person was shown that it is established.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disconnects: bool,
}

/// The decisions of people about one service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonDecisions {
    /// The grants, ended or not.
    pub grants: Vec<Grant>,
    /// The refusals, by subject.
    pub refusals: BTreeMap<Subject, Refusal>,
    /// The hold of the service, or of the whole stack.
    pub hold: Option<Hold>,
    /// The keys of decisions that this version cannot read. Any of them may be a grant.
    pub unreadable: Vec<String>,
}

/// A named person's order to stop every act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The person, as AWS names them.
    pub by: String,
    /// The reason.
    pub reason: String,
    /// When it began.
    pub at: Timestamp,
}

impl PersonDecisions {
    /// The refusal of a request, unless a later grant covers it, or may cover it because EC2 does not state the account.
    #[must_use]
    pub fn refusal(&self, connection: &Connection, now: Timestamp) -> Option<&Refusal> {
        let refusal = self.refusals.get(&connection.subject)?;
        let covers = |grant: &Grant| grant.may_apply_to(connection) && grant.holds(now);
        let granted_since = self.grants.iter().any(|grant| grant.at > refusal.at && covers(grant));
        (!granted_since).then_some(refusal)
    }
}
