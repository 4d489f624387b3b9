//! The findings of the audit. Each has a file of its own: its definition and its check.
//!
//! A new finding needs its file and its two lines here. The documents derive from the list: run the test of `findings`
//! with `INSTA_UPDATE=always`.

mod acceptance_disabled;
mod closed_region;
mod excess_permission;
mod expired_grant;
mod expiring_soon;
mod missing_permission;
mod notifications_missing;
mod overdue;
mod pending_too_long;
mod policy_error;
mod unjustified;
mod unknown_state;
mod unrecorded;
mod unused_grant;
mod unused_policy;

use crate::{
    audit::{
        connection_view::ConnectionView,
        definition::{Check, Definition},
        grant_view::GrantView,
        service_view::ServiceView,
        usage::UsageView,
    },
    ledger::finding::{Finding, FindingKind},
};

/// The findings, in the order of the documents.
pub static FINDINGS: &[&Definition] = &[
    &unjustified::DEFINITION,
    &expired_grant::DEFINITION,
    &unrecorded::DEFINITION,
    &overdue::DEFINITION,
    &pending_too_long::DEFINITION,
    &acceptance_disabled::DEFINITION,
    &excess_permission::DEFINITION,
    &missing_permission::DEFINITION,
    &notifications_missing::DEFINITION,
    &closed_region::DEFINITION,
    &policy_error::DEFINITION,
    &expiring_soon::DEFINITION,
    &unknown_state::DEFINITION,
    &unused_grant::DEFINITION,
    &unused_policy::DEFINITION,
];

/// The definition of a kind. `None` for a kind of another version.
#[must_use]
pub fn definition(kind: &FindingKind) -> Option<&'static Definition> {
    FINDINGS.iter().copied().find(|definition| definition.kind == *kind)
}

/// The findings about a connection.
#[must_use]
pub fn of_connection(view: &ConnectionView<'_>) -> Vec<Finding> {
    let check = |definition: &&Definition| match definition.check {
        Check::Connection(check) => check(view).into_iter().collect(),
        Check::ConnectionPolicies(check) => check(view),
        Check::Service(_) | Check::Permissions(_) | Check::Grants(_) | Check::Usage(_) => Vec::new(),
    };
    FINDINGS.iter().flat_map(check).collect()
}

/// The findings about a service itself.
#[must_use]
pub fn of_service(view: &ServiceView<'_>) -> Vec<Finding> {
    let check = |definition: &&Definition| match definition.check {
        Check::Service(check) => check(view).into_iter().collect(),
        Check::Permissions(check) => check(view),
        Check::Connection(_) | Check::ConnectionPolicies(_) | Check::Grants(_) | Check::Usage(_) => Vec::new(),
    };
    FINDINGS.iter().flat_map(check).collect()
}

/// The findings about the grants on a service. Valid only after all its connections were judged.
#[must_use]
pub fn of_grants(view: &GrantView<'_>) -> Vec<Finding> {
    let check = |definition: &&Definition| match definition.check {
        Check::Grants(check) => check(view),
        Check::Connection(_) | Check::ConnectionPolicies(_) | Check::Service(_) | Check::Permissions(_) | Check::Usage(_) => Vec::new(),
    };
    FINDINGS.iter().flat_map(check).collect()
}

/// The findings about the policy set. Valid only after a run that read everything.
#[must_use]
pub fn of_usage(view: &UsageView<'_>) -> Vec<Finding> {
    let check = |definition: &&Definition| match definition.check {
        Check::Usage(check) => check(view),
        Check::Connection(_) | Check::ConnectionPolicies(_) | Check::Service(_) | Check::Permissions(_) | Check::Grants(_) => Vec::new(),
    };
    FINDINGS.iter().flat_map(check).collect()
}
