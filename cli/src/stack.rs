//! The settings of a deployed stack, which take the place of options that are not given.

use jiff::SignedDuration;
use warden::{
    aws::{
        SdkConfig,
        stack::{self, Stack},
    },
    model::{ids::TopicArn, mode::Mode, organization::OrganizationAccess, scope::Scope},
    policy::PolicyUri,
};

use crate::error::CliError;

/// The stack's name in the documents.
pub(crate) const DEFAULT_NAME: &str = "privatelink-warden";

/// The outputs and parameters of a stack that commands need.
#[derive(Debug, Clone)]
pub(crate) struct StackSettings {
    pub(crate) name: String,
    pub(crate) ledger: String,
    pub(crate) scope: Scope,
    pub(crate) organization: OrganizationAccess,
    /// Absent if the set is in the functions' package.
    pub(crate) policies: Option<PolicyUri>,
    pub(crate) topic: TopicArn,
    pub(crate) owners_topic: TopicArn,
    pub(crate) mode: Mode,
    pub(crate) overdue_after: SignedDuration,
    pub(crate) waiting_after: SignedDuration,
    pub(crate) expiring_within: SignedDuration,
    pub(crate) unused_after: SignedDuration,
    pub(crate) retention: SignedDuration,
    pub(crate) parts: Parts,
}

/// The parts of a stack that `doctor` and `smoke` look at.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    pub(crate) approve: String,
    pub(crate) notify: String,
    pub(crate) audit: String,
    /// The URL of the queue, as those below.
    pub(crate) requests: String,
    pub(crate) dead_letters: String,
    pub(crate) audit_failures: String,
    pub(crate) untold_records: String,
    pub(crate) bus: String,
    pub(crate) architecture: String,
    /// The organization that may forward events, if there is one.
    pub(crate) forwarder: Option<String>,
}

impl StackSettings {
    pub(crate) async fn read(config: &SdkConfig, name: &str) -> Result<Self, CliError> {
        let missing =
            || CliError::Usage(format!("there is no stack `{name}` in this account and Region: check --stack, --region and --profile"));
        Self::of(name, &stack::read(config, name).await?.ok_or_else(missing)?).map_err(CliError::Usage)
    }

    fn of(name: &str, stack: &Stack) -> Result<Self, String> {
        let output = |key| Value::of(name, key, stack.outputs.get(key));
        let parameter = |key| Value::of(name, key, stack.parameters.get(key));
        let hours = SignedDuration::from_hours;
        Ok(Self {
            name: name.to_owned(),
            ledger: output("LedgerName").parse()?,
            scope: parameter("ServiceScope").parse()?,
            organization: parameter("OrganizationAccess").parse()?,
            policies: parameter("PolicyUri").if_any().map(|uri| uri.parse()).transpose()?,
            topic: output("ConnectionsTopicArn").parse()?,
            owners_topic: output("OwnersTopicArn").parse()?,
            mode: parameter("Mode").parse()?,
            overdue_after: SignedDuration::from_mins(parameter("OverdueMinutes").parse()?),
            waiting_after: hours(parameter("WaitingHours").parse()?),
            expiring_within: hours(24) * parameter("ExpiringDays").parse()?,
            unused_after: hours(24) * parameter("UnusedDays").parse()?,
            retention: hours(24) * parameter("LedgerRetentionDays").parse()?,
            parts: Parts {
                approve: output("ApproveFunction").parse()?,
                notify: output("NotifyFunction").parse()?,
                audit: output("AuditFunction").parse()?,
                requests: output("RequestsUrl").parse()?,
                dead_letters: output("DeadLettersUrl").parse()?,
                audit_failures: output("AuditFailuresUrl").parse()?,
                untold_records: output("UntoldRecordsUrl").parse()?,
                bus: output("ForwardedEventsBusArn").parse()?,
                architecture: parameter("Architecture").parse()?,
                forwarder: parameter("ForwarderOrganizationId").if_any().map(Value::parse).transpose()?,
            },
        })
    }
}

