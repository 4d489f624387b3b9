//! The order in which the connections of one service were accepted.
//!
//! A connection is judged against those that were accepted before it. If a policy allows five connections and six are
//! live, only the newest is unjustified.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    ledger::history::PageHistory,
    model::{
        connection::{Connection, Phase},
        facts::Counts,
        ids::AccountId,
        subject::Subject,
    },
};

/// The place of a connection: those with a recorded acceptance first, by its time; then the others, by the time of the
/// request. A connection that a person accepted without a record therefore takes no place from a recorded one. `approve` accepts
/// many requests in one act, at one time, in the order of their own times and ids.
type Place = (bool, Option<Timestamp>, Option<Timestamp>, Subject);

/// The live connections of one service, in the order of their acceptance.
#[derive(Debug, Default)]
pub struct AdmissionOrder {
    all: Vec<Place>,
    by_account: BTreeMap<AccountId, Vec<Place>>,
}

impl AdmissionOrder {
    /// Adds the live connections of a page.
    pub fn count(&mut self, connections: &[Connection], history: Option<&PageHistory>) {
        for connection in connections.iter().filter(|connection| connection.state.phase() == Phase::Live) {
            self.all.push(place(connection, history));
            if let Some(owner) = &connection.owner {
                self.by_account.entry(owner.clone()).or_default().push(place(connection, history));
            }
        }
    }

    /// Sorts the connections. [`Self::beside`] needs the sorted order of all pages.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.all.sort();
        self.by_account.values_mut().for_each(|places| places.sort());
        self
    }

    /// The numbers of connections that were accepted before this one. All live connections count for a connection that
    /// is not live.
    #[must_use]
    pub fn beside(&self, connection: &Connection, history: Option<&PageHistory>) -> Counts {
        let of_account = connection.owner.as_ref().and_then(|owner| self.by_account.get(owner)).map_or(&[][..], Vec::as_slice);
        let own = place(connection, history);
        let count = |places: &[Place]| match connection.state.phase() {
            Phase::Live => places.partition_point(|other| *other < own),
            Phase::Waiting | Phase::Gone | Phase::Unknown => places.len(),
        };
        let number = |places: &[Place]| u32::try_from(count(places)).unwrap_or(u32::MAX);
        Counts { of_account: number(of_account), of_service: number(&self.all) }
    }
}

fn place(connection: &Connection, history: Option<&PageHistory>) -> Place {
    let accepted = history.and_then(|history| history.of(connection)?.accepted);
    (accepted.is_none(), accepted.or(connection.created), connection.created, connection.subject.clone())
}
