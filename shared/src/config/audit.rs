//! What `audit` is told.

use jiff::SignedDuration;

use crate::{audit::thresholds::Thresholds, model::organization::OrganizationAccess, policy::PolicyUri};
use crate::{
    config::settings::{ConfigErrors, Reader},
    model::scope::Scope,
};

/// The settings of `audit`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditConfig {
    /// `LEDGER_TABLE`.
    pub ledger_table: String,
    /// `REPORT_BUCKET`.
    pub report_bucket: String,
    /// `SERVICE_SCOPE`: `all`, ids with commas between, or `tag:KEY=VALUE`.
    pub scope: Scope,
    /// `POLICY_URI`; `policies` beside the function if it is not set.
    pub policy_uri: PolicyUri,
    /// `ORGANIZATION_ACCESS`; none if it is not set.
    pub organization: OrganizationAccess,
    /// What is judged by: `AWS_REGION`, `MODE`, `CONNECTIONS_TOPIC_ARN`, `LEDGER_TTL_DAYS` (400), `OVERDUE_MINUTES` (15), `WAITING_HOURS` (24),
    /// `EXPIRING_DAYS` (14), `UNUSED_DAYS` (90).
    pub thresholds: Thresholds,
    /// The version of the warden and of its function.
    pub function_version: String,
}

impl AuditConfig {
    /// Reads the settings.
    ///
    /// # Errors
    /// Names every setting that is missing or wrong.
    pub fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        let named = |text: &str| Ok::<_, String>(text.to_owned());
        let mut read = Reader { lookup, problems: Vec::new() };
        let region = read.required("AWS_REGION", "Lambda sets it", str::parse);
        let ledger_table = read.required("LEDGER_TABLE", "name the ledger's table", named);
        let report_bucket = read.required("REPORT_BUCKET", "name the bucket for reports", named);
        let mode = read.required("MODE", "set `observe` or `active`", str::parse);
        let scope = read.required("SERVICE_SCOPE", "set `all`, service ids with commas between, or `tag:KEY=VALUE`", str::parse);
        let topic = read.required("CONNECTIONS_TOPIC_ARN", "name the topic that connection notifications should go to", str::parse);
        let overdue_after = SignedDuration::from_mins(read.count("OVERDUE_MINUTES", "minutes", 15, 60 * 24 * 7));
        let waiting_after = SignedDuration::from_hours(read.count("WAITING_HOURS", "hours", 24, 24 * 365));
        let (expiring_within, unused_after) = (read.days("EXPIRING_DAYS", 14), read.days("UNUSED_DAYS", 90));
        let (policy_uri, organization) = (read.policy_uri(), read.organization());
        let (retention, function_version) = (read.retention(), read.function_version());
        if unused_after > retention {
            read.problems.push(
                "UNUSED_DAYS: what the ledger forgets (LEDGER_TTL_DAYS) cannot show that a policy was used; set no more than that"
                    .to_owned(),
            );
        }
        let policy = policy_uri.zip(organization);
        match (region, ledger_table, report_bucket, mode, scope, topic, policy) {
            (
                Some(region),
                Some(ledger_table),
                Some(report_bucket),
                Some(mode),
                Some(scope),
                Some(topic),
                Some((policy_uri, organization)),
            ) if read.problems.is_empty() => {
                let thresholds = Thresholds {
                    mode,
                    topics: vec![topic],
                    region,
                    overdue_after,
                    waiting_after,
                    expiring_within,
                    unused_after,
                    retention,
                };
                Ok(Self { ledger_table, report_bucket, scope, policy_uri, organization, thresholds, function_version })
            }
            _ => Err(ConfigErrors(read.problems)),
        }
    }
}
