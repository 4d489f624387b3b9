//! The facts of requests: the only place of this crate that puts them together.

use jiff::Timestamp;
use warden::{
    decision::queue::RunningCounts,
    model::{
        connection::{Connection, State},
        facts::{Counts, Facts},
        service::Service,
    },
    policy::PolicySet,
};

use crate::aws::{Aws, Described};

/// The facts of a connection beside these counts. AWS Organizations is asked if the decision depends on it.
pub(crate) async fn beside(
    aws: &Aws,
    set: &PolicySet,
    service: &Service,
    connection: &Connection,
    counts: Counts,
    now: Timestamp,
) -> Facts {
    let mut facts = Facts::described(service.clone(), connection.clone(), counts, now);
    aws.organization.complete(set, &mut facts).await;
    facts
}

/// The facts of a connection as it is, for a person's decision. AWS Organizations is asked if any policy reads it.
pub(crate) async fn for_person(aws: &Aws, set: &PolicySet, of: &Described, connection: &Connection) -> Facts {
    let counts = RunningCounts::established(&of.all).seen_by(connection);
    let mut facts = beside(aws, set, &of.service, connection, counts, Timestamp::now()).await;
    aws.organization.complete_for_person(set, &mut facts).await;
    facts
}

/// The facts of a connection as if its endpoint requested it now.
pub(crate) async fn as_if_pending(aws: &Aws, set: &PolicySet, of: &Described) -> Facts {
    let others: Vec<Connection> = of.all.iter().filter(|other| other.subject != of.connection.subject).cloned().collect();
    let counts = RunningCounts::established(&others).seen_by(&of.connection);
    beside(aws, set, &of.service, &pending(&of.connection), counts, Timestamp::now()).await
}

pub(crate) fn pending(connection: &Connection) -> Connection {
    Connection { state: State::PendingAcceptance, ..connection.clone() }
}
