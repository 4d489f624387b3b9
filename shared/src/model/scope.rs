//! The scope of a deployment.

use std::{collections::BTreeSet, fmt, str::FromStr};

use crate::model::{ids::ServiceId, service::Service};

/// The endpoint services of the account for which the warden decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    All,
    /// The listed ones.
    Services(BTreeSet<ServiceId>),
    /// Those with a tag.
    Tag {
        /// The tag's key.
        key: String,
        /// The tag's value, compared as a whole.
        value: String,
    },
}

impl FromStr for Scope {
    type Err = String;

    /// Parses `all`, service ids separated by commas, or `tag:KEY=VALUE`.
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::All);
        }
        if let Some(tag) = text.strip_prefix("tag:") {
            let (key, value) =
                tag.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or_else(|| format!("`{text}` does not name a tag"))?;
            return Ok(Self::Tag { key: key.to_owned(), value: value.to_owned() });
        }
        let ids = text.split(',').map(|id| id.trim().parse::<ServiceId>()).collect::<Result<_, _>>();
        ids.map(Self::Services).map_err(|error| error.to_string())
    }
}

/// Writes the form that [`Scope::from_str`] parses.
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
    /// Returns true if the service is in the scope.
    #[must_use]
    pub fn covers(&self, service: &Service) -> bool {
        match self {
            Self::All => true,
            Self::Services(ids) => ids.contains(&service.id),
            Self::Tag { key, value } => service.tags.get(key) == Some(value),
        }
    }
}
