//! What `notify` is told.

use crate::config::settings::{ConfigErrors, Reader};
use crate::{
    ledger::open_finding::Owner,
    model::ids::{AccountId, TopicArn},
};

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
    use super::*;

    #[test]
    fn a_topic_prefix_never_ends_before_the_account_does() {
        for text in ["", "arn:aws:sns:us-east-1:", "arn:aws:sns:us-east-1:123456789012", "arn:aws:sqs:us-east-1:123456789012:x"] {
            assert!(topic_prefix(text).is_err(), "{text}");
        }
        assert!(topic_prefix("arn:aws:sns:us-east-1:123456789012:warden-").is_ok());
    }
}