/// One output or parameter.
#[derive(Clone, Copy)]
struct Value<'a> {
    stack: &'a str,
    key: &'a str,
    text: Option<&'a str>,
}

impl<'a> Value<'a> {
    fn of(stack: &'a str, key: &'a str, text: Option<&'a String>) -> Self {
        Self { stack, key, text: text.map(String::as_str) }
    }

    /// The value, unless it is empty.
    fn if_any(self) -> Option<Self> {
        self.text.is_some_and(|text| !text.is_empty()).then_some(self)
    }

    fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(self) -> Result<T, String> {
        let Self { stack, key, text } = self;
        let text =
            text.ok_or_else(|| format!("stack `{stack}` has no `{key}`: it is not a stack of this version of privatelink-warden"))?;
        text.parse().map_err(|error| format!("`{key}` of stack `{stack}`: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUTS: [(&str, &str); 11] = [
        ("LedgerName", "warden-Ledger"),
        ("ConnectionsTopicArn", "arn:aws:sns:us-east-1:123456789012:warden-connections"),
        ("OwnersTopicArn", "arn:aws:sns:us-east-1:123456789012:warden-owners"),
        ("ApproveFunction", "warden-Approve"),
        ("NotifyFunction", "warden-Notify"),
        ("AuditFunction", "warden-Audit"),
        ("RequestsUrl", "https://sqs.us-east-1.amazonaws.com/123456789012/requests"),
        ("DeadLettersUrl", "https://sqs.us-east-1.amazonaws.com/123456789012/dead-letters"),
        ("AuditFailuresUrl", "https://sqs.us-east-1.amazonaws.com/123456789012/audit-failures"),
        ("UntoldRecordsUrl", "https://sqs.us-east-1.amazonaws.com/123456789012/untold"),
        ("ForwardedEventsBusArn", "arn:aws:events:us-east-1:123456789012:event-bus/warden"),
    ];
    const PARAMETERS: [(&str, &str); 11] = [
        ("ServiceScope", "tag:team=cache"),
        ("Mode", "observe"),
        ("PolicyUri", ""),
        ("OrganizationAccess", "direct"),
        ("OverdueMinutes", "20"),
        ("WaitingHours", "24"),
        ("ExpiringDays", "14"),
        ("UnusedDays", "90"),
        ("LedgerRetentionDays", "30"),
        ("Architecture", "arm64"),
        ("ForwarderOrganizationId", ""),
    ];

    fn stack() -> Stack {
        let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Stack { outputs: map(&OUTPUTS), parameters: map(&PARAMETERS) }
    }

    #[test]
    fn settings_are_outputs_and_parameters() {
        let settings = StackSettings::of("warden", &stack()).unwrap();
        assert_eq!((settings.ledger.as_str(), settings.mode, settings.policies), ("warden-Ledger", Mode::Observe, None));
        assert_eq!((settings.scope.to_string().as_str(), settings.organization), ("tag:team=cache", OrganizationAccess::Direct));
        assert_eq!((settings.parts.architecture.as_str(), settings.parts.forwarder), ("arm64", None));
        assert_eq!((settings.overdue_after, settings.retention), (SignedDuration::from_mins(20), SignedDuration::from_hours(720)));
        let mut in_s3 = stack();
        in_s3.parameters.insert("PolicyUri".to_owned(), "s3://sets/one.json".to_owned());
        assert_eq!(StackSettings::of("warden", &in_s3).unwrap().policies.unwrap().to_string(), "s3://sets/one.json");
    }

    #[test]
    fn stack_of_another_product_is_refused() {
        let mut other = stack();
        other.parameters.remove("Mode");
        let problem = StackSettings::of("shop", &other).unwrap_err();
        assert!(problem.contains("`shop` has no `Mode`") && problem.contains("privatelink-warden"), "{problem}");
    }
}
