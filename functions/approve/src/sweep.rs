//! Everything that waits. Events only make the warden fast; this is what makes it right.
//!
//! Two listings (services, connections) whatever the number of requests; then service by service, the one with the
//! oldest request first, in chunks. Whoever is let in counts at once against the caps of those behind.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use warden::{
    connection::{Connection, Service},
    deadline::Deadline,
    decision::{Basis, Decision, Leave, Permit, ToAccept, ToReject, decide},
    facts::Facts,
    grant::Grant,
    ids::{EndpointId, ServiceId},
    organization::Membership,
    ports::{Accept, CallError, Describe, Directory, Effect, Ledger, Of, Reject},
    queue::{Queue, Running},
    record::{Act, Origin, Outcome},
};

use crate::{AnswerError, Approve, Summary, act::Done};

/// Endpoints in one call. AWS documents no limit for accept and reject; this one keeps a refused call small.
const CHUNK_MAX: usize = 50;
/// Puts under way at once.
const PUTS_MAX: usize = 16;

/// A chunk of one service's requests, decided.
#[derive(Default)]
struct Chunk {
    facts: BTreeMap<EndpointId, (Facts, Basis)>,
    accept: Vec<Permit<ToAccept>>,
    reject: Vec<Permit<ToReject>>,
    settled: Vec<(EndpointId, Outcome)>,
}

/// Collects what went wrong on the way.
#[derive(Default)]
struct Trouble(Vec<AnswerError>);

impl<D: Describe + Sync, A: Accept + Reject + Sync, L: Ledger + Sync, G: Directory + Sync> Approve<D, A, L, G> {
    /// Answers every request of the wanted services in scope.
    pub(crate) async fn sweep(
        &self,
        wanted: &(dyn Fn(&ServiceId) -> bool + Sync),
        origin: &Origin,
        deadline: Deadline,
        summary: &mut Summary,
    ) -> Result<(), AnswerError> {
        let services = self.describe.services(None).await?;
        let services = services.into_iter().filter(|service| wanted(&service.id) && self.scope.covers(service));
        let mut connections = by_service(self.describe.connections(Of::Everybody).await?);
        let mut queues: Vec<Queue> = services.filter_map(|service| Queue::of(&connections.remove(&service.id)?, service)).collect();
        let oldest = queues.iter().flat_map(|queue| &queue.waiting).filter_map(|connection| connection.created).min();
        if let (Some(oldest), Some(age)) = (oldest, summary.pending_age_max_seconds.as_mut()) {
            *age = (*age).max((self.clock)().duration_since(oldest).as_secs());
        }
        queues.sort_by_key(|queue| queue.waiting.first().and_then(|connection| connection.created));
        let mut trouble = Trouble::default();
        for queue in queues {
            self.serve(queue, origin, deadline, summary, &mut trouble).await;
        }
        if summary.put_off > 0 {
            tracing::warn!(put_off = summary.put_off, "the deadline is near; the rest is left for the next sweep");
        }
        trouble.into_result()
    }

    async fn serve(&self, queue: Queue, origin: &Origin, deadline: Deadline, summary: &mut Summary, trouble: &mut Trouble) {
        let Queue { service, mut waiting, mut counts } = queue;
        // Without knowing what people granted, a request might be turned away that one of them let in.
        let grants = match self.ledger.grants(&service.id).await {
            Ok(grants) => grants,
            Err(error) => return trouble.0.push(error.into()),
        };
        waiting.reverse(); // taken from the end: oldest first
        let mut chunk_max = CHUNK_MAX;
        while !waiting.is_empty() {
            if deadline.near() {
                summary.put_off += waiting.len();
                return;
            }
            let batch: Vec<Connection> = waiting.split_off(waiting.len().saturating_sub(chunk_max)).into_iter().rev().collect();
            let before = counts.clone();
            let chunk = self.decide_chunk(&service, &batch, &grants, &mut counts).await;
            let several = chunk.accept.len() + chunk.reject.len() > 1;
            match self.act_on(&service.id, chunk).await {
                Acted::Done(outcomes) => self.write_all(outcomes, origin, summary, trouble).await,
                Acted::Refused(_) if several => {
                    // One poisoned id can refuse the whole call: the same requests again, decided anew, one by one.
                    chunk_max = 1;
                    counts = before;
                    waiting.extend(batch.into_iter().rev());
                }
                Acted::Refused(outcomes) => self.write_all(outcomes, origin, summary, trouble).await,
            }
        }
    }

