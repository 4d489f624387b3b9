//! What an operator sets. Read through a lookup, so that tests pass a map, and with every problem named at once.
//! Nothing that security rests on has a default.

mod approve;

mod audit;

mod notify;

use std::{fmt, path::PathBuf};

use jiff::SignedDuration;

pub use self::{approve::ApproveConfig, audit::AuditConfig, notify::NotifyConfig};

use crate::{model::organization::OrganizationAccess, policy::PolicyUri};

/// Settings that cannot be used, each with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors(pub Vec<String>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the settings cannot be used:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

/// Reads settings and collects what is wrong with them.
struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn optional(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.trim().is_empty())
    }

    fn required<T, E: fmt::Display>(&mut self, name: &str, what: &str, parse: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        let Some(text) = self.optional(name) else {
            self.problems.push(format!("{name} is not set: {what}"));
            return None;
        };
        parse(text.trim()).map_err(|error| self.problems.push(format!("{name}: {error}; {what}"))).ok()
    }

    fn retention(&mut self) -> SignedDuration {
        self.days("LEDGER_TTL_DAYS", 400)
    }

    fn days(&mut self, name: &str, default: i64) -> SignedDuration {
        SignedDuration::from_hours(self.count(name, "days", default, 36_500) * 24)
    }

    fn count(&mut self, name: &str, unit: &str, default: i64, max: i64) -> i64 {
        match self.optional(name).map_or(Ok(default), |text| text.trim().parse()) {
            Ok(count) if (1..=max).contains(&count) => count,
            _ => {
                self.problems.push(format!("{name}: set a number of {unit} from 1 to {max}"));
                0
            }
        }
    }

    fn policy_uri(&mut self) -> Option<PolicyUri> {
        let Some(text) = self.optional("POLICY_URI") else {
            return Some(PolicyUri::Folder(PathBuf::from(self.optional("LAMBDA_TASK_ROOT").unwrap_or_default()).join("policies")));
        };
        text.trim().parse().map_err(|error| self.problems.push(format!("POLICY_URI: {error}"))).ok()
    }

    fn organization(&mut self) -> Option<OrganizationAccess> {
        let text = self.optional("ORGANIZATION_ACCESS").unwrap_or_else(|| "none".to_owned());
        text.trim().parse().map_err(|error| self.problems.push(format!("ORGANIZATION_ACCESS: {error}"))).ok()
    }

    fn function_version(&self) -> String {
        let version = self.optional("AWS_LAMBDA_FUNCTION_VERSION").unwrap_or_else(|| "local".to_owned());
        format!("{}/{version}", env!("CARGO_PKG_VERSION"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

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
        let terms = audit(&[&GOOD[..], &more].concat()).expect("good settings").terms;
        assert_eq!((terms.waiting_after, terms.unused_after), (SignedDuration::from_hours(24), SignedDuration::from_hours(90 * 24)));
        assert_eq!(terms.expiring_within, SignedDuration::from_hours(7 * 24));
    }
}
