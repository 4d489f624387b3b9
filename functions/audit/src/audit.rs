//! The function: its ports and its settings.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use warden::{audit::thresholds::Thresholds, gather::organization_cache::OrganizationCache, model::scope::Scope, policy::PolicySet};

/// The time reserved at the end of an invocation, for publishing and for storing the report.
pub const MARGIN: Duration = Duration::from_secs(90);

/// The function: its ports and its settings.
#[derive(Debug, Clone)]
pub struct Audit<I, L, R, D> {
    /// Reads EC2.
    pub inventory: I,
    /// Reads decisions, and stores findings.
    pub ledger: L,
    /// Stores reports.
    pub reports: R,
    /// Reads the organization's accounts.
    pub members: OrganizationCache<D>,
    /// The policy set. One run uses one set.
    pub policy: Arc<PolicySet>,
    /// The services in scope.
    pub scope: Scope,
    /// The settings of the checks.
    pub thresholds: Thresholds,
    /// The clock.
    pub clock: fn() -> Timestamp,
    /// The version of the warden and of its function.
    pub function_version: String,
}
