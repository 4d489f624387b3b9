//! Accounts that are in a group of accepted accounts and in one of blocked accounts. The block wins.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{ActionConstraint, Effect, Policy, PrincipalConstraint, ResourceConstraint};

use crate::{
    model::ids::AccountId,
    policy::{names::PolicyId, set::PolicySet},
};

/// Two groups that share accounts, and the policies that name them in their scopes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap<'a> {
    /// The group that a policy permits to accept.
    pub accepted: String,
    /// That policy.
    pub permit: PolicyId,
    /// The group that a policy forbids to accept, or permits to reject.
    pub blocked: String,
    /// That policy.
    pub block: PolicyId,
    /// The accounts in both groups.
    pub accounts: BTreeSet<&'a AccountId>,
}

impl PolicySet {
    /// Returns the overlaps, one for each two groups.
    #[must_use]
    pub fn overlaps(&self) -> Vec<Overlap<'_>> {
        let members = self.groups();
        let scoped = |effect: Effect, action: &str| -> Vec<(String, &Policy)> {
            let policies = self.set.policies().filter(move |policy| policy.effect() == effect && covers(policy, action));
            let mut scoped: Vec<_> = policies.filter_map(|policy| Some((group_of(policy)?, policy))).collect();
            scoped.sort_by(|a, b| a.1.id().cmp(b.1.id()));
            scoped
        };
        let blocks = [scoped(Effect::Forbid, "Accept"), scoped(Effect::Permit, "Reject")].concat();
        let mut overlaps = BTreeMap::new();
        for (accepted, permit) in scoped(Effect::Permit, "Accept") {
            for (blocked, block) in blocks.iter().filter(|(_, block)| shares_service(permit, block)) {
                let none = BTreeSet::new();
                let [one, other] = [&accepted, blocked].map(|group| members.get(group.as_str()).unwrap_or(&none));
                let accounts: BTreeSet<&AccountId> = one.intersection(other).copied().collect();
                if *blocked != accepted && !accounts.is_empty() {
                    let id = |policy: &Policy| PolicyId::from(policy.id().to_string());
                    let of =
                        Overlap { accepted: accepted.clone(), permit: id(permit), blocked: blocked.clone(), block: id(block), accounts };
                    overlaps.entry((accepted.clone(), blocked.clone())).or_insert(of);
                }
            }
        }
        overlaps.into_values().collect()
    }
}

/// Returns the group in the scope of a policy.
fn group_of(policy: &Policy) -> Option<String> {
    let (PrincipalConstraint::In(uid) | PrincipalConstraint::IsIn(_, uid)) = policy.principal_constraint() else { return None };
    (uid.type_name().basename() == "AccountGroup").then(|| AsRef::<str>::as_ref(uid.id()).to_owned())
}

fn covers(policy: &Policy, action: &str) -> bool {
    match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(uid) => AsRef::<str>::as_ref(uid.id()) == action,
        ActionConstraint::In(uids) => uids.iter().any(|uid| AsRef::<str>::as_ref(uid.id()) == action),
    }
}

/// Returns false if the two policies are about two different services.
fn shares_service(one: &Policy, other: &Policy) -> bool {
    match (one.resource_constraint(), other.resource_constraint()) {
        (ResourceConstraint::Eq(one), ResourceConstraint::Eq(other)) => one == other,
        _ => true,
    }
}
