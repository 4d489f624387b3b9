//! The allowed principals of a service compared with what a policy set can accept.

use std::collections::BTreeSet;

use crate::{
    model::{
        ids::AccountId,
        principal::{AllowedPrincipal, Principal},
        service::Service,
    },
    policy::{PolicySet, analysis::PossibleRequester},
};

/// What a service's permissions lack, and what they have too much of, for a policy.

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PermissionDiff {
    /// Accounts that the policy names and could accept, and that nothing lets ask.
    pub lacking: Vec<AccountId>,
    /// Permissions of those that the policy could never accept.
    pub surplus: Vec<AllowedPrincipal>,
}

impl PermissionDiff {
    /// Compares a service's permissions with a policy and with whom people let in. Permissions of a kind that this version does not know are left alone.
    #[must_use]
    pub fn of(policy: &PolicySet, service: &Service, permissions: &[AllowedPrincipal], granted: &BTreeSet<AccountId>) -> Self {
        let let_in = |permission: &AllowedPrincipal| permission.who.account().is_some_and(|account| granted.contains(account));
        let needless = |permission: &&AllowedPrincipal| permission.leads_nowhere(policy, service) && !let_in(permission);
        let (surplus, kept): (Vec<&AllowedPrincipal>, Vec<&AllowedPrincipal>) = permissions.iter().partition(needless);
        let named: BTreeSet<AccountId> = policy.named_accounts(service).into_iter().collect();
        // By those that stay: whoever asked by one that goes must be named.
        let shut = |account: &AccountId| kept.iter().all(|permission| permission.who.lets_ask(account) == Some(false));
        Self {
            lacking: named.union(granted).filter(|account| shut(account)).cloned().collect(),
            surplus: surplus.into_iter().cloned().collect(),
        }
    }
}

impl AllowedPrincipal {
    /// Whether the policy could accept nobody whom it lets ask, but those that it names otherwise.
    #[must_use]
    pub fn leads_nowhere(&self, policy: &PolicySet, service: &Service) -> bool {
        let asker = match &self.who {
            Principal::Anyone => PossibleRequester::Unlisted,
            Principal::Account { account, .. } | Principal::User { account } | Principal::Role { account } => {
                PossibleRequester::Account(account)
            }
            Principal::Unit { unit } => PossibleRequester::MemberOf(unit),
            Principal::Unknown { .. } => return false,
        };
        !policy.could_accept(asker, service)
    }
}
