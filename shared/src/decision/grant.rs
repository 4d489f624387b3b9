//! A person's grant: one endpoint, or one account, may connect to one service, for a reason and until an optional end.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{
    connection::Connection,
    ids::{AccountId, EndpointId, ServiceId},
};

/// What a person granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The schema version at the time of writing.
    pub schema: u32,
    /// The service.
    pub service: ServiceId,
    /// To whom.
    pub to: Grantee,
    /// The person, as STS names them.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When it was granted.
    pub at: Timestamp,
    /// When it ends, if it does.
    pub until: Option<Timestamp>,
}

/// To whom something was granted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grantee {
    /// One endpoint.
    Endpoint(EndpointId),
    /// Every endpoint of an account.
    Account(AccountId),
}

impl Grant {
    /// Whether it speaks of this connection, ended or not.
    #[must_use]
    pub fn speaks_of(&self, connection: &Connection) -> bool {
        self.service == connection.service
            && match &self.to {
                Grantee::Endpoint(endpoint) => *endpoint == connection.endpoint,
                Grantee::Account(account) => connection.owner.as_ref() == Some(account),
            }
    }

    /// Of the grants that speak of a connection and hold, the one that holds longest. The one rule for what a person
    /// decided, for requests that wait and for connections that are live.
    #[must_use]
    pub fn covering<'a>(grants: &'a [Self], connection: &Connection, now: Timestamp) -> Option<&'a Self> {
        let holding = grants.iter().filter(|grant| grant.speaks_of(connection) && grant.holds(now));
        holding.max_by(|a, b| a.longer(b))
    }

    /// Orders by how long they hold; one without an end holds for ever.
    pub(crate) fn longer(&self, other: &Self) -> std::cmp::Ordering {
        self.until.is_none().cmp(&other.until.is_none()).then(self.until.cmp(&other.until)).then(self.at.cmp(&other.at))
    }

    /// Whether it holds at a moment.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}
