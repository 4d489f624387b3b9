//! What the whole run says about the policy: permits and groups that nobody uses.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    audit::thresholds::Thresholds,
    ledger::finding::{Finding, FindingKind, FindingSubject},
    model::severity::Severity,
};
use crate::{
    model::ids::AccountId,
    policy::{GroupName, PolicyId, PolicySet},
};

/// Who and what took part, and when last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// Policies, by id.
    pub policies: BTreeMap<PolicyId, Timestamp>,
    /// Groups, by name.
    pub groups: BTreeMap<GroupName, Timestamp>,
}

impl Usage {
    /// A policy took part.
    pub fn policy(&mut self, id: &PolicyId, at: Timestamp) {
        later(&mut self.policies, id, at);
    }

    /// An account asked, or is connected.
    pub fn account(&mut self, policy: &PolicySet, account: &AccountId, at: Timestamp) {
        policy.groups_of(account).iter().for_each(|group| later(&mut self.groups, group, at));
    }
}

fn later<K: Ord + Clone>(map: &mut BTreeMap<K, Timestamp>, name: &K, at: Timestamp) {
    match map.get_mut(name) {
        Some(last) => *last = at.max(*last),
        None => drop(map.insert(name.clone(), at)),
    }
}

/// Permits and groups that nothing has matched for long. `known_since` is when the audit first saw each, by
/// `policy/ID` or `group/NAME`: what is new has not had its chance.
#[must_use]
pub fn inspect_usage(
    terms: &Thresholds,
    policy: &PolicySet,
    usage: &Usage,
    known_since: &BTreeMap<String, Timestamp>,
    now: Timestamp,
) -> Vec<Finding> {
    let unused = |used: Option<Timestamp>, subject: FindingSubject| {
        let since = known_since.get(&subject.to_string())?;
        let last = used.map_or(*since, |last| last.max(*since));
        (now.duration_since(last) > terms.unused_after).then_some((subject, used))
    };
    let days = terms.unused_after.as_hours() / 24;
    let finding = |(subject, last): (FindingSubject, Option<Timestamp>)| {
        let (noun, name) = match &subject {
            FindingSubject::Group { group } => ("group", group.to_string()),
            other => ("permit", other.to_string().trim_start_matches("policy/").to_owned()),
        };
        let what = format!("No connection and no request has matched the {noun} `{name}` for {days} days.");
        Finding::new(FindingKind::UnusedPolicy, Severity::Info, subject, what)
            .shown("last matched", last.map_or_else(|| "never".to_owned(), |last| last.strftime("%Y-%m-%d").to_string()))
            .advise("Take it out of the policy, if nobody is expected any more")
    };
    let permits =
        policy.accepting_permits().filter_map(|id| unused(usage.policies.get(id).copied(), FindingSubject::Policy { policy: id.clone() }));
    let groups = policy
        .accepting_groups()
        .into_iter()
        .filter_map(|name| unused(usage.groups.get(name).copied(), FindingSubject::Group { group: name.clone() }));
    permits.chain(groups).map(finding).collect()
}
