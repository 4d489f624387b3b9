//! Groups accounts and services into as few policies as a person would write. Pure.
//!
//! Accounts that use the same services share a policy, or services that the same accounts use do: the division with fewer policies.

use std::collections::{BTreeMap, BTreeSet};

use warden::model::{
    ids::{AccountId, ServiceId},
    service::Service,
};

/// A policy names at most so many services in its id.
const NAMED_SERVICES_MAX: usize = 3;
/// Characters of a service's name in an id: a group's name has at most 128.
const NAME_CHARACTERS_MAX: usize = 30;
/// `groups.json` takes an account into at most 100 groups.
const RULES_OF_ACCOUNT_MAX: usize = 90;

/// A policy to write: these accounts may connect to these services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule<'a> {
    /// The id of the policy, and the name of its group.
    pub(super) name: String,
    pub(super) accounts: BTreeSet<&'a AccountId>,
    /// The services, by id.
    pub(super) services: Vec<&'a Service>,
}

impl Rule<'_> {
    pub(super) fn covers(&self, account: &AccountId, service: &ServiceId) -> bool {
        self.accounts.contains(account) && self.services.iter().any(|one| one.id == *service)
    }
}

/// Returns the policies that accept these accounts on these services, and no others. `taken` holds the names of the set.
pub(super) fn rules<'a>(
    wanted: &BTreeSet<(&'a AccountId, &'a ServiceId)>,
    services: &BTreeMap<&'a ServiceId, &'a Service>,
    services_in_scope: usize,
    mut taken: BTreeSet<String>,
) -> Vec<Rule<'a>> {
    let by_account = classes(wanted.iter().copied());
    let by_service = classes(wanted.iter().map(|(account, service)| (*service, *account)));
    let by_service: Vec<_> = by_service.into_iter().map(|(accounts, services)| (services, accounts)).collect();
    let fits = wanted.iter().all(|(account, _)| by_service.iter().filter(|(_, of)| of.contains(account)).count() <= RULES_OF_ACCOUNT_MAX);
    let divided = if fits && by_service.len() < by_account.len() { by_service } else { by_account };
    let mut rules: Vec<Rule<'a>> = divided
        .into_iter()
        .map(|(of, accounts)| Rule {
            name: String::new(),
            accounts,
            services: of.iter().filter_map(|id| services.get(id).copied()).collect(),
        })
        .collect();
    // The largest groups get the plain names.
    rules.sort_by_key(|rule| (rule.services.len(), std::cmp::Reverse(rule.accounts.len()), rule.accounts.first().copied()));
    for rule in &mut rules {
        rule.name = free(&name(rule, services_in_scope), &taken);
        taken.insert(rule.name.clone());
    }
    rules
}

/// Divides the first ids into classes with the same second ids. Returns each class as (second ids, first ids).
fn classes<'a, A: Ord + 'a, B: Ord + 'a>(pairs: impl Iterator<Item = (&'a A, &'a B)>) -> Vec<(BTreeSet<&'a B>, BTreeSet<&'a A>)> {
    let mut of: BTreeMap<&A, BTreeSet<&B>> = BTreeMap::new();
    for (first, second) in pairs {
        of.entry(first).or_default().insert(second);
    }
    let mut classes: BTreeMap<BTreeSet<&B>, BTreeSet<&A>> = BTreeMap::new();
    for (first, seconds) in of {
        classes.entry(seconds).or_default().insert(first);
    }
    classes.into_iter().collect()
}

