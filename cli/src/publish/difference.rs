//! The difference between two policy sets, for a person who replaces one. Pure.

use std::collections::{BTreeMap, BTreeSet};

use warden::{model::ids::AccountId, policy::PolicySet};

use crate::wording::counted;

/// Accounts that a line names.
const ACCOUNTS_MAX: usize = 10;

/// One line for each policy and group that differs.
pub(super) fn difference(old: &PolicySet, new: &PolicySet) -> Vec<String> {
    let policies = |set: &PolicySet| -> BTreeMap<String, Option<String>> {
        set.cedar().0.policies().map(|policy| (policy.id().to_string(), policy.to_cedar())).collect()
    };
    let of_policies = changes(&policies(old), &policies(new), |id, was, is| match (was, is) {
        (None, _) => format!("+ policy `{id}`"),
        (_, None) => format!("- policy `{id}`"),
        (Some(_), Some(_)) => format!("~ policy `{id}`"),
    });
    let of_groups = changes(&old.groups(), &new.groups(), |name, was, is| match (was, is) {
        (None, is) => format!("+ group `{name}` ({})", accounts(is.map_or(0, BTreeSet::len))),
        (Some(was), None) => format!("- group `{name}` ({})", accounts(was.len())),
        (Some(was), Some(is)) => {
            let parts = [("joined", is - was), ("left", was - is)].into_iter().filter(|(_, some)| !some.is_empty());
            let parts: Vec<String> = parts.map(|(verb, some)| format!("{} {verb}", listed(&some))).collect();
            format!("~ group `{name}`: {}", parts.join("; "))
        }
    });
    [of_policies, of_groups].concat()
}

fn changes<K: Ord + Clone, V: PartialEq>(
    old: &BTreeMap<K, V>,
    new: &BTreeMap<K, V>,
    line: impl Fn(&K, Option<&V>, Option<&V>) -> String,
) -> Vec<String> {
    let keys: BTreeSet<&K> = old.keys().chain(new.keys()).collect();
    let changed = keys.into_iter().map(|key| (key, old.get(key), new.get(key))).filter(|(_, was, is)| was != is);
    changed.map(|(key, was, is)| line(key, was, is)).collect()
}

fn listed(some: &BTreeSet<&AccountId>) -> String {
    let first: Vec<&str> = some.iter().take(ACCOUNTS_MAX).map(|account| account.as_str()).collect();
    let more = some.len() - first.len();
    if more == 0 { first.join(", ") } else { format!("{} and {more} more", first.join(", ")) }
}

fn accounts(count: usize) -> String {
    counted(count, "account", "accounts")
}

#[cfg(test)]
mod tests {
    use warden::policy::PolicyFile;

    use super::*;

    fn set(policies: &[(&str, &str)], groups: &str) -> PolicySet {
        let text = policies.iter().map(|(id, when)| format!("@id(\"{id}\") permit (principal, action, resource) {when};\n")).collect();
        let file = |name: &str, text: String| PolicyFile { name: name.to_owned(), text };
        PolicySet::load(&[file("p.cedar", text)], Some(&file("groups.json", groups.to_owned()))).unwrap()
    }

    #[test]
    fn policies_and_groups_are_compared() {
        let old =
            set(&[("a", ""), ("b", ""), ("c", "")], r#"{"g": {"accounts": ["111122223333", "444455556666"]}, "h": {"accounts": []}}"#);
        let new = set(&[("a", ""), ("b", "when { true }"), ("d", "")], r#"{"g": {"accounts": ["111122223333", "777788889999"]}}"#);
        let expected = [
            "~ policy `b`",
            "- policy `c`",
            "+ policy `d`",
            "~ group `g`: 777788889999 joined; 444455556666 left",
            "- group `h` (0 accounts)",
        ];
        assert_eq!(difference(&old, &new), expected);
        assert!(difference(&old, &old).is_empty());
    }
}
