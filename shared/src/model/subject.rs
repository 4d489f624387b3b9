//! The subject of a connection request.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::model::ids::{EndpointId, IdError};

/// The consumer's resource for which a connection is requested.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Subject {
    /// A VPC endpoint.
    Endpoint(EndpointId),
}

impl Subject {
    /// Returns the id as AWS writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Endpoint(id) => id.as_str(),
        }
    }

    /// Returns the VPC endpoint, if the subject is one.
    #[must_use]
    pub fn endpoint(&self) -> Option<&EndpointId> {
        match self {
            Self::Endpoint(id) => Some(id),
        }
    }
}

impl FromStr for Subject {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        text.parse().map(Self::Endpoint)
    }
}

impl TryFrom<String> for Subject {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.as_str().to_owned()
    }
}

impl From<EndpointId> for Subject {
    fn from(id: EndpointId) -> Self {
        Self::Endpoint(id)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