fn name(rule: &Rule<'_>, services_in_scope: usize) -> String {
    let names: BTreeSet<String> = rule.services.iter().map(|service| plain_name(service)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (services, account) = (rule.services.len(), rule.accounts.first());
    match (names.as_slice(), account) {
        (few, _) if few.len() <= NAMED_SERVICES_MAX => format!("adopted-{}", few.join("-")),
        (_, Some(account)) if rule.accounts.len() == 1 => format!("adopted-account-{account}"),
        _ if services == services_in_scope => "adopted-all-services".to_owned(),
        ([first, ..], _) => format!("adopted-{first}-and-{}-more", services - 1),
        ([], _) => "adopted".to_owned(),
    }
}

/// The tag `Name` in letters, digits and hyphens, or the id.
fn plain_name(service: &Service) -> String {
    let name = service.tags.get("Name").map(String::as_str).unwrap_or_default();
    let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let words: Vec<&str> = plain.split('-').filter(|word| !word.is_empty()).collect();
    let plain: String = words.join("-").chars().take(NAME_CHARACTERS_MAX).collect();
    if plain.is_empty() { service.id.to_string() } else { plain.trim_end_matches('-').to_owned() }
}

fn free(name: &str, taken: &BTreeSet<String>) -> String {
    let numbered = (2..).map(|n| format!("{name}-{n}"));
    std::iter::once(name.to_owned()).chain(numbered).find(|name| !taken.contains(name)).unwrap_or_default()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::adopt) fn service(n: usize, name: &str) -> Service {
        Service {
            id: format!("vpce-svc-{n:017x}").parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
            kind: "Interface".to_owned().into(),
            acceptance_required: true,
            tags: [("Name".to_owned(), name.to_owned())].into(),
        }
    }

    /// The rules for accounts (by number) on services (by number), as NAME: ACCOUNTS on SERVICES.
    fn divided(names: &[&str], wanted: &[(u64, usize)], taken: &[&str]) -> Vec<String> {
        let services: Vec<Service> = names.iter().enumerate().map(|(n, name)| service(n, name)).collect();
        let accounts: Vec<AccountId> = wanted.iter().map(|(account, _)| format!("{account:012}").parse().unwrap()).collect();
        let pairs: BTreeSet<(&AccountId, &ServiceId)> =
            accounts.iter().zip(wanted).map(|(account, (_, service))| (account, &services[*service].id)).collect();
        let by_id = services.iter().map(|service| (&service.id, service)).collect();
        let rules = rules(&pairs, &by_id, names.len(), taken.iter().map(|name| (*name).to_owned()).collect());
        // Each pair is covered, and no other.
        for account in &accounts {
            for service in &services {
                let covering = rules.iter().filter(|rule| rule.covers(account, &service.id)).count();
                assert_eq!(covering, usize::from(pairs.contains(&(account, &service.id))), "{account} on {}", service.id);
            }
        }
        let number = |account: &&AccountId| account.as_str().trim_start_matches('0').to_owned();
        let text = |rule: &Rule<'_>| {
            let accounts: Vec<String> = rule.accounts.iter().map(number).collect();
            let services: Vec<&str> = rule.services.iter().map(|service| service.tags["Name"].as_str()).collect();
            format!("{}: {} on {}", rule.name, accounts.join(" "), services.join(" "))
        };
        rules.iter().map(text).collect()
    }

    #[test]
    fn accounts_of_the_same_services_share_a_rule() {
        let wanted = [(1, 0), (2, 0), (3, 0), (3, 1), (4, 0), (4, 1)];
        assert_eq!(
            divided(&["redis", "billing", "other"], &wanted, &[]),
            ["adopted-redis: 1 2 on redis", "adopted-billing-redis: 3 4 on redis billing"]
        );
    }

    #[test]
    fn services_of_many_accounts_have_a_rule_each() {
        let wanted = [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2), (4, 1), (5, 1), (5, 2)];
        assert_eq!(
            divided(&["redis", "billing", "logs"], &wanted, &[]),
            ["adopted-billing: 2 3 4 5 on billing", "adopted-redis: 1 2 3 on redis", "adopted-logs: 3 5 on logs"]
        );
    }

    #[test]
    fn account_on_many_services_is_named_alone() {
        let names = ["a", "b", "c", "d", "e", "f"];
        let of_five = |account| (0..5).map(move |service| (account, service));
        assert_eq!(divided(&names, &of_five(1).collect::<Vec<_>>(), &[]), ["adopted-account-000000000001: 1 on a b c d e"]);
        let two: Vec<_> = of_five(1).chain(of_five(2)).collect();
        assert_eq!(divided(&names, &two, &[]), ["adopted-a-and-4-more: 1 2 on a b c d e"]);
        assert_eq!(divided(&names[..5], &two, &[]), ["adopted-all-services: 1 2 on a b c d e"]);
    }

    #[test]
    fn names_are_plain_and_free() {
        assert_eq!(
            divided(&["Team A: Redis \u{1b}", "team-a-redis", "\u{e9}\u{2028}"], &[(1, 0), (2, 1), (3, 2)], &["adopted-team-a-redis"]),
            [
                "adopted-team-a-redis-2: 1 on Team A: Redis \u{1b}",
                "adopted-team-a-redis-3: 2 on team-a-redis",
                "adopted-vpce-svc-00000000000000002: 3 on \u{e9}\u{2028}",
            ]
        );
    }
}
