//! Who is connected to one service, counted. A connection is judged as the sweep would have judged it: against those
//! that were there before it. So of six where five are allowed the newest is too much, and not all of them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use warden::{
    connection::{Connection, Standing},
    facts::Counts,
    ids::{AccountId, EndpointId},
};

/// A connection's place in the order of age. One without a time counts as the oldest.
type Place = (Option<Timestamp>, EndpointId);

/// The live connections of one service.
#[derive(Debug, Default)]
pub(crate) struct Census {
    all: Vec<Place>,
    by_account: BTreeMap<AccountId, Vec<Place>>,
}

impl Census {
    /// Takes in a page.
    pub(crate) fn count(&mut self, connections: &[Connection]) {
        for connection in connections.iter().filter(|connection| connection.state.standing() == Standing::Live) {
            self.all.push(place(connection));
            if let Some(owner) = &connection.owner {
                self.by_account.entry(owner.clone()).or_default().push(place(connection));
            }
        }
    }

    /// Once all were counted.
    pub(crate) fn sorted(mut self) -> Self {
        self.all.sort();
        self.by_account.values_mut().for_each(|places| places.sort());
        self
    }

    /// What a connection found when it came, or, if it is not connected, what it would find now.
    pub(crate) fn beside(&self, connection: &Connection) -> Counts {
        let of_account = connection.owner.as_ref().and_then(|owner| self.by_account.get(owner)).map_or(&[][..], Vec::as_slice);
        let count = |places: &[Place]| match connection.state.standing() {
            Standing::Live => places.partition_point(|other| *other < place(connection)),
            Standing::Waiting | Standing::Gone | Standing::Unknown => places.len(),
        };
        let number = |places: &[Place]| u32::try_from(count(places)).unwrap_or(u32::MAX);
        Counts { of_account: number(of_account), of_service: number(&self.all) }
    }
}

fn place(connection: &Connection) -> Place {
    (connection.created, connection.endpoint.clone())
}
