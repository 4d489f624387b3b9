//! One service's requests in a sweep, oldest first, chunk by chunk: decided, acted on, and handed on to be recorded.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{Stream, stream};
use warden::{
    deadline::Deadline,
    decision::{
        Action, ActionToken, Grounds, NoAction, ToAccept, ToReject, decide,
        grant::Grant,
        queue::{PendingQueue, RunningCounts},
    },
    ledger::record::{Act, Outcome},
    model::{
        connection::Connection,
        facts::Facts,
        ids::{EndpointId, ServiceId},
        organization::Membership,
        service::Service,
    },
    ports::{Accept, ActOutcome, CallError, Describe, Directory, Ledger, Reject},
};

use crate::{AnswerError, Approve, act::Done};

/// Endpoints in one call. AWS documents no limit for accept and reject; this one keeps a refused call small.
const CHUNK_MAX: usize = 50;

/// What a sweep comes to, one by one.
pub(crate) enum Step {
    /// A request with its outcome, ready for the record.
    Answered(Box<(Facts, Grounds, Outcome)>),
    /// So many requests are left for the next sweep.
    PutOff(usize),
    /// Something went wrong, and the sweep goes on.
    Failed(AnswerError),
}

/// How far one service has got.
struct Serving {
    service: Service,
    /// Taken from the end, so the oldest stands there.
    waiting: Vec<Connection>,
    counts: RunningCounts,
    grants: Option<Vec<Grant>>,
    /// So many of the next go one by one.
    singly: usize,
}

/// A chunk of one service's requests, decided.
#[derive(Default)]
struct Chunk {
    facts: BTreeMap<EndpointId, (Facts, Grounds)>,
    accept: Vec<ActionToken<ToAccept>>,
    reject: Vec<ActionToken<ToReject>>,
    settled: Vec<(EndpointId, Outcome)>,
}

/// What came of a chunk.
#[derive(Default)]
struct Acted {
    /// To be tried one by one: those of a call that EC2 refused as a whole, for a reason that lies in the call itself.
    refused: BTreeSet<EndpointId>,
    /// Whether it was the acceptances.
    accepted_none: bool,
    steps: Vec<Step>,
}

impl<D: Describe + Sync, A: Accept + Reject + Sync, L: Ledger + Sync, G: Directory + Sync> Approve<D, A, L, G> {
    /// Each item is a chunk's; what comes after it is not begun before somebody asks for it.
    pub(crate) fn serve(&self, queue: PendingQueue, deadline: Deadline) -> impl Stream<Item = Vec<Step>> + Send {
        let PendingQueue { service, mut waiting, counts } = queue;
        waiting.reverse();
        let serving = Serving { service, waiting, counts, grants: None, singly: 0 };
        stream::unfold(serving, move |serving| self.next_chunk(serving, deadline))
    }

    async fn next_chunk(&self, mut serving: Serving, deadline: Deadline) -> Option<(Vec<Step>, Serving)> {
        if serving.waiting.is_empty() {
            return None;
        }
        if deadline.near() {
            let put_off = std::mem::take(&mut serving.waiting).len();
            return Some((vec![Step::PutOff(put_off)], serving));
        }
        // Without knowing what people granted, a request might be turned away that one of them let in.
        let grants = match serving.grants.take() {
            Some(grants) => grants,
            None => match self.ledger.grants(&serving.service.id).await {
                Ok(grants) => grants,
                Err(error) => {
                    serving.waiting.clear();
                    return Some((vec![Step::Failed(error.into())], serving));
                }
            },
        };
        let steps = self.answer_chunk(&mut serving, &grants, deadline).await;
        serving.grants = Some(grants);
        Some((steps, serving))
    }

    async fn answer_chunk(&self, serving: &mut Serving, grants: &[Grant], deadline: Deadline) -> Vec<Step> {
        let size = if serving.singly > 0 { 1 } else { CHUNK_MAX };
        let rest = serving.waiting.len().saturating_sub(size);
        let batch: Vec<Connection> = serving.waiting.split_off(rest).into_iter().rev().collect();
        let before = serving.counts.clone();
        let chunk = self.decide_chunk(&serving.service, &batch, grants, &mut serving.counts).await;
        if deadline.near() {
            // To ask the organization about all of them may have taken long: nothing is begun that has no time to end.
            serving.waiting.extend(batch.into_iter().rev());
            return Vec::new();
        }
        serving.singly = serving.singly.saturating_sub(1);
        let acted = self.act_on(&serving.service.id, chunk).await;
        if acted.accepted_none {
            serving.counts = before;
        }
        // One poisoned id can refuse the whole call: the same requests again, decided anew, one by one.
        serving.singly += acted.refused.len();
        serving.waiting.extend(batch.into_iter().rev().filter(|connection| acted.refused.contains(&connection.endpoint)));
        acted.steps
    }

    async fn decide_chunk(&self, service: &Service, batch: &[Connection], grants: &[Grant], counts: &mut RunningCounts) -> Chunk {
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
            let decision = decide(&self.policy, &facts, grants);
            let endpoint = connection.endpoint.clone();
            match decision.action {
                Action::Accept(permit) => {
                    counts.let_in(connection);
                    chunk.accept.push(permit);
                }
                Action::Reject(permit) => chunk.reject.push(permit),
                Action::Refer(why) => chunk.settled.push((endpoint.clone(), why.into())),
                Action::NoAction(NoAction::Live | NoAction::Gone) => continue,
            }
            chunk.facts.insert(endpoint, (facts, decision.grounds));
        }
        chunk
    }

    async fn act_on(&self, service: &ServiceId, chunk: Chunk) -> Acted {
        let Chunk { mut facts, accept, reject, mut settled } = chunk;
        let mut acted = Acted::default();
        if !accept.is_empty() {
            let ids: Vec<EndpointId> = accept.iter().map(|permit| permit.endpoint().clone()).collect();
            let effect = self.act.accept(service, accept).await;
            if ids.len() > 1 && is_refused(&effect) {
                acted.accepted_none = true;
                // And whoever found no place beside them.
                acted.refused.extend(ids.into_iter().chain(settled.drain(..).map(|(id, _)| id)));
            } else {
                settled.extend(settle(self.outcomes(Act::Accept, service, &ids, effect).await));
            }
        }
        if !reject.is_empty() {
            let ids: Vec<EndpointId> = reject.iter().map(|permit| permit.endpoint().clone()).collect();
            let effect = self.act.reject(service, reject).await;
            if ids.len() > 1 && is_refused(&effect) {
                acted.refused.extend(ids);
            } else {
                settled.extend(settle(self.outcomes(Act::Reject, service, &ids, effect).await));
            }
        }
        let outcomes = settled.into_iter().filter_map(|(id, outcome)| facts.remove(&id).map(|(facts, grounds)| (facts, grounds, outcome)));
        acted.steps = outcomes.map(|answered| Step::Answered(Box::new(answered))).collect();
        acted
    }
}

fn is_refused(effect: &Result<ActOutcome, CallError>) -> bool {
    effect.as_ref().is_err_and(|error| !error.is_transient())
}

fn settle(done: BTreeMap<EndpointId, Done>) -> impl Iterator<Item = (EndpointId, Outcome)> {
    done.into_iter().filter_map(|(id, done)| match done {
        Done::Settled(outcome) => Some((id, outcome)),
        Done::Gone => None,
    })
}
