//! Who is connected to one service, counted. A connection is judged as when it was let in: against those that were there
//! before it. So of six where five are allowed the newest is too much, and not all of them.

use std::collections::BTreeMap;

use crate::{
    ledger::history::LedgerHistory,
    model::{
        connection::{Connection, Phase},
        facts::Counts,
        ids::{AccountId, EndpointId},
    },
};
use jiff::Timestamp;

/// A connection's place: when it was let in, as far as the ledger knows. When the others were let in nobody knows, so they
/// take no place from those, and among themselves come in the order in which they asked; one without a time is their first.
type Place = (Unrecorded, Option<Timestamp>, EndpointId);

/// Whether the ledger does not say when it was let in.
type Unrecorded = bool;

/// The live connections of one service.
#[derive(Debug, Default)]
pub struct AdmissionOrder {
    all: Vec<Place>,
    by_account: BTreeMap<AccountId, Vec<Place>>,
}

impl AdmissionOrder {
    /// Takes in a page.
    pub fn count(&mut self, connections: &[Connection], memory: Option<&LedgerHistory>) {
        for connection in connections.iter().filter(|connection| connection.state.phase() == Phase::Live) {
            self.all.push(place(connection, memory));
            if let Some(owner) = &connection.owner {
                self.by_account.entry(owner.clone()).or_default().push(place(connection, memory));
            }
        }
    }

    /// Once all were counted.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.all.sort();
        self.by_account.values_mut().for_each(|places| places.sort());
        self
    }

    /// What a connection found when it was let in, or, if it is not connected, what it would find now.
    #[must_use]
    pub fn beside(&self, connection: &Connection, memory: Option<&LedgerHistory>) -> Counts {
        let of_account = connection.owner.as_ref().and_then(|owner| self.by_account.get(owner)).map_or(&[][..], Vec::as_slice);
        let count = |places: &[Place]| match connection.state.phase() {
            Phase::Live => places.partition_point(|other| *other < place(connection, memory)),
            Phase::Waiting | Phase::Gone | Phase::Unknown => places.len(),
        };
        let number = |places: &[Place]| u32::try_from(count(places)).unwrap_or(u32::MAX);
        Counts { of_account: number(of_account), of_service: number(&self.all) }
    }
}

fn place(connection: &Connection, memory: Option<&LedgerHistory>) -> Place {
    let accepted = memory.and_then(|memory| memory.endpoints.get(&connection.endpoint)?.accepted);
    (accepted.is_none(), accepted.or(connection.created), connection.endpoint.clone())
}
