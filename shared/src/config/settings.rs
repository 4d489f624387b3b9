//! Reads settings through a lookup, and collects every problem.

use std::{fmt, path::PathBuf};

use jiff::SignedDuration;

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
pub(super) struct Reader<'a> {
    pub(super) lookup: &'a dyn Fn(&str) -> Option<String>,
    pub(super) problems: Vec<String>,
}

impl Reader<'_> {
    pub(super) fn optional(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.trim().is_empty())
    }

    pub(super) fn required<T, E: fmt::Display>(&mut self, name: &str, what: &str, parse: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        let Some(text) = self.optional(name) else {
            self.problems.push(format!("{name} is not set: {what}"));
            return None;
        };
        parse(text.trim()).map_err(|error| self.problems.push(format!("{name}: {error}; {what}"))).ok()
    }

    pub(super) fn retention(&mut self) -> SignedDuration {
        self.days("LEDGER_TTL_DAYS", 400)
    }

    pub(super) fn days(&mut self, name: &str, default: i64) -> SignedDuration {
        SignedDuration::from_hours(self.count(name, "days", default, 36_500) * 24)
    }

    pub(super) fn count(&mut self, name: &str, unit: &str, default: i64, max: i64) -> i64 {
        match self.optional(name).map_or(Ok(default), |text| text.trim().parse()) {
            Ok(count) if (1..=max).contains(&count) => count,
            _ => {
                self.problems.push(format!("{name}: set a number of {unit} from 1 to {max}"));
                0
            }
        }
    }

    pub(super) fn policy_uri(&mut self) -> Option<PolicyUri> {
        let Some(text) = self.optional("POLICY_URI") else {
            return Some(PolicyUri::Folder(PathBuf::from(self.optional("LAMBDA_TASK_ROOT").unwrap_or_default()).join("policies")));
        };
        text.trim().parse().map_err(|error| self.problems.push(format!("POLICY_URI: {error}"))).ok()
    }

    pub(super) fn organization(&mut self) -> Option<OrganizationAccess> {
        let text = self.optional("ORGANIZATION_ACCESS").unwrap_or_else(|| "none".to_owned());
        text.trim().parse().map_err(|error| self.problems.push(format!("ORGANIZATION_ACCESS: {error}"))).ok()
    }

    pub(super) fn function_version(&self) -> String {
        let version = self.optional("AWS_LAMBDA_FUNCTION_VERSION").unwrap_or_else(|| "local".to_owned());
        format!("{}/{version}", env!("CARGO_PKG_VERSION"))
    }
}
