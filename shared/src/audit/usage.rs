//! The last use of each policy and group.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::{
    audit::thresholds::Thresholds,
    ledger::{
        history::later,
        open_finding::{KnownPolicySet, KnownSince},
        service_state,
    },
    model::ids::AccountId,
    policy::{GroupName, PolicyId, PolicySet},
};

/// The last use of each policy and group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    pub(super) policies: BTreeMap<PolicyId, Timestamp>,
    pub(super) groups: BTreeMap<GroupName, Timestamp>,
}

impl Usage {
    /// Records that a policy matched.
    pub fn policy(&mut self, id: &PolicyId, at: Timestamp) {
        later(&mut self.policies, id, at);
    }

    /// Records what the ledger says of the use of policies and groups.
    pub fn recorded(&mut self, usage: &service_state::Usage) {
        let at = |day: &Date| TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).unwrap_or(Timestamp::MIN);
        usage.policies.iter().for_each(|(id, day)| later(&mut self.policies, id, at(day)));
        usage.groups.iter().for_each(|(group, day)| later(&mut self.groups, group, at(day)));
    }

    /// Records that an account requested a connection or is connected.
    pub fn account(&mut self, policy: &PolicySet, account: &AccountId, at: Timestamp) {
        policy.groups_of(account).iter().for_each(|group| later(&mut self.groups, group, at));
    }
}

/// The use of a policy set, as checks read it.
#[derive(Debug, Clone, Copy)]
pub struct UsageView<'a> {
    /// The settings.
    pub thresholds: &'a Thresholds,
    /// The policy set.
    pub policy: &'a PolicySet,
    /// The last use of its parts.
    pub usage: &'a Usage,
    /// The times since which its parts are known.
    pub known_since: &'a KnownSince,
    /// The time of the run.
    pub now: Timestamp,
}

/// The times since which the parts of a policy set are known: parts of earlier runs keep theirs, new parts get `now`. No request
/// is known as allowed yet.
#[must_use]
pub fn known_since(before: &KnownSince, policy: &PolicySet, now: Timestamp) -> KnownSince {
    let policies = policy.accepting_permits().map(|id| (id.clone(), before.policies.get(id).copied().unwrap_or(now)));
    let groups = policy.accepting_groups().into_iter().map(|name| (name.clone(), before.groups.get(name).copied().unwrap_or(now)));
    let same_set = before.policy_set.clone().filter(|set| set.digest == policy.digest());
    let set = same_set.unwrap_or_else(|| KnownPolicySet { digest: policy.digest().to_owned(), since: now });
    KnownSince { policies: policies.collect(), groups: groups.collect(), policy_set: Some(set), allowed: BTreeMap::new() }
}
