//! What groups.json says, put into the questions: for the solver, a group is a word that anybody may be in.
//!
//! Rules cannot tell accounts apart that they do not name and that are in the same of the groups that they name. So there
//! are, for the rules, no more kinds of account than the named ones and one for each set of groups that somebody is in.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{EntityId, EntityUid, Policy as CedarPolicy};
use serde_json::Value;
use warden::{
    model::ids::{AccountId, RoleArn},
    policy::PolicySet,
};

/// What the kinds may be made of. Beyond, no question would be answered in time, and only less is said of the groups.
const PARTS_MAX: usize = 4_000;
/// Accounts that are named of a change.
const SHOWN_MAX: usize = 10;

/// The groups that rules name with their accounts, and the accounts that rules name.
#[derive(Default)]
pub(super) struct Lists {
    groups: BTreeMap<EntityUid, BTreeSet<AccountId>>,
    named: BTreeMap<AccountId, EntityUid>,
    /// The roles that rules spell out, each with the account that it is a role of. These accounts are named, too.
    pub(super) roles: BTreeMap<String, EntityUid>,
}

impl Lists {
    /// Those of some rules of a set.
    pub(super) fn of<'a>(rules: impl IntoIterator<Item = &'a CedarPolicy>, set: &PolicySet) -> Self {
        let all = set.groups();
        let mut lists = Self::default();
        let rules: Vec<&CedarPolicy> = rules.into_iter().collect();
        for (role, account) in rules.iter().filter_map(|rule| rule.to_json().ok()).flat_map(|rule| roles(&rule)) {
            let uid = "PrivateLink::Account".parse().map(|kind| EntityUid::from_type_name_and_id(kind, EntityId::new(account.as_str())));
            if let Ok(uid) = uid {
                lists.roles.insert(role, uid.clone());
                lists.named.insert(account, uid);
            }
        }
        for uid in rules.into_iter().flat_map(CedarPolicy::entity_literals) {
            let id: &str = uid.id().as_ref();
            match (uid.type_name().basename(), id.parse::<AccountId>()) {
                ("AccountGroup", _) => {
                    let accounts = all.get(id).into_iter().flatten().map(|account| (*account).clone()).collect();
                    lists.groups.insert(uid, accounts);
                }
                ("Account", Ok(account)) => {
                    lists.named.insert(account, uid);
                }
                _ => {}
            }
        }
        lists
    }

    /// These and others. A group that is in both has the same accounts in both: see [`former`].
    pub(super) fn and(mut self, others: Self) -> Self {
        self.groups.extend(others.groups);
        self.named.extend(others.named);
        self.roles.extend(others.roles);
        self
    }

    /// The same under other names.
    pub(super) fn renamed(mut self, names: &BTreeMap<String, String>) -> Self {
        let renamed = |uid: EntityUid| match names.get(AsRef::<str>::as_ref(uid.id())) {
            Some(name) => EntityUid::from_type_name_and_id(uid.type_name().clone(), EntityId::new(name)),
            None => uid,
        };
        self.groups = self.groups.into_iter().map(|(uid, accounts)| (renamed(uid), accounts)).collect();
        self
    }

    /// What is true of everybody who asks, as an expression in Cedar; and whether it is all that is true.
    pub(super) fn everybody(&self) -> (Option<String>, bool) {
        if self.groups.is_empty() {
            return (None, true);
        }
        let (named, others): (BTreeSet<&AccountId>, BTreeSet<&AccountId>) =
            self.groups.values().flatten().chain(self.named.keys()).partition(|account| self.named.contains_key(*account));
        // Somebody is in no group at all: there are more accounts than anybody lists.
        let kinds: BTreeSet<Vec<bool>> =
            others.into_iter().map(|account| self.kind(account)).chain([vec![false; self.groups.len()]]).collect();
        if (kinds.len() + named.len()) * self.groups.len() > PARTS_MAX {
            let empty = self.groups.iter().filter(|(_, accounts)| accounts.is_empty());
            let empty: Vec<String> = empty.map(|(group, _)| format!("!(principal in {group})")).collect();
            return ((!empty.is_empty()).then(|| joined(&empty, "&&")), false);
        }
        let mut kinds: Vec<String> = kinds.iter().map(|kind| self.within(kind)).collect();
        if !named.is_empty() {
            let literals: Vec<String> = self.named.values().map(ToString::to_string).collect();
            kinds = vec![format!("(!([{}].contains(principal)) && {})", literals.join(", "), joined(&kinds, "||"))];
        }
        let one =
            |account: &AccountId| Some(format!("(principal == {} && {})", self.named.get(account)?, self.within(&self.kind(account))));
        kinds.extend(named.into_iter().filter_map(one));
        (Some(joined(&kinds, "||")), true)
    }

    /// Somebody who is in these groups, in no other, and whom no rule names.
    pub(super) fn somebody(&self, within: &BTreeSet<&EntityUid>) -> Option<&AccountId> {
        let is_it = |account: &&AccountId| {
            !self.named.contains_key(*account)
                && self.groups.iter().all(|(group, accounts)| accounts.contains(*account) == within.contains(group))
        };
        self.groups.values().flatten().find(is_it)
    }

    /// Whether a rule names this account.
    pub(super) fn names(&self, account: &EntityUid) -> bool {
        self.named.values().any(|named| named == account)
    }

    /// Which of the groups an account is in.
    fn kind(&self, account: &AccountId) -> Vec<bool> {
        self.groups.values().map(|accounts| accounts.contains(account)).collect()
    }

    fn within(&self, kind: &[bool]) -> String {
        let each = self.groups.keys().zip(kind).map(|(group, is_in)| format!("{}(principal in {group})", if *is_in { "" } else { "!" }));
        joined(&each.collect::<Vec<_>>(), "&&")
    }
}

