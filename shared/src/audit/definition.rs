//! The definition of a finding, and the names that the file of a finding needs.

pub(super) use crate::{
    audit::{connection_view::ConnectionView, grant_view::GrantView, service_view::ServiceView, usage::UsageView},
    ledger::finding::{Finding, FindingKind, FindingSubject},
    model::severity::Severity,
};

/// A kind of finding. Reports, coverage, `docs/audit.md` and `docs/report.schema.json` derive from it.
#[derive(Debug)]
pub struct Definition {
    /// The id in reports, messages and filters.
    pub kind: FindingKind,
    /// The heading in reports and messages.
    pub title: &'static str,
    /// The condition that is reported, for `docs/audit.md`.
    pub description: &'static str,
    /// The usual severity.
    pub severity: Severity,
    /// Another severity, with the condition for it.
    pub other_severity: Option<(Severity, &'static str)>,
    /// The evidence that a run must have before the absence of the finding means that it is resolved.
    pub needs: &'static [Evidence],
    /// The check.
    pub check: Check,
}

/// A part of the world that a run may fail to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// The configuration of a service.
    Configuration,
    /// All permissions of a service.
    Permissions,
    /// Every account of a service that lacks a permission. A run lists only some of them.
    MissingPermissions,
    /// The accounts with grants on a service.
    Grants,
    /// All connections of a service.
    Connections,
    /// All entries of the ledger about a service.
    Ledger,
    /// All connection notifications of the account.
    Notifications,
    /// The judgement of a connection by the policy and the grants. It is known for each connection, not for a service.
    Judgement,
}

/// The check of a finding, by what it reads and how many findings it can return.
#[derive(Debug, Clone, Copy)]
pub enum Check {
    /// A check of one connection.
    Connection(fn(&ConnectionView<'_>) -> Option<Finding>),
    /// A check of the policies that were evaluated for one connection.
    ConnectionPolicies(fn(&ConnectionView<'_>) -> Vec<Finding>),
    /// A check of one service.
    Service(fn(&ServiceView<'_>) -> Option<Finding>),
    /// A check of the permissions of one service.
    Permissions(fn(&ServiceView<'_>) -> Vec<Finding>),
    /// A check of the grants on one service after all its connections were judged.
    Grants(fn(&GrantView<'_>) -> Vec<Finding>),
    /// A check of the policy set after a run that read everything.
    Usage(fn(&UsageView<'_>) -> Vec<Finding>),
}

impl Evidence {
    /// Every part that is known for a service.
    pub const ALL: [Self; 7] = [
        Self::Configuration,
        Self::Permissions,
        Self::MissingPermissions,
        Self::Grants,
        Self::Connections,
        Self::Ledger,
        Self::Notifications,
    ];
}

impl Definition {
    /// A finding of this kind with its usual severity.
    pub(super) fn finding(&self, subject: FindingSubject, what: &str) -> Finding {
        Finding::new(self.kind.clone(), self.title, self.severity, subject, what)
    }

    /// A finding about a connection.
    pub(super) fn of_connection(&self, view: &ConnectionView<'_>, what: &str) -> Finding {
        view.describe(self.finding(view.subject(), what))
    }

    /// The other severity if its condition holds, else the usual one.
    pub(super) fn severity_if(&self, condition: bool) -> Severity {
        self.other_severity.filter(|_| condition).map_or(self.severity, |(severity, _)| severity)
    }
}
