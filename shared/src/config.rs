//! The settings of each function. Read through a lookup, so that tests pass a map; every problem is reported at once.
//! Nothing that security rests on has a default.

mod approve;
mod audit;
mod notify;
mod settings;

pub use self::{approve::ApproveConfig, audit::AuditConfig, notify::NotifyConfig, settings::ConfigErrors};

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::PathBuf};

    use jiff::SignedDuration;

    use super::*;
    use crate::policy::PolicyUri;

    fn read(pairs: &[(&str, &str)]) -> Result<ApproveConfig, ConfigErrors> {
        let map: BTreeMap<String, String> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        ApproveConfig::read(&|name| map.get(name).cloned())
    }

    const GOOD: [(&str, &str); 5] = [
        ("AWS_REGION", "eu-central-1"),
        ("LEDGER_TABLE", "ledger"),
        ("MODE", "observe"),
        ("SERVICE_SCOPE", "all"),
        ("LAMBDA_TASK_ROOT", "/var/task"),
    ];

    #[test]
    fn nothing_that_security_rests_on_has_a_default() {
        let ConfigErrors(problems) = read(&[]).expect_err("no settings");
        for name in ["AWS_REGION", "LEDGER_TABLE", "MODE", "SERVICE_SCOPE"] {
            assert!(problems.iter().any(|problem| problem.starts_with(name)), "{name} must be asked for: {problems:?}");
        }
    }

    #[test]
    fn every_problem_is_named_at_once() {
        let bad = [("AWS_REGION", "nowhere"), ("MODE", "on"), ("SERVICE_SCOPE", "vpce-1"), ("LEDGER_TTL_DAYS", "0"), ("LEDGER_TABLE", " ")];
        assert_eq!(read(&bad).expect_err("all bad").0.len(), 5);
    }

    #[test]
    fn the_policy_lies_beside_the_function_unless_told_otherwise() {
        let config = read(&GOOD).expect("good settings");
        assert_eq!(
            (config.policy_uri, config.retention),
            (PolicyUri::Folder(PathBuf::from("/var/task/policies")), SignedDuration::from_hours(9_600))
        );
    }

    #[test]
    fn the_audit_s_settings_are_asked_for_or_have_their_defaults() {
        let audit = |pairs: &[(&str, &str)]| {
            let map: BTreeMap<String, String> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            AuditConfig::read(&|name| map.get(name).cloned())
        };
        let ConfigErrors(problems) = audit(&[("WAITING_HOURS", "soon"), ("UNUSED_DAYS", "0")]).expect_err("hardly any settings");
        for name in [
            "AWS_REGION",
            "LEDGER_TABLE",
            "REPORT_BUCKET",
            "MODE",
            "SERVICE_SCOPE",
            "CONNECTIONS_TOPIC_ARN",
            "WAITING_HOURS",
            "UNUSED_DAYS",
        ] {
            assert!(problems.iter().any(|problem| problem.starts_with(name)), "{name}: {problems:?}");
        }
        let more = [
            ("REPORT_BUCKET", "reports"),
            ("CONNECTIONS_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:connections"),
            ("EXPIRING_DAYS", "7"),
        ];
        let thresholds = audit(&[&GOOD[..], &more].concat()).expect("good settings").thresholds;
        assert_eq!(
            (thresholds.waiting_after, thresholds.unused_after),
            (SignedDuration::from_hours(24), SignedDuration::from_hours(90 * 24))
        );
        assert_eq!(thresholds.expiring_within, SignedDuration::from_hours(7 * 24));
    }
}
