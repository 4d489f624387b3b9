//! The members of groups, stated to the solver: in Cedar's schema, any account may be in any group.
//!
//! Policies cannot distinguish accounts that they do not name and that are in the same groups. So the solver needs the
//! named accounts, and one kind of account for each combination of groups that occurs.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{EntityId, EntityTypeName, EntityUid, Policy};
use warden::{
    model::ids::{AccountId, RoleArn},
    policy::PolicySet,
};

/// The largest number of kinds times groups. With more, no question is answered in time, so less is stated.
const TERMS_MAX: usize = 4_000;
/// The number of accounts that are named of a change.
const SHOWN_MAX: usize = 10;

/// The groups and accounts that policies name.
#[derive(Default)]
pub(crate) struct Groups {
    members: BTreeMap<EntityUid, BTreeSet<AccountId>>,
    accounts: BTreeMap<AccountId, EntityUid>,
    /// The roles that policies name, each with its account, which counts as named.
    pub(crate) roles: BTreeMap<String, EntityUid>,
}

impl Groups {
    pub(crate) fn of(policies: &[&Policy], set: &PolicySet) -> Self {
        let members = set.groups();
        let mut groups = Self::default();
        for policy in policies {
            for (role, account) in roles(policy) {
                if let Some(uid) = uid("Account", account.as_str()) {
                    groups.roles.insert(role, uid.clone());
                    groups.accounts.insert(account, uid);
                }
            }
            for uid in policy.entity_literals() {
                let id: &str = uid.id().as_ref();
                match (uid.type_name().basename(), id.parse::<AccountId>()) {
                    ("AccountGroup", _) => {
                        let accounts = members.get(id).into_iter().flatten().map(|account| (*account).clone()).collect();
                        groups.members.insert(uid, accounts);
                    }
                    ("Account", Ok(account)) => {
                        groups.accounts.insert(account, uid);
                    }
                    _ => {}
                }
            }
        }
        groups
    }

    /// Both together. A group of both has the same members in both: see [`renamed`].
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.members.extend(other.members);
        self.accounts.extend(other.accounts);
        self.roles.extend(other.roles);
        self
    }

    pub(crate) fn rename(mut self, names: &BTreeMap<EntityUid, EntityUid>) -> Self {
        self.members = self.members.into_iter().map(|(uid, accounts)| (names.get(&uid).cloned().unwrap_or(uid), accounts)).collect();
        self
    }

    /// An expression in Cedar that holds for every account. The flag is false if it does not state all members.
    pub(crate) fn membership(&self) -> (Option<String>, bool) {
        if self.members.is_empty() {
            return (None, true);
        }
        let unnamed = self.members.values().flatten().filter(|account| !self.accounts.contains_key(*account));
        // Some accounts are in no group.
        let none = vec![false; self.members.len()];
        let kinds: BTreeSet<Vec<bool>> = unnamed.map(|account| self.kind(account)).chain([none]).collect();
        if (kinds.len() + self.accounts.len()) * self.members.len() > TERMS_MAX {
            let empty = self.members.iter().filter(|(_, accounts)| accounts.is_empty());
            let empty: Vec<String> = empty.map(|(group, _)| format!("!(principal in {group})")).collect();
            return ((!empty.is_empty()).then(|| joined(&empty, "&&")), false);
        }
        let kinds: Vec<String> = kinds.iter().map(|kind| self.expression(kind)).collect();
        let is_unnamed = self.accounts.values().map(|uid| format!("principal != {uid}"));
        let unnamed = joined(&is_unnamed.chain([joined(&kinds, "||")]).collect::<Vec<_>>(), "&&");
        let named = self.accounts.iter().map(|(account, uid)| format!("(principal == {uid} && {})", self.expression(&self.kind(account))));
        (Some(joined(&[unnamed].into_iter().chain(named).collect::<Vec<_>>(), "||")), true)
    }

    /// An account that no policy names and that is in exactly these groups.
    pub(crate) fn example(&self, groups: &BTreeSet<&EntityUid>) -> Option<&AccountId> {
        let fits = |account: &&AccountId| {
            !self.accounts.contains_key(*account)
                && self.members.iter().all(|(group, accounts)| accounts.contains(*account) == groups.contains(group))
        };
        self.members.values().flatten().find(fits)
    }

    pub(crate) fn names(&self, account: &EntityUid) -> bool {
        self.accounts.values().any(|named| named == account)
    }

    /// For each group, if the account is in it.
    fn kind(&self, account: &AccountId) -> Vec<bool> {
        self.members.values().map(|accounts| accounts.contains(account)).collect()
    }

    fn expression(&self, kind: &[bool]) -> String {
        let each = self.members.keys().zip(kind).map(|(group, is_in)| format!("{}(principal in {group})", if *is_in { "" } else { "!" }));
        joined(&each.collect::<Vec<_>>(), "&&")
    }
}

