//! What an operator sets. Read through a lookup, so that tests pass a map, and with every problem named at once.
//! Nothing that security rests on has a default.

use std::{collections::BTreeSet, fmt, path::PathBuf, str::FromStr};

use jiff::SignedDuration;

use crate::{
    connection::Service,
    finding::Terms,
    ids::{AccountId, Region, RoleArn, ServiceId, TopicArn},
    news::Owner,
};

/// Settings that cannot be used, each with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors(pub Vec<String>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the settings cannot be used:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

/// Whether the warden acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It judges, records and tells, and touches nothing.
    Observe,
    /// It accepts and rejects.
    Active,
}

/// Which of the account's endpoint services the warden answers for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Every one.
    All,
    /// These.
    Services(BTreeSet<ServiceId>),
    /// Those with this tag.
    Tag {
        /// The tag's key.
        key: String,
        /// Its value, matched whole.
        value: String,
    },
}

impl Scope {
    /// Reads `all`, ids with commas between, or `tag:KEY=VALUE`.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn parse(text: &str) -> Result<Self, String> {
        scope(text)
    }

    /// Whether a service is the warden's business.
    #[must_use]
    pub fn covers(&self, service: &Service) -> bool {
        match self {
            Self::All => true,
            Self::Services(ids) => ids.contains(&service.id),
            Self::Tag { key, value } => service.tags.get(key) == Some(value),
        }
    }
}

/// Where the policy set lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyUri {
    /// A folder.
    Folder(PathBuf),
    /// One object that holds the whole set.
    Object {
        /// Its bucket.
        bucket: String,
        /// Its key.
        key: String,
    },
    /// A prefix whose manifest names the files of the set.
    Prefix {
        /// Its bucket.
        bucket: String,
        /// The prefix, which ends in `/`.
        prefix: String,
    },
}

impl FromStr for PolicyUri {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some(rest) = text.strip_prefix("s3://") else {
            // `S3://` or `https://` is no folder, whatever the file system says.
            return match text.split_once("://") {
                Some(_) => Err(format!("`{text}` is neither a folder nor s3://BUCKET/KEY nor s3://BUCKET/PREFIX/")),
                None => Ok(Self::Folder(PathBuf::from(text))),
            };
        };
        match rest.split_once('/') {
            Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => {
                let (bucket, key) = (bucket.to_owned(), key.to_owned());
                Ok(if key.ends_with('/') { Self::Prefix { bucket, prefix: key } } else { Self::Object { bucket, key } })
            }
            _ => Err(format!("`{text}` names no object and no prefix: s3://BUCKET/KEY is one object, s3://BUCKET/PREFIX/ a prefix")),
        }
    }
}

impl fmt::Display for PolicyUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Object { bucket, key } => write!(f, "s3://{bucket}/{key}"),
            Self::Prefix { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

/// How Organizations can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrganizationAccess {
    /// Not at all: what depends on it waits.
    None,
    /// With the warden's own role: its account is the management account or a delegated administrator.
    Direct,
    /// Through a role in such an account.
    Role(RoleArn),
}

impl FromStr for OrganizationAccess {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            "direct" => Ok(Self::Direct),
            role => role.parse().map(Self::Role).map_err(|_| format!("`{text}` is neither `none` nor `direct` nor the ARN of a role")),
        }
    }
}

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

/// The settings of `notify`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotifyConfig {
    /// `OWNER_TOPIC_ARN`: who is told where a service names nobody.
    pub default_topic: TopicArn,
    /// `OWNER_TOPIC_PREFIX`: a service's tag may name a topic that begins with this, and no other.
    pub topic_prefix: String,
    /// `POLICY_HOME`: where the policy is edited, in words for people.
    pub policy_home: String,
}

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
    pub terms: Terms,
    /// The version of the warden and of its function.
    pub function_version: String,
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

