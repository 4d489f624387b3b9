//! The allowed principals of a service compared with what a policy set and the grants of people can accept: one comparison for the
//! audit, its report and `warden principals`.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    decision::grant::{Grant, Grantee},
    model::{
        connection::Connection,
        ids::AccountId,
        principal::{AllowedPrincipal, Principal},
        service::{Service, ServiceKind},
        subject::SubjectKind,
    },
    policy::{PolicySet, analysis::PossibleRequester},
};

/// The differences between a service's permissions of one kind, and a policy set and grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionDiff {
    /// What the permissions are for.
    pub kind: SubjectKind,
    /// Accounts that the policy names and whose first request it could accept now, or that have a grant, and that no permission
    /// covers.
    pub missing: Vec<AccountId>,
    /// Such accounts that only an excess permission covers.
    pub relying: Vec<AccountId>,
    /// Permissions whose principals the policy could never accept, and that have no grant.
    pub excess: Vec<AllowedPrincipal>,
}

/// The accounts with grants that hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GrantedAccounts {
    /// Those that are granted themselves: their next endpoints need a permission.
    pub accounts: BTreeSet<AccountId>,
    /// The owners of granted endpoints, which exist.
    pub owners: BTreeSet<AccountId>,
}

impl PermissionDiff {
    /// Compares a service's permissions of each kind that is in use. Attachments are, if a permission or a policy names them: a policy
    /// about accounts alone does not say that they are wanted.
    #[must_use]
    pub fn of_each(
        policy: &PolicySet,
        service: &Service,
        permissions: &[AllowedPrincipal],
        granted: Option<&GrantedAccounts>,
        own: &[AccountId],
        now: Timestamp,
    ) -> Vec<Self> {
        let is_in_use = |kind: SubjectKind| {
            kind == SubjectKind::Endpoint
                || permissions.iter().any(|permission| permission.may_request == kind)
                || (service.kind == ServiceKind::GatewayLoadBalancer && policy.names_attachments())
        };
        let kinds = SubjectKind::ALL.into_iter().filter(|kind| is_in_use(*kind));
        kinds.map(|kind| Self::of(policy, service, kind, permissions, granted, own, now)).collect()
    }

    /// Compares a service's permissions of one kind with a policy set and with the accounts that have grants. Permissions of an
    /// unknown type are not compared. If grants could not be read (`None`), any permission may be for such an account.
    /// `own` are the provider's accounts, which need no permission.
    fn of(
        policy: &PolicySet,
        service: &Service,
        kind: SubjectKind,
        permissions: &[AllowedPrincipal],
        granted: Option<&GrantedAccounts>,
        own: &[AccountId],
        now: Timestamp,
    ) -> Self {
        let has_grant = |permission: &AllowedPrincipal| {
            let account = permission.principal.account();
            granted
                .is_none_or(|granted| account.is_some_and(|account| granted.accounts.contains(account) || granted.owners.contains(account)))
        };
        let excess = |permission: &&AllowedPrincipal| !has_grant(permission) && is_excess(permission, policy, service);
        let of_kind = permissions.iter().filter(|permission| permission.may_request == kind);
        let (excess, kept): (Vec<&AllowedPrincipal>, Vec<&AllowedPrincipal>) = of_kind.partition(excess);
        let mut accounts: BTreeSet<AccountId> = policy.named_accounts(service, kind, now).into_iter().collect();
        // A grant to an account does not say that it wants attachments.
        let granted = granted.filter(|_| kind == SubjectKind::Endpoint);
        accounts.extend(granted.iter().flat_map(|granted| granted.accounts.iter().cloned()));
        let uncovered = |account: &AccountId, by: &[&AllowedPrincipal]| by.iter().all(|one| one.principal.admits(account) == Some(false));
        accounts.retain(|account| !own.contains(account) && uncovered(account, &kept));
        let (missing, relying) = accounts.into_iter().partition(|account| uncovered(account, &excess));
        Self { kind, missing, relying, excess: excess.into_iter().cloned().collect() }
    }
}

impl GrantedAccounts {
    /// Adds the grants that hold, as far as these connections have them.
    pub fn add(&mut self, grants: &[Grant], connections: &[Connection], now: Timestamp) {
        let of_account = |grant: &Grant| match &grant.to {
            Grantee::Account(account) if grant.holds(now) => Some(account.clone()),
            Grantee::Account(_) | Grantee::Subject(_) => None,
        };
        self.accounts.extend(grants.iter().filter_map(of_account));
        let covered = connections.iter().filter(|connection| Grant::covering(grants, connection, now).is_some());
        self.owners.extend(covered.filter_map(|connection| connection.owner.clone()));
    }

    /// Returns the accounts without knowledge of any connection, unless a grant for an endpoint needs it.
    #[must_use]
    pub fn without_connections(grants: &[Grant], now: Timestamp) -> Option<Self> {
        let needs_owner = |grant: &Grant| grant.holds(now) && matches!(grant.to, Grantee::Subject(_));
        let mut granted = Self::default();
        granted.add(grants, &[], now);
        (!grants.iter().any(needs_owner)).then_some(granted)
    }
}

/// Returns true if the policy could accept no account that this permission admits. For `*` and units, accounts that the
/// policy names explicitly are ignored.
fn is_excess(permission: &AllowedPrincipal, policy: &PolicySet, service: &Service) -> bool {
    let requester = match &permission.principal {
        Principal::Anyone => PossibleRequester::Unlisted,
        Principal::Account { account, .. } | Principal::User { account } | Principal::Role { account } => {
            PossibleRequester::Account(account)
        }
        Principal::Unit { unit } => PossibleRequester::MemberOf(unit),
        Principal::Unknown { .. } => return false,
    };
    !policy.could_accept(requester, service, permission.may_request)
}
