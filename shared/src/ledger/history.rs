//! The ledger's entries that the audit reads: those of a service as a whole, and those about the connections of one page.
//!
//! The audit asks only about connections that EC2 lists. What it holds in memory therefore does not depend on how many
//! connections there ever were.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    decision::{Hold, grant::Grant},
    ledger::{counted::Counted, pending::Pending, service_state::Usage},
    model::{
        connection::Connection,
        ids::{RoleArn, ServiceId},
        subject::Subject,
    },
};

/// The ledger's entries about one service as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerHistory {
    /// The grants.
    pub grants: Vec<Grant>,
    /// The hold of the service.
    pub hold: Option<Hold>,
    /// The last use of policies and groups.
    pub usage: Usage,
    /// Requests that their owner is told of as a number.
    pub counted: Counted,
    /// True if this version cannot read a decision of a person, which may be a grant. Then no connection counts as unjustified
    /// or unrecorded.
    pub grants_unreadable: bool,
    /// Entries that this version cannot read, each with the reason.
    pub unreadable: Vec<String>,
}

/// The ledger's entries about the connections of one page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageHistory {
    /// The entries about each subject.
    pub subjects: BTreeMap<Subject, SubjectHistory>,
    /// Entries that this version cannot read, each with the reason.
    pub unreadable: Vec<String>,
}

/// The ledger's entries about one connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubjectHistory {
    /// The time of the recorded acceptance.
    pub accepted: Option<Timestamp>,
    /// True if the warden found the connection established and recorded that.
    pub found: bool,
    /// What the owner was told of the request while it is pending.
    pub pending: Option<Pending>,
    /// The role behind the request, if an event proved it.
    pub role: Option<RoleArn>,
    /// True if this version cannot read an entry.
    pub unreadable: bool,
}

impl LedgerHistory {
    /// Adds a decision of a person that this version cannot read.
    pub fn add_unreadable_decision(&mut self, key: &str) {
        self.grants_unreadable = true;
        self.unreadable.push(format!("{key}: malformed, or written by a newer version"));
    }
}

impl PageHistory {
    /// The entries about a connection, to be completed.
    pub fn entry(&mut self, subject: &Subject) -> &mut SubjectHistory {
        self.subjects.entry(subject.clone()).or_default()
    }

    /// Adds an entry that this version cannot read.
    pub fn add_unreadable(&mut self, service: &ServiceId, subject: &Subject, why: &str) {
        self.entry(subject).unreadable = true;
        self.unreadable.push(format!("{service}/{subject}: {why}"));
    }

    /// Adds the entries about other connections.
    pub fn extend(&mut self, others: Self) {
        self.subjects.extend(others.subjects);
        self.unreadable.extend(others.unreadable);
    }

    /// The entries about a connection.
    #[must_use]
    pub fn of(&self, connection: &Connection) -> Option<&SubjectHistory> {
        self.subjects.get(&connection.subject)
    }
}

/// Keeps the latest time of each name.
pub(crate) fn later<K: Ord + Clone>(times: &mut BTreeMap<K, Timestamp>, name: &K, at: Timestamp) {
    match times.get_mut(name) {
        Some(last) => *last = at.max(*last),
        None => drop(times.insert(name.clone(), at)),
    }
}

impl SubjectHistory {
    /// Returns true if the ledger records the connection. An entry that this version cannot read may be such a record,
    /// so it counts as one.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.unreadable || self.found || self.accepted.is_some()
    }
}