impl ApproveConfig {
    /// Reads the settings.
    ///
    /// # Errors
    /// Names every setting that is missing or wrong.
    pub fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        let mut read = Reader { lookup, problems: Vec::new() };
        let region = read.required("AWS_REGION", "Lambda sets it", str::parse);
        let ledger_table = read.required("LEDGER_TABLE", "name the ledger's table", |text| Ok::<_, String>(text.to_owned()));
        let mode = read.required("MODE", "set `observe` or `active`", mode);
        let scope = read.required("SERVICE_SCOPE", "set `all`, service ids with commas between, or `tag:KEY=VALUE`", scope);
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
        let mode = read.required("MODE", "set `observe` or `active`", mode);
        let scope = read.required("SERVICE_SCOPE", "set `all`, service ids with commas between, or `tag:KEY=VALUE`", scope);
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
                let terms =
                    Terms { mode, topics: vec![topic], region, overdue_after, waiting_after, expiring_within, unused_after, retention };
                Ok(Self { ledger_table, report_bucket, scope, policy_uri, organization, terms, function_version })
            }
            _ => Err(ConfigErrors(read.problems)),
        }
    }
}

impl NotifyConfig {
    /// Reads the settings.
    ///
    /// # Errors
    /// Names every setting that is missing or wrong.
    pub fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        let mut read = Reader { lookup, problems: Vec::new() };
        let default_topic = read.required("OWNER_TOPIC_ARN", "name the topic of those who are told by default", str::parse);
        let topic_prefix =
            read.required("OWNER_TOPIC_PREFIX", "give the beginning of the topic ARNs a service's tag may name", topic_prefix);
        let policy_home = read.optional("POLICY_HOME").unwrap_or_else(|| "the folder `policies` of your warden's repository".to_owned());
        match (default_topic, topic_prefix) {
            (Some(default_topic), Some(topic_prefix)) => Ok(Self { default_topic, topic_prefix, policy_home }),
            _ => Err(ConfigErrors(read.problems)),
        }
    }

    /// The topic of an owner: the one a service's tag names, if such topics are allowed.
    #[must_use]
    pub fn topic_of(&self, owner: &Owner) -> TopicArn {
        let tagged = owner.as_ref().filter(|arn| arn.starts_with(&self.topic_prefix));
        tagged.and_then(|arn| arn.parse().ok()).unwrap_or_else(|| self.default_topic.clone())
    }
}

fn mode(text: &str) -> Result<Mode, String> {
    match text {
        "observe" => Ok(Mode::Observe),
        "active" => Ok(Mode::Active),
        _ => Err(format!("`{text}` is no mode")),
    }
}

fn scope(text: &str) -> Result<Scope, String> {
    if text == "all" {
        return Ok(Scope::All);
    }
    if let Some(tag) = text.strip_prefix("tag:") {
        let (key, value) = tag.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or_else(|| format!("`{text}` names no tag"))?;
        return Ok(Scope::Tag { key: key.to_owned(), value: value.to_owned() });
    }
    let ids = text.split(',').map(|id| id.trim().parse::<ServiceId>()).collect::<Result<_, _>>();
    ids.map(Scope::Services).map_err(|error| error.to_string())
}

/// A prefix that ends within the account would let a tag name a stranger's topic.
fn topic_prefix(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, "sns", _, account, _] if account.parse::<AccountId>().is_ok() => Ok(text.to_owned()),
        _ => Err(format!("`{text}` does not reach past the account id of a topic's ARN")),
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

    #[test]
    fn a_topic_prefix_never_ends_before_the_account_does() {
        for text in ["", "arn:aws:sns:us-east-1:", "arn:aws:sns:us-east-1:123456789012", "arn:aws:sqs:us-east-1:123456789012:x"] {
            assert!(topic_prefix(text).is_err(), "{text}");
        }
        assert!(topic_prefix("arn:aws:sns:us-east-1:123456789012:warden-").is_ok());
    }
}
