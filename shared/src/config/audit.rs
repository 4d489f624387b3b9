//! The settings of `audit`.

use jiff::SignedDuration;

use crate::{
    audit::thresholds::Thresholds,
    config::settings::{ConfigErrors, Reader},
    model::{organization::OrganizationAccess, scope::Scope},
    policy::PolicyUri,
};

/// The settings of `audit`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditConfig {
    /// `LEDGER_TABLE`.
    pub ledger_table: String,
    /// `REPORT_BUCKET`.
    pub report_bucket: String,
    /// `SERVICE_SCOPE`: `all`, service ids separated by commas, or `tag:KEY=VALUE`.
    pub scope: Scope,
    /// `POLICY_URI`; by default the folder `policies` beside the function.
    pub policy_uri: PolicyUri,
    /// `ORGANIZATION_ACCESS`; none by default.
    pub organization: OrganizationAccess,
    /// `AWS_REGION`, `MODE`, `CONNECTIONS_TOPIC_ARN`, `LEDGER_TTL_DAYS` (400), `OVERDUE_MINUTES` (15), `WAITING_HOURS` (24),
    /// `EXPIRING_DAYS` (14), `UNUSED_DAYS` (90).
    pub thresholds: Thresholds,
    /// The version of the warden and of its function.
    pub function_version: String,
}

impl AuditConfig {
    /// Reads the settings.
    ///
    /// # Errors
    /// A setting is missing or wrong.
    pub fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        let mut read = Reader::new(lookup);
        let region = read.region();
        let ledger_table = read.ledger_table();
        let report_bucket = read.text("REPORT_BUCKET", "name the bucket for reports");
        let (mode, scope) = (read.mode(), read.scope());
        let topic = read.required("CONNECTIONS_TOPIC_ARN", "name the topic for connection notifications", str::parse);
        let overdue_after = SignedDuration::from_mins(read.count("OVERDUE_MINUTES", "minutes", 15, 60 * 24 * 7));
        let waiting_after = SignedDuration::from_hours(read.count("WAITING_HOURS", "hours", 24, 24 * 365));
        let (expiring_within, unused_after) = (read.days("EXPIRING_DAYS", 14), read.days("UNUSED_DAYS", 90));
        let (policy_uri, organization) = (read.policy_uri(), read.organization());
        let (retention, function_version) = (read.retention(), read.function_version());
        if unused_after > retention {
            read.problems.push("UNUSED_DAYS: the ledger deletes records after LEDGER_TTL_DAYS; set at most that".to_owned());
        }
        read.finish(|| {
            let (mode, topics, region) = (mode?, vec![topic?], region?);
            let thresholds = Thresholds { mode, topics, region, overdue_after, waiting_after, expiring_within, unused_after, retention };
            Some(Self {
                ledger_table: ledger_table?,
                report_bucket: report_bucket?,
                scope: scope?,
                policy_uri: policy_uri?,
                organization: organization?,
                thresholds,
                function_version,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<AuditConfig, ConfigErrors> {
        let map: BTreeMap<&str, &str> = pairs.iter().copied().collect();
        AuditConfig::read(&|name| map.get(name).map(|value| (*value).to_owned()))
    }

    #[test]
    fn settings_are_required_or_have_defaults() {
        let ConfigErrors(problems) = read(&[("WAITING_HOURS", "soon"), ("UNUSED_DAYS", "0")]).expect_err("hardly any settings");
        let required = ["AWS_REGION", "LEDGER_TABLE", "REPORT_BUCKET", "MODE", "SERVICE_SCOPE", "CONNECTIONS_TOPIC_ARN"];
        for name in required.into_iter().chain(["WAITING_HOURS", "UNUSED_DAYS"]) {
            assert!(problems.iter().any(|problem| problem.starts_with(name)), "{name}: {problems:?}");
        }
        let good = [
            ("AWS_REGION", "eu-central-1"),
            ("LEDGER_TABLE", "ledger"),
            ("REPORT_BUCKET", "reports"),
            ("MODE", "observe"),
            ("SERVICE_SCOPE", "all"),
            ("CONNECTIONS_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:connections"),
            ("EXPIRING_DAYS", "7"),
        ];
        let thresholds = read(&good).expect("good settings").thresholds;
        assert_eq!(thresholds.waiting_after, SignedDuration::from_hours(24));
        assert_eq!(thresholds.unused_after, SignedDuration::from_hours(90 * 24));
        assert_eq!(thresholds.expiring_within, SignedDuration::from_hours(7 * 24));
    }
}
