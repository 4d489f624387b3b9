//! The subject of a connection request.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::model::ids::{AttachmentId, EndpointId, IdError};

/// The consumer's resource for which a connection is requested.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Subject {
    /// A VPC endpoint.
    Endpoint(EndpointId),
    /// A transit gateway attachment. A connection that also names an endpoint is about its attachment: AWS documents the
    /// attachment's id for the acts, and an attachment may have an endpoint in each Availability Zone.
    Attachment(AttachmentId),
}

/// What requests a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SubjectKind {
    /// A VPC endpoint.
    #[default]
    #[serde(rename = "vpc-endpoint")]
    Endpoint,
    /// A transit gateway attachment.
    #[serde(rename = "transit-gateway-attachment")]
    Attachment,
}

impl SubjectKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Endpoint, Self::Attachment];

    /// Returns the kind as policies read it, which is EC2's `PermissionType` for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Endpoint => "vpc-endpoint",
            Self::Attachment => "transit-gateway-attachment",
        }
    }

    /// Returns true for endpoints, whose permissions EC2 takes for the default.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::Endpoint
    }

    /// Returns the word for it in sentences.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Endpoint => "endpoint",
            Self::Attachment => "attachment",
        }
    }
}

impl Subject {
    /// Returns the id as AWS writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Endpoint(id) => id.as_str(),
            Self::Attachment(id) => id.as_str(),
        }
    }

    /// Returns the kind.
    #[must_use]
    pub fn kind(&self) -> SubjectKind {
        match self {
            Self::Endpoint(_) => SubjectKind::Endpoint,
            Self::Attachment(_) => SubjectKind::Attachment,
        }
    }

    /// Returns the name of EC2's filter for connections of one subject.
    #[must_use]
    pub fn filter_name(&self) -> &'static str {
        match self {
            Self::Endpoint(_) => "vpc-endpoint-id",
            Self::Attachment(_) => "transit-gateway-attachment-id",
        }
    }

    /// Returns the VPC endpoint, if the subject is one.
    #[must_use]
    pub fn endpoint(&self) -> Option<&EndpointId> {
        match self {
            Self::Endpoint(id) => Some(id),
            Self::Attachment(_) => None,
        }
    }

    /// Returns the transit gateway attachment, if the subject is one.
    #[must_use]
    pub fn attachment(&self) -> Option<&AttachmentId> {
        match self {
            Self::Endpoint(_) => None,
            Self::Attachment(id) => Some(id),
        }
    }
}

impl FromStr for Subject {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let endpoint = text.parse().map(Self::Endpoint);
        endpoint.or_else(|_: IdError| text.parse().map(Self::Attachment)).map_err(|_: IdError| {
            const EXPECTED: &str = "`vpce-` or `tgw-attach-`, and 8 to 17 hexadecimal digits";
            IdError::new(text, "the id of a VPC endpoint or a transit gateway attachment", EXPECTED)
        })
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

impl From<AttachmentId> for Subject {
    fn from(id: AttachmentId) -> Self {
        Self::Attachment(id)
    }
}

impl FromStr for SubjectKind {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let kind = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        kind.ok_or_else(|| IdError::new(text, "a permission type", "`vpc-endpoint` or `transit-gateway-attachment`"))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
