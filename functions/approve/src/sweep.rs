//! Everything that waits. Events only make the warden fast; this is what makes it right.
//!
//! It begins with two listings (services, connections), whatever the number of requests; then service by service, the one with the
//! oldest request first, in chunks (`serve`). Whoever is let in counts at once against the caps of those behind.
//!
//! EC2 is asked for one thing at a time, whatever there is to do: it throttles each call by a bucket of tokens for the
//! account and Region, which all others of the account share. The ledger is the sweep's own, so puts go on beside.

use std::{collections::BTreeMap, pin::pin};

use futures_util::{StreamExt, stream};
use warden::{
    deadline::Deadline,
    decision::queue::PendingQueue,
    model::{connection::Connection, ids::ServiceId, origin::Origin},
    ports::{Accept, ConnectionFilter, Describe, Directory, Ledger, Reject},
};

use crate::{AnswerError, Approve, Summary, serve::Step};

/// Puts under way at once. More than a chunk has, so that the next accept need not wait for any of them.
const PUTS_MAX: usize = 64;

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
        let queues = self.queues(wanted, summary).await?;
        let steps = stream::iter(queues).flat_map(|queue| self.serve(queue, deadline)).flat_map(stream::iter);
        let mut taken = pin!(steps.map(|step| self.take(step, origin)).buffer_unordered(PUTS_MAX));
        let mut trouble = Trouble::default();
        while let Some((one, error)) = taken.next().await {
            summary.written.extend(one.written);
            summary.known += one.known;
            summary.put_off += one.put_off;
            trouble.0.extend(error);
        }
        if summary.put_off > 0 {
            tracing::warn!(put_off = summary.put_off, "the deadline is near; the rest is left for the next sweep");
        }
        trouble.into_result()
    }

    /// Who waits, by service: the one with the oldest request first.
    async fn queues(&self, wanted: &(dyn Fn(&ServiceId) -> bool + Sync), summary: &mut Summary) -> Result<Vec<PendingQueue>, AnswerError> {
        let services = self.describe.services(None).await?;
        let services = services.into_iter().filter(|service| wanted(&service.id) && self.scope.covers(service));
        let mut connections = by_service(self.describe.connections(ConnectionFilter::All).await?);
        let mut queues: Vec<PendingQueue> =
            services.filter_map(|service| PendingQueue::of(&connections.remove(&service.id)?, service)).collect();
        let oldest = queues.iter().flat_map(|queue| &queue.waiting).filter_map(|connection| connection.created).min();
        if let (Some(oldest), Some(age)) = (oldest, summary.pending_age_max_seconds.as_mut()) {
            *age = (*age).max((self.clock)().duration_since(oldest).as_secs());
        }
        queues.sort_by_key(|queue| queue.waiting.first().and_then(|connection| connection.created));
        Ok(queues)
    }

    async fn take(&self, step: Step, origin: &Origin) -> (Summary, Option<AnswerError>) {
        let mut summary = Summary::default();
        let error = match step {
            Step::Answered(answered) => {
                let (facts, grounds, outcome) = *answered;
                self.write(facts, grounds, outcome, origin, &mut summary).await.err()
            }
            Step::PutOff(count) => {
                summary.put_off = count;
                None
            }
            Step::Failed(error) => Some(error),
        };
        (summary, error)
    }
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
