//! Reads everything that the next step of a service depends on: first the service's items, whose versions a write must name,
//! then the rest side by side.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, future::try_join3, stream};
use warden::{
    model::{
        connection::{Connection, Phase},
        facts::Claim,
        ids::{AccountId, ServiceId},
        organization::Membership,
        origin::Origin,
        subject::Subject,
    },
    ports::{ConnectionFilter, Describe, Directory, ServiceLedger, StackLedger},
};

use crate::{
    plan::Gathered,
    worker::{AnswerError, Approve},
};

/// Questions to AWS Organizations at once.
const LOOKUPS_MAX: usize = 8;
/// Time for questions to AWS Organizations. What it does not answer in time stays unknown until the next sweep.
const LOOKUP_BUDGET: Duration = Duration::from_secs(8);

/// What messages say about one service.
#[derive(Debug, Default)]
pub(crate) struct Hints {
    /// The subjects that messages named.
    pub(crate) subjects: BTreeSet<Subject>,
    /// What events claim about them.
    pub(crate) claims: BTreeMap<Subject, Vec<(Claim, Origin)>>,
}

impl<E: Describe + Sync, A, L: ServiceLedger + StackLedger + Sync, Q, G: Directory + Sync> Approve<E, A, L, Q, G> {
    /// Returns `None` if there is nothing to do: the service is not ours, or it has left the scope and nothing is open.
    pub(crate) async fn gather(&self, id: &ServiceId, hints: &Hints) -> Result<Option<Gathered>, AnswerError> {
        let items = self.ledger.items(id).await?;
        let (services, mut connections, people) =
            try_join3(self.ec2.services(Some(id)), self.ec2.connections(ConnectionFilter::Service(id)), self.ledger.decisions(id)).await?;
        let Some(service) = services.into_iter().find(|service| service.id == *id) else { return Ok(None) };
        keep_last(&mut connections);
        let in_scope = self.scope.covers(&service);
        if !in_scope && !items.open {
            return Ok(None);
        }
        let unrecorded = if in_scope { self.unrecorded(id, &connections, hints, &items.state).await? } else { BTreeSet::new() };
        let (memberships, claims) = (BTreeMap::new(), hints.claims.clone());
        Ok(Some(Gathered { items, service, in_scope, connections, people, memberships, claims, unrecorded }))
    }

    /// The live subjects that messages named and that no record explains.
    async fn unrecorded(
        &self,
        service: &ServiceId,
        connections: &[Connection],
        hints: &Hints,
        state: &warden::ledger::service_state::ServiceState,
    ) -> Result<BTreeSet<Subject>, AnswerError> {
        let now = (self.clock)();
        let unexplained = |one: &&Connection| {
            one.state.phase() == Phase::Live
                && hints.subjects.contains(&one.subject)
                && state.recent_act(&one.subject, now).is_none()
                && state.intent.is_none()
        };
        let mut unrecorded = BTreeSet::new();
        for connection in connections.iter().filter(unexplained) {
            if !self.ledger.is_recorded(service, &connection.subject).await? {
                unrecorded.insert(connection.subject.clone());
            }
        }
        Ok(unrecorded)
    }

    /// Asks AWS Organizations about these accounts, in this order, until the budget of the time since `begin` is used up.
    pub(crate) async fn ask(&self, gathered: &mut Gathered, accounts: Vec<AccountId>, begin: Instant) {
        let now = (self.clock)();
        let answers = stream::iter(accounts).map(|account| async move {
            let membership = if begin.elapsed() < LOOKUP_BUDGET { self.members.lookup(&account, now).await } else { Membership::NotAsked };
            (account, membership)
        });
        let answers: Vec<_> = answers.buffer_unordered(LOOKUPS_MAX).collect().await;
        gathered.memberships.extend(answers);
    }
}

/// Keeps the last description of each connection. A page may repeat one of the page before it, if a connection was created meanwhile.
fn keep_last(connections: &mut Vec<Connection>) {
    let mut seen = BTreeSet::new();
    connections.reverse();
    connections.retain(|one| seen.insert(one.subject.clone()));
    connections.reverse();
}
