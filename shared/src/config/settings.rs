//! Reads settings through a lookup function, and collects their problems.

use std::{fmt, path::PathBuf};

use jiff::SignedDuration;

use crate::{
    model::{ids::Region, mode::Mode, organization::OrganizationAccess, scope::Scope},
    policy::PolicyUri,
};

/// The problems of the settings, each with its fix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors(pub Vec<String>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the settings cannot be used:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

/// Reads settings and collects their problems.
pub(super) struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    pub(super) problems: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, problems: Vec::new() }
    }

    /// Returns the configuration if no setting has a problem.
    pub(super) fn finish<T>(self, config: impl FnOnce() -> Option<T>) -> Result<T, ConfigErrors> {
        let config = if self.problems.is_empty() { config() } else { None };
        config.ok_or(ConfigErrors(self.problems))
    }

    pub(super) fn optional(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.trim().is_empty())
    }

    pub(super) fn required<T, E: fmt::Display>(&mut self, name: &str, fix: &str, parse: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        let Some(text) = self.optional(name) else {
            self.problems.push(format!("{name} is not set: {fix}"));
            return None;
        };
        parse(text.trim()).map_err(|error| self.problems.push(format!("{name}: {error}; {fix}"))).ok()
    }

    pub(super) fn text(&mut self, name: &str, fix: &str) -> Option<String> {
        self.required(name, fix, |text| Ok::<_, String>(text.to_owned()))
    }

    pub(super) fn region(&mut self) -> Option<Region> {
        self.required("AWS_REGION", "Lambda sets it", str::parse)
    }

    pub(super) fn ledger_table(&mut self) -> Option<String> {
        self.text("LEDGER_TABLE", "name the ledger's table")
    }

    pub(super) fn mode(&mut self) -> Option<Mode> {
        self.required("MODE", "set `observe` or `active`", str::parse)
    }

    pub(super) fn scope(&mut self) -> Option<Scope> {
        self.required("SERVICE_SCOPE", "set `all`, service ids separated by commas, or `tag:KEY=VALUE`", str::parse)
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
        let beside = || PolicyUri::Folder(PathBuf::from(self.optional("LAMBDA_TASK_ROOT").unwrap_or_default()).join("policies"));
        let Some(text) = self.optional("POLICY_URI") else { return Some(beside()) };
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
