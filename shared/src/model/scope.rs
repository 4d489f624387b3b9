//! The scope of a deployment: the endpoint services it answers for.

use std::{collections::BTreeSet, fmt, str::FromStr};

use crate::model::{ids::ServiceId, service::Service};

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

impl FromStr for Scope {
    type Err = String;

    /// Reads `all`, ids with commas between, or `tag:KEY=VALUE`.
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::All);
        }
        if let Some(tag) = text.strip_prefix("tag:") {
            let (key, value) = tag.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or_else(|| format!("`{text}` names no tag"))?;
            return Ok(Self::Tag { key: key.to_owned(), value: value.to_owned() });
        }
        let ids = text.split(',').map(|id| id.trim().parse::<ServiceId>()).collect::<Result<_, _>>();
        ids.map(Self::Services).map_err(|error| error.to_string())
    }
}

/// As it is written.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Services(ids) => f.write_str(&ids.iter().map(ServiceId::as_str).collect::<Vec<_>>().join(",")),
            Self::Tag { key, value } => write!(f, "tag:{key}={value}"),
        }
    }
}

impl Scope {
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
