//! One service with its permissions and notifications, as checks read it.

use jiff::Timestamp;

use crate::{
    audit::thresholds::Thresholds,
    ledger::finding::FindingSubject,
    model::{
        ids::{AccountId, TopicArn},
        notification::ConnectionNotification,
        principal::AllowedPrincipal,
        service::{Service, ServiceConfiguration},
    },
    policy::PolicySet,
};

/// Accounts without a permission that a run lists for one service. If there are more, they lack one common permission.
const MISSING_PERMISSIONS_MAX: usize = 100;

/// One service with its permissions and notifications.
#[derive(Debug)]
pub struct ServiceView<'a> {
    pub(super) thresholds: &'a Thresholds,
    pub(super) policy: &'a PolicySet,
    pub(super) service: &'a Service,
    /// `None` if they could not be read.
    pub(super) permissions: Option<&'a [AllowedPrincipal]>,
    /// Of all services. `None` if they could not be read.
    pub(super) notifications: Option<&'a [ConnectionNotification]>,
    missing_permissions: Vec<AccountId>,
}

impl<'a> ServiceView<'a> {
    /// Finds the accounts that lack a permission.
    #[must_use]
    pub fn new(
        thresholds: &'a Thresholds,
        policy: &'a PolicySet,
        configuration: &'a ServiceConfiguration,
        permissions: Option<&'a [AllowedPrincipal]>,
        notifications: Option<&'a [ConnectionNotification]>,
        now: Timestamp,
    ) -> Self {
        let service = &configuration.service;
        let missing_permissions = permissions.map(|all| missing(thresholds, policy, service, all, now)).unwrap_or_default();
        Self { thresholds, policy, service, permissions, notifications, missing_permissions }
    }

    /// The accounts that the policy accepts and that no permission covers, as far as a run lists them.
    pub(super) fn missing_permissions(&self) -> impl Iterator<Item = &AccountId> {
        self.missing_permissions.iter().take(MISSING_PERMISSIONS_MAX)
    }

    /// The number of such accounts beyond the listed ones.
    #[must_use]
    pub fn missing_permissions_unlisted(&self) -> usize {
        self.missing_permissions.len().saturating_sub(MISSING_PERMISSIONS_MAX)
    }

    pub(super) fn subject(&self) -> FindingSubject {
        FindingSubject::Service { service: self.service.id.clone() }
    }

    /// A command on this service.
    pub(super) fn command(&self, call: &str, arguments: &str) -> String {
        format!("aws ec2 {call} --region {} --service-id {} {arguments}", self.thresholds.region, self.service.id)
    }
}

/// A permission that depends on an organization may cover an account, so then the account is not listed.
fn missing(
    thresholds: &Thresholds,
    policy: &PolicySet,
    service: &Service,
    permissions: &[AllowedPrincipal],
    now: Timestamp,
) -> Vec<AccountId> {
    // A provider needs no permission for its own service.
    let own: Vec<AccountId> = thresholds.topics.iter().filter_map(TopicArn::account).collect();
    let uncovered = |account: &AccountId| {
        !own.contains(account) && permissions.iter().all(|permission| permission.principal.admits(account) == Some(false))
    };
    policy.accepts_at_once(service, now).into_iter().filter(uncovered).collect()
}
