//! The settings of `notify`.

use crate::{
    config::settings::{ConfigErrors, Reader},
    model::ids::{AccountId, Region, TopicArn},
};

/// The settings of `notify`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotifyConfig {
    /// `LEDGER_TABLE`.
    pub ledger_table: String,
    /// `UNTOLD_QUEUE_URL`: the queue of records that cannot be told.
    pub untold_queue_url: String,
    /// `OWNER_TOPIC_ARN`: the topic of a service whose tag names none.
    pub default_topic: TopicArn,
    /// `OWNER_TOPIC_PREFIX`: the prefix of topics that a service's tag may name.
    pub topic_prefix: String,
    /// `EVENT_BUS`: the bus that events for programs are put on. `None`: there are no events.
    pub event_bus: Option<String>,
    /// `AWS_REGION`.
    pub region: Region,
    /// `POLICY_HOME`: the place where the policy set is edited, for people.
    pub policy_home: String,
}

impl NotifyConfig {
    /// Reads the settings.
    ///
    /// # Errors
    /// A setting is missing or wrong.
    pub fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        let mut read = Reader::new(lookup);
        let ledger_table = read.ledger_table();
        let untold_queue_url = read.text("UNTOLD_QUEUE_URL", "give the URL of the queue of untold records");
        let default_topic = read.required("OWNER_TOPIC_ARN", "name the owners' default topic", str::parse);
        let topic_prefix =
            read.required("OWNER_TOPIC_PREFIX", "give the prefix of the topic ARNs that a service's tag may name", topic_prefix);
        let event_bus = read.optional("EVENT_BUS");
        let region = read.region();
        let policy_home = read.optional("POLICY_HOME").unwrap_or_else(|| "the policy set of this stack".to_owned());
        read.finish(|| {
            Some(Self {
                ledger_table: ledger_table?,
                untold_queue_url: untold_queue_url?,
                default_topic: default_topic?,
                topic_prefix: topic_prefix?,
                event_bus,
                region: region?,
                policy_home,
            })
        })
    }

    /// Returns the topic that a service's tag names, if it is one that a tag may name.
    #[must_use]
    pub fn tagged_topic(&self, tag: &str) -> Option<TopicArn> {
        tag.starts_with(&self.topic_prefix).then(|| tag.parse().ok()).flatten()
    }
}

/// Checks that a prefix covers a whole account id. A shorter one would allow topics of other accounts.
fn topic_prefix(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, "sns", _, account, _] if account.parse::<AccountId>().is_ok() => Ok(text.to_owned()),
        _ => Err(format!("`{text}` does not include the account id of a topic's ARN")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topic_prefix_covers_the_account() {
        for text in ["", "arn:aws:sns:us-east-1:", "arn:aws:sns:us-east-1:123456789012", "arn:aws:sqs:us-east-1:123456789012:x"] {
            assert!(topic_prefix(text).is_err(), "{text}");
        }
        assert!(topic_prefix("arn:aws:sns:us-east-1:123456789012:warden-").is_ok());
    }
}
