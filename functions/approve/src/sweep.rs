//! Finds the services that have something to do. Events only make the warden fast; this makes it right.
//!
//! Each of these services becomes one message, so that no service holds up another.

use std::collections::BTreeSet;

use warden::{
    model::{
        connection::{Connection, Phase},
        ids::ServiceId,
    },
    ports::{ConnectionFilter, Describe, RequestQueue, ServiceLedger, StackLedger},
};

use crate::worker::{AnswerError, Approve, Summary};

impl<E: Describe + Sync, A, L: ServiceLedger + StackLedger + Sync, Q: RequestQueue + Sync, G> Approve<E, A, L, Q, G> {
    /// Sends a message for each service with a pending request, an open intent or a decision that is not carried out.
    pub(crate) async fn sweep(&self, summary: &mut Summary) -> Result<(), AnswerError> {
        let services = self.ec2.services(None).await?;
        let in_scope: BTreeSet<ServiceId> =
            services.into_iter().filter(|service| self.scope.covers(service)).map(|service| service.id).collect();
        let connections = self.ec2.connections(ConnectionFilter::All).await?;
        let is_pending =
            |one: &&Connection| in_scope.contains(&one.service) && matches!(one.state.phase(), Phase::Waiting | Phase::Unknown);
        let pending: Vec<&Connection> = connections.iter().filter(is_pending).collect();
        let oldest = pending.iter().filter_map(|connection| connection.created).min();
        summary.pending_age_max_seconds = Some(oldest.map_or(0, |oldest| (self.clock)().duration_since(oldest).as_secs()));
        let mut services: BTreeSet<ServiceId> = pending.into_iter().map(|connection| connection.service.clone()).collect();
        services.extend(self.ledger.open_services().await?);
        summary.swept = services.len();
        Ok(self.queue.send(&services.into_iter().collect::<Vec<_>>()).await?)
    }
}
