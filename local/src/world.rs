//! Accounts, endpoint services, permissions, connections and notifications as EC2 keeps them. No I/O and no clock:
//! time is told to it. States and errors are spelled as the wire spells them.

mod connections;
mod endpoints;
mod filters;
mod notifications;
mod organization;
mod permissions;
mod services;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

pub use connections::Connection;
pub use endpoints::{Effect, Endpoint, NewEndpoint};
pub use filters::{Filter, Page, PageRequest};
pub use notifications::Notification;
pub use organization::{Organization, OrganizationAccount};
pub use permissions::Permission;
pub use services::{NewService, Service, ServiceChange};

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// An error as EC2 answers it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Ec2Error {
    /// EC2's code.
    pub code: String,
    /// EC2's words.
    pub message: String,
    /// The HTTP status.
    pub status: u16,
}

impl Ec2Error {
    /// An error of the caller's.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), status: 400 }
    }
}

/// One id that a call with HTTP 200 did not act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsuccessful {
    /// The id.
    pub resource_id: String,
    /// EC2's code. AWS documents none for these; the warden depends on none.
    pub code: String,
    /// EC2's words.
    pub message: String,
}

/// The state of PrivateLink in one Region.
#[derive(Debug, Clone)]
pub struct World {
    region: String,
    now: Timestamp,
    settle: SignedDuration,
    visibility_delay: SignedDuration,
    page_size_max: usize,
    counter: u64,
    services: BTreeMap<String, Service>,
    permissions: Vec<Permission>,
    connections: BTreeMap<String, Connection>,
    /// The endpoints of each service, so that asking for one service does not walk through all.
    by_service: BTreeMap<String, BTreeSet<String>>,
    /// Endpoints whose connection changes by itself with time.
    unsettled: BTreeSet<String>,
    /// When each was accepted.
    acceptances: BTreeMap<String, Vec<Timestamp>>,
    endpoints: BTreeMap<String, Endpoint>,
    notifications: BTreeMap<String, Notification>,
    /// The organization that the provider can ask.
    pub organization: Organization,
}

impl World {
    /// An empty Region.
    #[must_use]
    pub fn new(region: &str, now: Timestamp) -> Self {
        Self {
            region: region.to_owned(),
            now,
            settle: SignedDuration::from_secs(30),
            visibility_delay: SignedDuration::ZERO,
            page_size_max: 1000,
            counter: 0,
            services: BTreeMap::new(),
            permissions: Vec::new(),
            connections: BTreeMap::new(),
            by_service: BTreeMap::new(),
            unsettled: BTreeSet::new(),
            acceptances: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            notifications: BTreeMap::new(),
            organization: Organization::default(),
        }
    }

    /// The Region.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Tells the time; connections that were being set up come to be available.
    pub fn set_now(&mut self, now: Timestamp) {
        self.now = now;
        let settle = self.settle;
        let connections = &mut self.connections;
        self.unsettled.retain(|id| connections.get_mut(id).is_some_and(|connection| !connection.settle(now, settle)));
    }

    /// How long a connection takes from `pending` to `available`.
    pub fn set_settle(&mut self, settle: SignedDuration) {
        self.settle = settle;
    }

    /// No page is larger than this, whatever was asked for.
    pub fn set_page_size_max(&mut self, size: usize) {
        self.page_size_max = size;
    }

    /// How long a new connection is not yet listed.
    pub fn set_visibility_delay(&mut self, delay: SignedDuration) {
        self.visibility_delay = delay;
    }

    /// Ids that look real and never repeat.
    fn id(&mut self, prefix: &str) -> String {
        self.counter += 1;
        // Spread over all digits, so that nobody comes to rely on ids that count up.
        format!("{prefix}{:017x}", self.counter.wrapping_mul(0x9e37_79b9_7f4a_7c15) as u128 + (1 << 64))
    }

    /// Writes tags on things of ours.
    ///
    /// # Errors
    /// When an id is unknown or belongs to somebody else.
    pub fn create_tags(&mut self, account: &str, ids: &[String], tags: &[(String, String)]) -> Result<(), Ec2Error> {
        self.change_tags(account, ids, |of| of.extend(tags.iter().cloned()))
    }

    /// Takes tags off things of ours.
    ///
    /// # Errors
    /// When an id is unknown or belongs to somebody else.
    pub fn delete_tags(&mut self, account: &str, ids: &[String], keys: &[String]) -> Result<(), Ec2Error> {
        self.change_tags(account, ids, |of| of.retain(|key, _| !keys.is_empty() && !keys.contains(key)))
    }

    /// Whether an id is of a kind this world keeps.
    #[must_use]
    pub fn knows(&self, id: &str) -> bool {
        self.services.contains_key(id)
            || self.endpoints.contains_key(id)
            || self.connections.values().any(|connection| connection.connection_id == id)
    }

    fn change_tags(&mut self, account: &str, ids: &[String], change: impl Fn(&mut Tags)) -> Result<(), Ec2Error> {
        for id in ids {
            let tags = self.tags_of(account, id).ok_or_else(|| Ec2Error::new("InvalidID", format!("The ID '{id}' is not valid")))?;
            change(tags);
        }
        Ok(())
    }

    fn tags_of(&mut self, account: &str, id: &str) -> Option<&mut Tags> {
        if self.services.contains_key(id) {
            return self.services.get_mut(id).filter(|service| service.owner == account).map(|service| &mut service.tags);
        }
        if self.endpoints.contains_key(id) {
            return self.endpoints.get_mut(id).filter(|endpoint| endpoint.owner == account).map(|endpoint| &mut endpoint.tags);
        }
        let connection = self.connections.values_mut().find(|connection| connection.connection_id == id)?;
        let ours = self.services.get(&connection.service_id).is_some_and(|service| service.owner == account);
        ours.then_some(&mut connection.tags)
    }
}
