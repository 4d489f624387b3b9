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

/// The differences between a service's permissions and a policy set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PermissionDiff {
    /// Accounts that the policy names and could accept, and that no permission covers.
    pub missing: Vec<AccountId>,
    /// Permissions whose principals the policy could never accept.
    pub excess: Vec<AllowedPrincipal>,
}

impl PermissionDiff {
    /// Compares a service's permissions with a policy set and with the accounts that have grants. Permissions of an
    /// unknown type are not compared.
    #[must_use]
    pub fn of(policy: &PolicySet, service: &Service, permissions: &[AllowedPrincipal], granted: &BTreeSet<AccountId>) -> Self {
        let has_grant = |permission: &AllowedPrincipal| permission.principal.account().is_some_and(|account| granted.contains(account));
        let excess = |permission: &&AllowedPrincipal| is_excess(permission, policy, service) && !has_grant(permission);
        let (excess, kept): (Vec<&AllowedPrincipal>, Vec<&AllowedPrincipal>) = permissions.iter().partition(excess);
        let named: BTreeSet<AccountId> = policy.named_accounts(service).into_iter().collect();
        // Only the permissions that stay count: an account that relies on an excess one needs its own.
        let uncovered = |account: &AccountId| kept.iter().all(|permission| permission.principal.admits(account) == Some(false));
        Self {
            missing: named.union(granted).filter(|account| uncovered(account)).cloned().collect(),
            excess: excess.into_iter().cloned().collect(),
        }
    }
}

/// Returns true if the policy could accept no account that this permission admits. For `*` and units, accounts that the
/// policy names explicitly are ignored.
#[must_use]
pub fn is_excess(permission: &AllowedPrincipal, policy: &PolicySet, service: &Service) -> bool {
    let requester = match &permission.principal {
        Principal::Anyone => PossibleRequester::Unlisted,
        Principal::Account { account, .. } | Principal::User { account } | Principal::Role { account } => {
            PossibleRequester::Account(account)
        }
        Principal::Unit { unit } => PossibleRequester::MemberOf(unit),
        Principal::Unknown { .. } => return false,
    };
    !policy.could_accept(requester, service)
}
