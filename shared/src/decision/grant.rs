//! A person's grant: one subject, or one account, may connect to one service, for a reason and until an optional end.
//!
//! A grantee has at most one grant on a service. A later one takes its place; the history keeps both.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{
    connection::Connection,
    ids::{AccountId, ServiceId},
    subject::Subject,
};

/// The version of [`Grant`]'s shape. A reader refuses what is newer than itself.
///
/// 1: no `ended`; the subject is called `endpoint`.
pub const SCHEMA_VERSION: u32 = 2;

/// What a person granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The schema version at the time of writing.
    pub schema: u32,
    /// The service.
    pub service: ServiceId,
    /// The grantee.
    pub to: Grantee,
    /// The person, as AWS names them.
    pub by: String,
    /// The reason.
    pub reason: String,
    /// When it was granted.
    pub at: Timestamp,
    /// When it ends, if it does.
    pub until: Option<Timestamp>,
    /// Who ended it before that, if a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ending>,
}

/// The end of a grant by a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// The person.
    pub by: String,
    /// The reason.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// The subject, or the account, that a grant is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grantee {
    /// One subject.
    #[serde(alias = "endpoint")]
    Subject(Subject),
    /// Every subject of an account.
    Account(AccountId),
}

impl Grantee {
    /// The id of the subject or of the account.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Subject(subject) => subject.as_str(),
            Self::Account(account) => account.as_str(),
        }
    }
}

/// The id of a grant, `SERVICE/GRANTEE`: a grantee has at most one grant on a service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GrantId {
    /// The service.
    pub service: ServiceId,
    /// The grantee.
    pub to: Grantee,
}

/// A text that is not the id of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the id of a grant: a service and an endpoint or account, such as vpce-svc-0123456789abcdef0/111122223333")]
pub struct GrantIdError;

impl FromStr for GrantId {
    type Err = GrantIdError;

    fn from_str(text: &str) -> Result<Self, GrantIdError> {
        let (service, to) = text.split_once('/').ok_or(GrantIdError)?;
        let subject = to.parse().map(Grantee::Subject);
        let to = subject.or_else(|_| to.parse().map(Grantee::Account)).map_err(|_| GrantIdError)?;
        Ok(Self { service: service.parse().map_err(|_| GrantIdError)?, to })
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.service, self.to.as_str())
    }
}

impl Grant {
    /// Returns the id of the grant.
    #[must_use]
    pub fn id(&self) -> GrantId {
        GrantId { service: self.service.clone(), to: self.to.clone() }
    }

    /// Returns true if the grant is about this connection, ended or not.
    #[must_use]
    pub fn applies_to(&self, connection: &Connection) -> bool {
        self.service == connection.service
            && match &self.to {
                Grantee::Subject(subject) => *subject == connection.subject,
                Grantee::Account(account) => connection.owner.as_ref() == Some(account),
            }
    }

    /// Returns true if the grant is about this connection, or can be: EC2 may leave the account out.
    #[must_use]
    pub fn may_apply_to(&self, connection: &Connection) -> bool {
        let is_unknown = connection.owner.is_none() && self.service == connection.service && matches!(self.to, Grantee::Account(_));
        is_unknown || self.applies_to(connection)
    }

    /// The grant that covers a connection now: of several, the one that ends last. The one rule for pending requests and
    /// for live connections.
    #[must_use]
    pub fn covering<'a>(grants: &'a [Self], connection: &Connection, now: Timestamp) -> Option<&'a Self> {
        let holding = grants.iter().filter(|grant| grant.applies_to(connection) && grant.holds(now));
        holding.max_by(|a, b| a.cmp_end(b))
    }

    /// When the grant ends or ended; `None` if it has no end.
    #[must_use]
    pub fn end(&self) -> Option<Timestamp> {
        let ended = self.ended.as_ref().map(|ended| ended.at);
        ended.into_iter().chain(self.until).min()
    }

    /// Orders grants by their ends; one without an end is the longest.
    pub(crate) fn cmp_end(&self, other: &Self) -> std::cmp::Ordering {
        self.end().is_none().cmp(&other.end().is_none()).then(self.end().cmp(&other.end())).then(self.at.cmp(&other.at))
    }

    /// Returns true if the grant has not ended.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.end().is_none_or(|end| now < end)
    }
}