fn roles(policy: &Policy) -> Vec<(String, AccountId)> {
    let json = policy.to_json().map(|json| json.to_string()).unwrap_or_default();
    // A string with an escape is no role.
    let role = |text: &str| Some((text.to_owned(), text.parse::<RoleArn>().ok()?.account()?));
    json.split('"').filter(|text| !text.contains('\\')).filter_map(role).collect()
}

/// Joins expressions as a balanced tree: a chain of thousands would overflow the stack of recursive functions.
pub(crate) fn joined(parts: &[String], operator: &str) -> String {
    match parts.split_at(parts.len() / 2) {
        ([], [one]) => one.clone(),
        ([], _) => "true".to_owned(),
        (left, right) => format!("({} {operator} {})", joined(left, operator), joined(right, operator)),
    }
}

/// New names for the groups of the old set that have other members in the new one. For the solver, a name is one group.
pub(crate) fn renamed(old: &PolicySet, new: &PolicySet) -> BTreeMap<EntityUid, EntityUid> {
    let (before, after) = (old.groups(), new.groups());
    let unused = |name: &str| {
        let mut unused = format!("{name} before");
        while before.contains_key(unused.as_str()) || after.contains_key(unused.as_str()) {
            unused.push('\'');
        }
        unused
    };
    let changed = before.iter().filter(|(name, accounts)| after.get(*name) != Some(*accounts));
    changed.filter_map(|(name, _)| Some((uid("AccountGroup", name)?, uid("AccountGroup", &unused(name))?))).collect()
}

/// The accounts that joined or left groups of both sets.
pub(crate) fn changes(old: &PolicySet, new: &PolicySet) -> Vec<String> {
    let (before, after) = (old.groups(), new.groups());
    let both = before.iter().filter_map(|(name, had)| Some((name, had, after.get(name)?))).filter(|(_, had, has)| had != has);
    let change = |(name, had, has): (&&str, &BTreeSet<&AccountId>, &BTreeSet<&AccountId>)| {
        let moves = [("joined", beyond(has, had)), ("left", beyond(had, has))];
        let moves: Vec<String> = moves.into_iter().filter_map(|(verb, accounts)| Some(format!("{} {verb}", accounts?))).collect();
        format!("`{name}` ({})", moves.join("; "))
    };
    both.map(change).collect()
}

fn beyond(accounts: &BTreeSet<&AccountId>, others: &BTreeSet<&AccountId>) -> Option<String> {
    let accounts: Vec<String> = accounts.difference(others).map(ToString::to_string).collect();
    let shown = accounts.get(..SHOWN_MAX).unwrap_or(&accounts).join(", ");
    match accounts.len() {
        0 => None,
        count if count > SHOWN_MAX => Some(format!("{shown} and {} more", count - SHOWN_MAX)),
        _ => Some(shown),
    }
}

fn uid(entity_type: &str, id: &str) -> Option<EntityUid> {
    let entity_type: EntityTypeName = format!("PrivateLink::{entity_type}").parse().ok()?;
    Some(EntityUid::from_type_name_and_id(entity_type, EntityId::new(id)))
}