    async fn decide_chunk(&self, service: &Service, batch: &[Connection], grants: &[Grant], counts: &mut Running) -> Chunk {
        let mut chunk = Chunk::default();
        for connection in batch {
            let mut facts = Facts {
                service: service.clone(),
                connection: connection.clone(),
                counts: counts.seen_by(connection),
                membership: Membership::NotAsked,
                claim: None,
                now: (self.clock)(),
            };
            self.members.complete(&self.policy, &mut facts).await;
            self.members.complete_for_grant(&self.policy, &mut facts, grants).await;
            let ruling = decide(&self.policy, &facts, grants);
            let endpoint = connection.endpoint.clone();
            match ruling.decision {
                Decision::Accept(permit) => {
                    counts.let_in(connection);
                    chunk.accept.push(permit);
                }
                Decision::Reject(permit) => chunk.reject.push(permit),
                Decision::Refer(why) => chunk.settled.push((endpoint.clone(), why.into())),
                Decision::Leave(Leave::Live | Leave::Gone) => continue,
            }
            chunk.facts.insert(endpoint, (facts, ruling.basis));
        }
        chunk
    }

    async fn act_on(&self, service: &ServiceId, chunk: Chunk) -> Acted {
        let Chunk { mut facts, accept, reject, mut settled } = chunk;
        let mut refused = false;
        if !accept.is_empty() {
            let ids: Vec<EndpointId> = accept.iter().map(|permit| permit.endpoint().clone()).collect();
            let effect = self.act.accept(service, accept).await;
            refused |= is_refused(&effect);
            settled.extend(settle(self.outcomes(Act::Accept, service, &ids, effect).await));
        }
        if !reject.is_empty() {
            let ids: Vec<EndpointId> = reject.iter().map(|permit| permit.endpoint().clone()).collect();
            let effect = self.act.reject(service, reject).await;
            refused |= is_refused(&effect);
            settled.extend(settle(self.outcomes(Act::Reject, service, &ids, effect).await));
        }
        let outcomes = settled.into_iter().filter_map(|(id, outcome)| facts.remove(&id).map(|(facts, basis)| (facts, basis, outcome)));
        if refused { Acted::Refused(outcomes.collect()) } else { Acted::Done(outcomes.collect()) }
    }

    async fn write_all(&self, outcomes: Vec<Answered>, origin: &Origin, summary: &mut Summary, trouble: &mut Trouble) {
        let puts = stream::iter(outcomes).map(|(facts, basis, outcome)| async move {
            let mut one = Summary::default();
            let put = self.write(facts, basis, outcome, origin, &mut one).await;
            (put, one)
        });
        let mut puts = puts.buffer_unordered(PUTS_MAX);
        while let Some((put, one)) = puts.next().await {
            summary.written.extend(one.written);
            summary.known += one.known;
            trouble.0.extend(put.err());
        }
    }
}

/// A request with its outcome, ready for the record.
type Answered = (Facts, Basis, Outcome);

/// What came of a chunk.
enum Acted {
    /// EC2 took every call.
    Done(Vec<Answered>),
    /// EC2 refused a call as a whole, for a reason that lies in the request itself.
    Refused(Vec<Answered>),
}

fn is_refused(effect: &Result<Effect, CallError>) -> bool {
    effect.as_ref().is_err_and(|error| !error.is_transient())
}

fn settle(done: BTreeMap<EndpointId, Done>) -> impl Iterator<Item = (EndpointId, Outcome)> {
    done.into_iter().filter_map(|(id, done)| match done {
        Done::Settled(outcome) => Some((id, outcome)),
        Done::Gone => None,
    })
}

fn by_service(connections: Vec<Connection>) -> BTreeMap<ServiceId, Vec<Connection>> {
    let mut map: BTreeMap<ServiceId, Vec<Connection>> = BTreeMap::new();
    for connection in connections {
        map.entry(connection.service.clone()).or_default().push(connection);
    }
    map
}

impl Trouble {
    fn into_result(self) -> Result<(), AnswerError> {
        let failed = self.0.len();
        match self.0.into_iter().next() {
            None => Ok(()),
            Some(first) => Err(AnswerError::Incomplete { failed, first: Box::new(first) }),
        }
    }
}
