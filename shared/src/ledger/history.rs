//! The ledger's entries about one service, as the audit reads them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    decision::grant::Grant,
    ledger::record::Verdict,
    model::{
        connection::Connection,
        ids::{AccountId, RoleArn},
        subject::Subject,
    },
    policy::PolicyId,
};

/// The ledger's entries about one service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerHistory {
    /// The entries about each endpoint.
    pub subjects: BTreeMap<Subject, SubjectHistory>,
    /// The grants.
    pub grants: Vec<Grant>,
    /// The policies that determined decisions, each with the time of the last one.
    pub policies: BTreeMap<PolicyId, Timestamp>,
    /// The accounts that requested connections, each with the time of the last decision.
    pub accounts: BTreeMap<AccountId, Timestamp>,
    /// True if this version cannot read a grant. Then no connection counts as unjustified or unrecorded.
    pub grants_unreadable: bool,
    /// Entries that this version cannot read, each with the reason.
    pub unreadable: Vec<String>,
}

/// The ledger's entries about one endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubjectHistory {
    /// The verdicts.
    pub verdicts: Vec<Verdict>,
    /// The time of the acceptance.
    pub accepted: Option<Timestamp>,
    /// The role behind the request, if an event proved it.
    pub role: Option<RoleArn>,
    /// True if this version cannot read an entry.
    pub unreadable: bool,
}

/// The parts of a recorded decision that the audit uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedDecision {
    /// The endpoint.
    pub subject: Subject,
    /// The account that requested the connection, if EC2 stated it.
    pub account: Option<AccountId>,
    /// The verdict.
    pub verdict: Verdict,
    /// The time of the decision.
    pub at: Timestamp,
    /// The determining policies.
    pub policies: Vec<PolicyId>,
}

impl LedgerHistory {
    /// Adds a decision.
    pub fn add(&mut self, decision: RecordedDecision) {
        let RecordedDecision { subject, account, verdict, at, policies } = decision;
        let history = self.subjects.entry(subject).or_default();
        history.verdicts.push(verdict);
        history.accepted = history.accepted.or((verdict == Verdict::Accepted).then_some(at));
        policies.iter().for_each(|id| later(&mut self.policies, id, at));
        account.iter().for_each(|account| later(&mut self.accounts, account, at));
    }

    /// Adds the proof of a role.
    pub fn add_proof(&mut self, subject: Subject, role: RoleArn) {
        self.subjects.entry(subject).or_default().role = Some(role);
    }

    /// Adds a grant that this version cannot read.
    pub fn add_unreadable_grant(&mut self, key: &str, why: &str) {
        self.grants_unreadable = true;
        self.unreadable.push(format!("{key}: {why}"));
    }

    /// Adds an entry that this version cannot read.
    pub fn add_unreadable(&mut self, key: &str, subject: Option<Subject>, why: &str) {
        subject.into_iter().for_each(|subject| self.subjects.entry(subject).or_default().unreadable = true);
        self.unreadable.push(format!("{key}: {why}"));
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
        self.unreadable || self.verdicts.iter().any(|verdict| matches!(verdict, Verdict::Accepted | Verdict::Found))
    }
}
