//! Ids and names of AWS resources, parsed once at the edge.
//!
//! Ids are compared as a whole. No code of this crate compares them by prefix or substring.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::model::partition::Partition;

/// A text that is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {what}; expected {expected}")]
pub struct IdError {
    text: String,
    what: &'static str,
    expected: &'static str,
}

impl IdError {
    pub(super) fn new(text: &str, what: &'static str, expected: &'static str) -> Self {
        Self { text: clip(text), what, expected }
    }
}

/// Declares an id: a string that is checked when it is parsed or deserialized.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $expected:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Returns the id as AWS writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    return Ok(Self(text.to_owned()));
                }
                Err(IdError::new(text, $what, $expected))
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// An AWS account: exactly twelve ASCII digits.
    AccountId, "an account id", "twelve digits", |text| {
        text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
    }
);
id!(
    /// An endpoint service, `vpce-svc-…`.
    ServiceId, "an endpoint service id", "`vpce-svc-` and 8 to 17 hexadecimal digits", |text| {
        text.strip_prefix("vpce-svc-").is_some_and(is_resource_hex)
    }
);
id!(
    /// A VPC endpoint, `vpce-…`.
    EndpointId, "a VPC endpoint id", "`vpce-` and 8 to 17 hexadecimal digits", |text| {
        text.strip_prefix("vpce-").is_some_and(is_resource_hex)
    }
);
id!(
    /// A transit gateway attachment, `tgw-attach-…`.
    AttachmentId, "a transit gateway attachment id", "`tgw-attach-` and 8 to 17 hexadecimal digits", |text| {
        text.strip_prefix("tgw-attach-").is_some_and(is_resource_hex)
    }
);
id!(
    /// An AWS Region such as `eu-central-1`.
    Region, "a Region", "a name such as `eu-central-1`", is_region
);
id!(
    /// The ARN of an IAM role, with its path: `arn:aws:iam::111122223333:role/team/deployer`.
    RoleArn, "an IAM role ARN", "`arn:PARTITION:iam::ACCOUNT:role/NAME`", |text| {
        role_account(text).is_some()
    }
);
id!(
    /// The ARN of an SNS topic.
    TopicArn, "an SNS topic ARN", "`arn:PARTITION:sns:REGION:ACCOUNT:NAME`", is_topic
);

impl TopicArn {
    /// Returns the account of the topic.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        self.as_str().split(':').nth(4)?.parse().ok()
    }
}

impl Region {
    /// Returns the partition of the Region.
    #[must_use]
    pub fn partition(&self) -> Partition {
        Partition::of(self.as_str())
    }
}

impl RoleArn {
    /// Returns the account of the role.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        role_account(&self.0)
    }
}

/// The full name of an endpoint service: `com.amazonaws.vpce.REGION.vpce-svc-…`. Other partitions have another beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceName {
    /// The Region of the service.
    pub region: Region,
    /// The endpoint service.
    pub service: ServiceId,
}

impl FromStr for ServiceName {
    type Err = IdError;

    /// Parses the name, whose beginning must be one of the Region's partition.
    fn from_str(text: &str) -> Result<Self, IdError> {
        let parts = text.split_once(".vpce.").and_then(|(prefix, rest)| Some((prefix, rest.split_once('.')?)));
        parts
            .and_then(|(prefix, (region, id))| {
                let region: Region = region.parse().ok()?;
                let known = region.partition().service_name_prefixes().contains(&prefix);
                known.then(|| id.parse().ok()).flatten().map(|service| Self { region, service })
            })
            .ok_or_else(|| IdError::new(text, "the name of an endpoint service", "`com.amazonaws.vpce.REGION.vpce-svc-…`"))
    }
}

/// Cuts a text for an error message.
fn clip(text: &str) -> String {
    text.chars().take(80).collect()
}

