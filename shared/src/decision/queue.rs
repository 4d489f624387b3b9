//! One service's waiting requests in the order in which they are answered, and the places they take: whoever is let in
//! counts at once against the caps of those behind. Used by the sweep, and by whoever wants to know what it would do.

use std::collections::BTreeMap;

use crate::model::{
    connection::{Connection, Phase},
    facts::Counts,
    ids::AccountId,
    service::Service,
};

/// One service's requests, oldest first, and who is connected to it already.
#[derive(Debug, Clone)]
pub struct PendingQueue {
    /// The service.
    pub service: Service,
    /// What waits, or is in a state that nobody knows.
    pub waiting: Vec<Connection>,
    /// Who is connected.
    pub counts: RunningCounts,
}

impl PendingQueue {
    /// The queue of a service among its connections, if there is any.
    #[must_use]
    pub fn of(connections: &[Connection], service: Service) -> Option<Self> {
        let unanswered = |connection: &&Connection| matches!(connection.state.phase(), Phase::Waiting | Phase::Unknown);
        let mut waiting: Vec<Connection> = connections.iter().filter(unanswered).cloned().collect();
        waiting.sort_by(|a, b| (a.created, &a.endpoint).cmp(&(b.created, &b.endpoint)));
        (!waiting.is_empty()).then(|| Self { service, waiting, counts: RunningCounts::of(connections) })
    }
}

/// The established connections of a service, counted while others are added to them.
#[derive(Debug, Clone, Default)]
pub struct RunningCounts {
    by_account: BTreeMap<AccountId, u32>,
    total: u32,
}

impl RunningCounts {
    /// Counts what is connected.
    #[must_use]
    pub fn of(connections: &[Connection]) -> Self {
        let mut counts = Self::default();
        connections.iter().filter(|connection| connection.state.phase() == Phase::Live).for_each(|connection| counts.let_in(connection));
        counts
    }

    /// What a request finds when its turn comes.
    #[must_use]
    pub fn seen_by(&self, connection: &Connection) -> Counts {
        let of_account = connection.owner.as_ref().and_then(|owner| self.by_account.get(owner)).copied().unwrap_or_default();
        Counts { of_account, of_service: self.total }
    }

    /// Takes a place at once, so that two requests for the last one never both get it.
    pub fn let_in(&mut self, connection: &Connection) {
        self.total += 1;
        if let Some(owner) = &connection.owner {
            *self.by_account.entry(owner.clone()).or_default() += 1;
        }
    }
}
