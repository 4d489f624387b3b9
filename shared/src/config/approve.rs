//! What `approve` is told.

use jiff::SignedDuration;

use crate::{
    config::settings::{ConfigErrors, Reader},
    model::{mode::Mode, scope::Scope},
};
use crate::{
    model::{ids::Region, organization::OrganizationAccess},
    policy::PolicyUri,
};

/// The settings of `approve`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApproveConfig {
    /// `AWS_REGION`, set by Lambda: the Region of the services.
    pub region: Region,
    /// `LEDGER_TABLE`.
    pub ledger_table: String,
    /// `MODE`: `observe` or `active`.
    pub mode: Mode,
    /// `SERVICE_SCOPE`: `all`, ids with commas between, or `tag:KEY=VALUE`.
    pub scope: Scope,
    /// `POLICY_URI`; `policies` beside the function if it is not set.
    pub policy_uri: PolicyUri,
    /// `ORGANIZATION_ACCESS`; none if it is not set.
    pub organization: OrganizationAccess,
    /// `LEDGER_TTL_DAYS`; 400 if it is not set.
    pub retention: SignedDuration,
    /// The version of the warden and of its function.
    pub function_version: String,
}

impl ApproveConfig {
    /// Reads the settings.
    ///
    /// # Errors
    /// Names every setting that is missing or wrong.
    pub fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        let mut read = Reader { lookup, problems: Vec::new() };
        let region = read.required("AWS_REGION", "Lambda sets it", str::parse);
        let ledger_table = read.required("LEDGER_TABLE", "name the ledger's table", |text| Ok::<_, String>(text.to_owned()));
        let mode = read.required("MODE", "set `observe` or `active`", str::parse);
        let scope = read.required("SERVICE_SCOPE", "set `all`, service ids with commas between, or `tag:KEY=VALUE`", str::parse);
        let retention = read.retention();
        let (policy_uri, organization) = (read.policy_uri(), read.organization());
        let function_version = read.function_version();
        match (region, ledger_table, mode, scope, policy_uri, organization) {
            (Some(region), Some(ledger_table), Some(mode), Some(scope), Some(policy_uri), Some(organization))
                if read.problems.is_empty() =>
            {
                Ok(Self { region, ledger_table, mode, scope, policy_uri, organization, retention, function_version })
            }
            _ => Err(ConfigErrors(read.problems)),
        }
    }
}