fn is_resource_hex(text: &str) -> bool {
    (8..=17).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_region(text: &str) -> bool {
    let mut parts = text.rsplit('-');
    let number = parts.next().is_some_and(|n| !n.is_empty() && n.len() <= 2 && n.bytes().all(|b| b.is_ascii_digit()));
    let words: Vec<&str> = parts.collect();
    number
        && (2..=3).contains(&words.len())
        && words.iter().all(|w| (2..=12).contains(&w.len()) && w.bytes().all(|b| b.is_ascii_lowercase()))
}

/// IAM's limit for an ARN. Records hold the role, so its length must be bounded.
const ROLE_ARN_CHARACTERS_MAX: usize = 2048;

fn role_account(text: &str) -> Option<AccountId> {
    if text.len() > ROLE_ARN_CHARACTERS_MAX {
        return None;
    }
    let (partition, rest) = text.strip_prefix("arn:")?.split_once(':')?;
    let (account, role) = rest.strip_prefix("iam::")?.split_once(':')?;
    let name = role.strip_prefix("role/")?;
    // The characters that IAM allows in paths and names.
    let clean = |b: u8| b.is_ascii_alphanumeric() || b"/+=,.@_-".contains(&b);
    let named = !name.is_empty() && !name.ends_with('/') && name.bytes().all(clean);
    (is_partition(partition) && named).then(|| account.parse().ok()).flatten()
}

fn is_topic(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let [arn, partition, sns, region, account, name] = parts.as_slice() else {
        return false;
    };
    let clean = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    *arn == "arn"
        && is_partition(partition)
        && *sns == "sns"
        && is_region(region)
        && account.parse::<AccountId>().is_ok()
        && (1..=256).contains(&name.len())
        && name.bytes().all(clean)
}

fn is_partition(text: &str) -> bool {
    text == "aws" || text.strip_prefix("aws-").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: FromStr>(good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(text.parse::<T>().is_ok(), "{text} must parse");
        }
        for text in bad {
            assert!(text.parse::<T>().is_err(), "{text} must not parse");
        }
    }

    #[test]
    fn accounts_have_twelve_ascii_digits() {
        check::<AccountId>(
            &["000000000000", "111122223333"],
            &["", "11112222333", "1111222233334", "11112222333a", "١١١١٢٢٢٢٣٣٣٣", " 11112222333", "arn:aws:iam::111122223333:root"],
        );
    }

    #[test]
    fn endpoint_and_service_ids_differ() {
        check::<EndpointId>(
            &["vpce-0c1308d7312217abc", "vpce-12345678"],
            &[
                "vpce-svc-03d5ebb7d9579a2b3",
                "vpce-con-0123456789abcdef0",
                "vpce-0C1308D7312217ABC",
                "vpce-1234567",
                "vpce-0c1308d7312217abcd1",
                "vрce-0c1308d7312217abc",
            ],
        );
        check::<ServiceId>(&["vpce-svc-03d5ebb7d9579a2b3"], &["vpce-svc-", "vpce-03d5ebb7d9579a2b3", "vpce-svc-03d5ebb7d9579a2b3 "]);
    }

    #[test]
    fn regions_are_checked() {
        check::<Region>(
            &["us-east-1", "ap-southeast-2", "us-gov-west-1", "cn-north-1", "us-isob-east-1"],
            &["", "us", "us-east", "US-EAST-1", "us-east-1a", "1-us-east"],
        );
    }

    #[test]
    fn sessions_are_not_roles() {
        check::<RoleArn>(
            &[
                "arn:aws:iam::111122223333:role/team/deployer",
                "arn:aws-cn:iam::111122223333:role/x",
                "arn:aws-us-gov:iam::111122223333:role/x",
            ],
            &[
                "arn:awsome:iam::111122223333:role/x",
                "arn:aws-CN:iam::111122223333:role/x",
                "arn::iam::111122223333:role/x",
                "arn:aws:sts::111122223333:assumed-role/deployer/ci",
                "arn:aws:iam::111122223333:user/x",
                "arn:aws:iam::111122223333:role/",
                "arn:aws:iam::1:role/x",
                "arn:aws:iam::111122223333:role/a b",
            ],
        );
    }

    #[test]
    fn topics_are_checked() {
        check::<TopicArn>(
            &["arn:aws:sns:us-east-1:123456789012:owners"],
            &["arn:aws:sqs:us-east-1:123456789012:owners", "arn:aws:sns:us-east-1:123456789012:a:b", "arn:aws:sns:us-east-1:123456789012:"],
        );
    }
}
