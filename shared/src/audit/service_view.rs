//! One service with its permissions and notifications, as checks read it.

use jiff::Timestamp;

use crate::{
    audit::{
        permission_diff::{GrantedAccounts, PermissionDiff},
        thresholds::Thresholds,
    },
    ledger::finding::FindingSubject,
    model::{
        ids::{AccountId, TopicArn},
        notification::ConnectionNotification,
        principal::AllowedPrincipal,
        service::{Service, ServiceConfiguration},
        subject::SubjectKind,
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
    /// By kind.
    pub(super) permission_diffs: Vec<PermissionDiff>,
}

impl<'a> ServiceView<'a> {
    /// Compares the permissions. `granted` are the accounts with a grant that holds, if they could be read.
    #[must_use]
    pub fn new(
        thresholds: &'a Thresholds,
        policy: &'a PolicySet,
        configuration: &'a ServiceConfiguration,
        permissions: Option<&'a [AllowedPrincipal]>,
        notifications: Option<&'a [ConnectionNotification]>,
        granted: Option<&GrantedAccounts>,
        now: Timestamp,
    ) -> Self {
        let service = &configuration.service;
        let own: Vec<AccountId> = thresholds.topics.iter().filter_map(TopicArn::account).collect();
        let diffs = permissions.map(|all| PermissionDiff::of_each(policy, service, all, granted, &own, now));
        Self { thresholds, policy, service, permissions, notifications, permission_diffs: diffs.unwrap_or_default() }
    }

    /// The accounts that lack a permission, as far as a run lists them.
    pub(super) fn missing_permissions(&self) -> impl Iterator<Item = (SubjectKind, &AccountId)> {
        let missing = self.permission_diffs.iter().flat_map(|diff| diff.missing.iter().map(|account| (diff.kind, account)));
        missing.take(MISSING_PERMISSIONS_MAX)
    }

    /// The number of such accounts beyond the listed ones.
    #[must_use]
    pub fn missing_permissions_unlisted(&self) -> usize {
        self.permission_diffs.iter().map(|diff| diff.missing.len()).sum::<usize>().saturating_sub(MISSING_PERMISSIONS_MAX)
    }

    /// A command that changes the permissions of a kind.
    pub(super) fn permission_command(&self, kind: SubjectKind, arguments: &str) -> String {
        let of_kind = if kind.is_default() { String::new() } else { format!(" --permission-type {}", kind.as_str()) };
        self.command("modify-vpc-endpoint-service-permissions", &format!("{arguments}{of_kind}"))
    }

    pub(super) fn subject(&self) -> FindingSubject {
        FindingSubject::Service { service: self.service.id.clone() }
    }

    /// A command on this service.
    pub(super) fn command(&self, call: &str, arguments: &str) -> String {
        format!("aws ec2 {call} --region {} --service-id {} {arguments}", self.thresholds.region, self.service.id)
    }
}