/// The roles that a rule spells out.
fn roles(json: &Value) -> Vec<(String, AccountId)> {
    match json {
        Value::Object(object) => object.values().flat_map(roles).collect(),
        Value::Array(items) => items.iter().flat_map(roles).collect(),
        // What stands for itself in Cedar as it does in JSON: no name of a role has anything else.
        Value::String(text) if text.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\') => {
            let account = text.parse::<RoleArn>().ok().and_then(|role| role.account());
            account.map(|account| (text.clone(), account)).into_iter().collect()
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// As a tree: a chain of some thousands would be too deep for those who walk it.
pub(super) fn joined(parts: &[String], with: &str) -> String {
    match parts.split_at(parts.len() / 2) {
        ([], [one]) => one.clone(),
        ([], _) => "true".to_owned(),
        (left, right) => format!("({} {with} {})", joined(left, with), joined(right, with)),
    }
}

/// New names for the old set's groups that are not what the new set's are: the solver would take them for the same.
pub(super) fn former(old: &PolicySet, new: &PolicySet) -> BTreeMap<String, String> {
    let (before, after) = (old.groups(), new.groups());
    let changed = before.iter().filter(|(name, accounts)| after.get(*name) != Some(*accounts)).map(|(name, _)| (*name).to_owned());
    let fresh = |name: &str| {
        let mut fresh = format!("{name} before");
        while before.contains_key(fresh.as_str()) || after.contains_key(fresh.as_str()) {
            fresh.push('\'');
        }
        fresh
    };
    changed.map(|name| (name.clone(), fresh(&name))).collect()
}

/// How the lists that both sets have differ.
pub(super) fn changes(old: &PolicySet, new: &PolicySet) -> Vec<String> {
    let (before, after) = (old.groups(), new.groups());
    let both = before.iter().filter_map(|(name, had)| Some((name, had, after.get(name)?))).filter(|(_, had, has)| had != has);
    let change = |(name, had, has): (&&str, &BTreeSet<&AccountId>, &BTreeSet<&AccountId>)| {
        let moves = [("joined", some(has, had)), ("left", some(had, has))];
        let moves: Vec<String> = moves.into_iter().filter_map(|(verb, who)| Some(format!("{} {verb}", who?))).collect();
        format!("`{name}` ({})", moves.join("; "))
    };
    both.map(change).collect()
}

/// Those of one list that are not on the other.
fn some(these: &BTreeSet<&AccountId>, others: &BTreeSet<&AccountId>) -> Option<String> {
    let accounts: Vec<String> = these.difference(others).map(ToString::to_string).collect();
    let shown = accounts.get(..SHOWN_MAX).unwrap_or(&accounts).join(", ");
    match accounts.len() {
        0 => None,
        count if count > SHOWN_MAX => Some(format!("{shown} and {} more", count - SHOWN_MAX)),
        _ => Some(shown),
    }
}
