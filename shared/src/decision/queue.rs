//! The pending requests of a service in the order in which they are decided, and the caps that they count against. Each accepted
//! request counts at once, so that two requests never both take the last place.

use std::collections::BTreeMap;

use crate::model::{
    connection::{Connection, Phase},
    facts::Counts,
    ids::AccountId,
};

/// Returns the requests that are pending or in a state that AWS does not document, the oldest first.
#[must_use]
pub fn pending(connections: &[Connection]) -> Vec<&Connection> {
    let is_pending = |connection: &&Connection| matches!(connection.state.phase(), Phase::Waiting | Phase::Unknown);
    let mut pending: Vec<&Connection> = connections.iter().filter(is_pending).collect();
    pending.sort_by(|a, b| (a.created, &a.subject).cmp(&(b.created, &b.subject)));
    pending
}

/// The numbers of established connections of a service, while requests are accepted.
#[derive(Debug, Clone, Default)]
pub struct RunningCounts {
    by_account: BTreeMap<AccountId, u32>,
    total: u32,
}

impl RunningCounts {
    /// Counts connections.
    #[must_use]
    pub fn of<'a>(established: impl IntoIterator<Item = &'a Connection>) -> Self {
        let mut counts = Self::default();
        established.into_iter().for_each(|connection| counts.add(connection));
        counts
    }

    /// Counts the established connections among all of a service's.
    #[must_use]
    pub fn established(connections: &[Connection]) -> Self {
        Self::of(connections.iter().filter(|connection| connection.is_connected()))
    }

    /// Returns the counts that a request is judged by.
    #[must_use]
    pub fn seen_by(&self, connection: &Connection) -> Counts {
        let of_account = connection.owner.as_ref().and_then(|owner| self.by_account.get(owner)).copied().unwrap_or_default();
        Counts { of_account, of_service: self.total }
    }

    /// Adds an accepted connection.
    pub fn add(&mut self, connection: &Connection) {
        self.add_one_of(connection.owner.as_ref());
    }

    /// Adds an accepted connection of an account.
    pub fn add_one_of(&mut self, account: Option<&AccountId>) {
        self.total += 1;
        if let Some(owner) = account {
            *self.by_account.entry(owner.clone()).or_default() += 1;
        }
    }
}
