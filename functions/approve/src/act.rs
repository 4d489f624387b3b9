//! Carries decisions out and finds out what came of it. EC2 may answer 200 and not have acted, or fail and have acted:
//! whatever was not plainly done is described again.

use std::collections::BTreeMap;

use warden::{
    ledger::record::{Act, Failure, Outcome, Verdict},
    model::{
        connection::{Phase, State},
        ids::{EndpointId, ServiceId},
    },
    ports::{ActOutcome, CallError, ConnectionFilter, Describe},
};

use crate::Approve;

/// What EC2's word for one endpoint is worth.
pub(crate) enum Done {
    /// It leads to this record.
    Settled(Outcome),
    /// Nothing waits any more.
    Gone,
}

impl<D: Describe + Sync, A, L, G> Approve<D, A, L, G> {
    /// What became of each endpoint that EC2 was asked to act on.
    pub(crate) async fn outcomes(
        &self,
        act: Act,
        service: &ServiceId,
        endpoints: &[EndpointId],
        effect: Result<ActOutcome, CallError>,
    ) -> BTreeMap<EndpointId, Done> {
        let failures = match effect {
            Ok(ActOutcome::Observed) => return endpoints.iter().map(|id| (id.clone(), Done::Settled(observed(act).into()))).collect(),
            Ok(ActOutcome::Asked(unsuccessful)) => {
                let named = |id: &EndpointId| unsuccessful.iter().find(|item| item.resource == id.as_str());
                endpoints
                    .iter()
                    .filter_map(|id| {
                        named(id).map(|item| (id.clone(), Failure { act, code: item.code.clone(), message: item.message.clone() }))
                    })
                    .collect()
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, message = error.message, %service, "EC2 did not take the call");
                let code = error.code.clone().unwrap_or_else(|| "Unknown".to_owned());
                endpoints.iter().map(|id| (id.clone(), Failure { act, code: code.clone(), message: error.message.clone() })).collect()
            }
        };
        self.classify(act, service, endpoints, failures).await
    }

    async fn classify(
        &self,
        act: Act,
        service: &ServiceId,
        endpoints: &[EndpointId],
        failures: BTreeMap<EndpointId, Failure>,
    ) -> BTreeMap<EndpointId, Done> {
        let states = if failures.is_empty() { Ok(BTreeMap::new()) } else { self.states(service).await };
        let settle = |id: &EndpointId| match (failures.get(id), &states) {
            (None, _) => Done::Settled(acted(act).into()),
            (Some(failure), Ok(states)) => settled(failure, states.get(id)),
            // Not even looking works: the failure stands, and the next sweep sees more.
            (Some(failure), Err(_)) => Done::Settled(failure.clone().into()),
        };
        endpoints.iter().map(|id| (id.clone(), settle(id))).collect()
    }

    async fn states(&self, service: &ServiceId) -> Result<BTreeMap<EndpointId, State>, CallError> {
        let connections = self.describe.connections(ConnectionFilter::Service(service)).await?;
        Ok(connections.into_iter().map(|connection| (connection.endpoint, connection.state)).collect())
    }
}

/// An unsuccessful act in the light of the state behind it. EC2 documents neither its codes nor what a repeated
/// act answers, so the state alone counts.
fn settled(failure: &Failure, state: Option<&State>) -> Done {
    match (state.map(State::phase), failure.act) {
        (Some(Phase::Live), Act::Accept) => Done::Settled(Verdict::Accepted.into()),
        (Some(Phase::Gone), Act::Reject) if state == Some(&State::Rejected) => Done::Settled(Verdict::Rejected.into()),
        (Some(Phase::Gone) | None, _) => Done::Gone,
        (Some(Phase::Waiting | Phase::Unknown), _) | (Some(Phase::Live), Act::Reject) => Done::Settled(failure.clone().into()),
    }
}

fn acted(act: Act) -> Verdict {
    match act {
        Act::Accept => Verdict::Accepted,
        Act::Reject => Verdict::Rejected,
    }
}

fn observed(act: Act) -> Verdict {
    match act {
        Act::Accept => Verdict::ObservedAccept,
        Act::Reject => Verdict::ObservedReject,
    }
}
