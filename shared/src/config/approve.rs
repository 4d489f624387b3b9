//! The settings of `approve`.

use jiff::SignedDuration;

use crate::{
    config::settings::{ConfigErrors, Reader},
    model::{ids::Region, mode::Mode, organization::OrganizationAccess, scope::Scope},
    policy::PolicyUri,
};

/// The settings of `approve`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApproveConfig {
    /// `AWS_REGION`, set by Lambda: the Region of the services.
    pub region: Region,
    /// `LEDGER_TABLE`.
    pub ledger_table: String,
    /// `QUEUE_URL`: the request queue.
    pub queue_url: String,
    /// `DEAD_LETTER_QUEUE_URL`: takes messages that cannot be read.
    pub dead_letter_queue_url: String,
    /// `PATIENCE_MINUTES`, 15 by default: a reason that may disappear by itself is told after this time. CloudTrail delivers an
    /// event within five minutes on average, without a bound.
    pub patience: SignedDuration,
    /// `MODE`: `observe` or `active`.
    pub mode: Mode,
    /// `SERVICE_SCOPE`: `all`, service ids separated by commas, or `tag:KEY=VALUE`.
    pub scope: Scope,
    /// `POLICY_URI`; by default the folder `policies` beside the function.
    pub policy_uri: PolicyUri,
    /// `ORGANIZATION_ACCESS`; none by default.
    pub organization: OrganizationAccess,
    /// `LEDGER_TTL_DAYS`; 400 by default.
    pub retention: SignedDuration,
    /// The version of the warden and of its function.
    pub function_version: String,
}

impl ApproveConfig {
    /// Reads the settings.
    ///
    /// # Errors
    /// A setting is missing or wrong.
    pub fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        let mut read = Reader::new(lookup);
        let region = read.region();
        let ledger_table = read.ledger_table();
        let queue_url = read.text("QUEUE_URL", "give the URL of the request queue");
        let dead_letter_queue_url = read.text("DEAD_LETTER_QUEUE_URL", "give the URL of its dead-letter queue");
        let patience = SignedDuration::from_mins(read.count("PATIENCE_MINUTES", "minutes", 15, 24 * 60));
        let (mode, scope) = (read.mode(), read.scope());
        let (policy_uri, organization) = (read.policy_uri(), read.organization());
        let (retention, function_version) = (read.retention(), read.function_version());
        read.finish(|| {
            Some(Self {
                region: region?,
                ledger_table: ledger_table?,
                queue_url: queue_url?,
                dead_letter_queue_url: dead_letter_queue_url?,
                patience,
                mode: mode?,
                scope: scope?,
                policy_uri: policy_uri?,
                organization: organization?,
                retention,
                function_version,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::PathBuf};

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<ApproveConfig, ConfigErrors> {
        let map: BTreeMap<&str, &str> = pairs.iter().copied().collect();
        ApproveConfig::read(&|name| map.get(name).map(|value| (*value).to_owned()))
    }

    const GOOD: [(&str, &str); 7] = [
        ("AWS_REGION", "eu-central-1"),
        ("LEDGER_TABLE", "ledger"),
        ("QUEUE_URL", "https://sqs.eu-central-1.amazonaws.com/123456789012/requests"),
        ("DEAD_LETTER_QUEUE_URL", "https://sqs.eu-central-1.amazonaws.com/123456789012/dead"),
        ("MODE", "observe"),
        ("SERVICE_SCOPE", "all"),
        ("LAMBDA_TASK_ROOT", "/var/task"),
    ];

    #[test]
    fn security_settings_have_no_default() {
        let ConfigErrors(problems) = read(&[]).expect_err("no settings");
        for name in ["AWS_REGION", "LEDGER_TABLE", "QUEUE_URL", "DEAD_LETTER_QUEUE_URL", "MODE", "SERVICE_SCOPE"] {
            assert!(problems.iter().any(|problem| problem.starts_with(name)), "{name} must be required: {problems:?}");
        }
    }

    #[test]
    fn all_problems_are_reported_at_once() {
        let bad = [("AWS_REGION", "nowhere"), ("MODE", "on"), ("SERVICE_SCOPE", "vpce-1"), ("LEDGER_TTL_DAYS", "0"), ("LEDGER_TABLE", " ")];
        assert_eq!(read(&[&GOOD[..], &bad].concat()).expect_err("five are bad").0.len(), bad.len());
    }

    #[test]
    fn policy_folder_is_beside_the_function() {
        let config = read(&GOOD).expect("good settings");
        assert_eq!(config.policy_uri, PolicyUri::Folder(PathBuf::from("/var/task/policies")));
        assert_eq!((config.retention, config.patience), (SignedDuration::from_hours(9_600), SignedDuration::from_mins(15)));
    }
}
