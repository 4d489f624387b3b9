//! What the ledger holds about one service, as the audit reads it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    decision::grant::Grant,
    ledger::record::Verdict,
    model::ids::{AccountId, EndpointId, RoleArn},
    policy::PolicyId,
};

/// What the ledger holds about one service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerHistory {
    /// The verdicts on each endpoint.
    pub endpoints: BTreeMap<EndpointId, EndpointHistory>,
    /// What people granted.
    pub grants: Vec<Grant>,
    /// The policies that took part in decisions, with the last time each did.
    pub used: BTreeMap<PolicyId, Timestamp>,
    /// The accounts that asked, with the last time each did.
    pub askers: BTreeMap<AccountId, Timestamp>,
    /// Some grant cannot be read: nobody is called a stranger then.
    pub grants_unreadable: bool,
    /// Entries that this version cannot read, and why.
    pub unreadable: Vec<String>,
}

/// What the ledger holds about one endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct EndpointHistory {
    /// The verdicts.
    pub verdicts: Vec<Verdict>,
    /// When it was let in.
    pub accepted: Option<Timestamp>,
    /// The role that asked, where an event had proved it when the request was accepted.
    pub role: Option<RoleArn>,
    /// Something is there that this version cannot read.
    pub unreadable: bool,
}

/// A decision, as far as the audit goes by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedDecision {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// The account that asked, where EC2 named it.
    pub account: Option<AccountId>,
    /// What became of it.
    pub verdict: Verdict,
    /// When it was decided.
    pub at: Timestamp,
    /// The policies that determined it.
    pub policies: Vec<PolicyId>,
    /// The role that asked, where an event had proved it.
    pub role: Option<RoleArn>,
}

impl LedgerHistory {
    /// Takes in a decision.
    pub fn add(&mut self, decided: RecordedDecision) {
        let RecordedDecision { endpoint, account, verdict, at, policies, role } = decided;
        let marks = self.endpoints.entry(endpoint).or_default();
        marks.verdicts.push(verdict);
        marks.accepted = marks.accepted.or((verdict == Verdict::Accepted).then_some(at));
        marks.role = marks.role.take().or(role.filter(|_| verdict == Verdict::Accepted));
        policies.into_iter().for_each(|id| later(self.used.entry(id), at));
        account.into_iter().for_each(|account| later(self.askers.entry(account), at));
    }

    /// Takes in a grant that this version cannot read.
    pub fn add_unreadable_grant(&mut self, key: &str, why: &str) {
        self.grants_unreadable = true;
        self.unreadable.push(format!("{key}: {why}"));
    }

    /// Takes in an entry that this version cannot read.
    pub fn add_unreadable(&mut self, key: &str, endpoint: Option<EndpointId>, why: &str) {
        endpoint.into_iter().for_each(|endpoint| self.endpoints.entry(endpoint).or_default().unreadable = true);
        self.unreadable.push(format!("{key}: {why}"));
    }
}

fn later<K: Ord>(entry: std::collections::btree_map::Entry<'_, K, Timestamp>, at: Timestamp) {
    entry.and_modify(|last| *last = at.max(*last)).or_insert(at);
}

impl EndpointHistory {
    /// Whether the ledger knows that this endpoint is connected. In doubt it does: an entry of a newer version is no
    /// proof of absence.
    #[must_use]
    pub fn registered(&self) -> bool {
        self.unreadable || self.verdicts.iter().any(|verdict| matches!(verdict, Verdict::Accepted | Verdict::Found))
    }
}
