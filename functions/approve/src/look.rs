//! Reads what a decision needs from EC2. A service is remembered for a minute: it changes seldom, and a burst of requests
//! for one service should not describe it each time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use warden::{
    model::{
        facts::{Counts, Facts},
        ids::{EndpointId, ServiceId},
        organization::Membership,
        service::Service,
    },
    ports::{ConnectionFilter, Describe, Directory},
    trigger::EndpointRef,
};

use crate::{AnswerError, Approve};

/// How long a described service is taken as it was. A policy may rest on its tags, so not long.
const SERVICE_AGE_MAX: SignedDuration = SignedDuration::from_secs(60);

/// Services seen lately, with when.
#[derive(Debug, Default, Clone)]
pub struct ServiceCache(Arc<Mutex<BTreeMap<ServiceId, (Timestamp, Service)>>>);

impl ServiceCache {
    fn get(&self, id: &ServiceId, now: Timestamp) -> Option<Service> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(id).filter(|(at, _)| now.duration_since(*at) < SERVICE_AGE_MAX).map(|(_, service)| service.clone())
    }

    fn put(&self, service: &Service, now: Timestamp) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(service.id.clone(), (now, service.clone()));
    }
}

/// What a hint led to.
pub(crate) enum Seen {
    /// A request, with what is known about it.
    Request(Box<Facts>),
    /// None of our business, and why.
    NotOurs(EndpointId, &'static str),
}

impl<D: Describe + Sync, A, L, G: Directory + Sync> Approve<D, A, L, G> {
    /// Follows a hint to what EC2 says.
    pub(crate) async fn look(&self, hint: EndpointRef) -> Result<Seen, AnswerError> {
        let EndpointRef { endpoint, service, region, claim } = hint;
        if region.is_some_and(|region| region != self.region) {
            return Ok(Seen::NotOurs(endpoint, "the service lives in another Region"));
        }
        let id = match service {
            Some(id) => id,
            None => self.service_of(&endpoint).await?,
        };
        let Some(service) = self.service(&id).await? else {
            return Ok(Seen::NotOurs(endpoint, "the service is not ours"));
        };
        if !self.scope.covers(&service) {
            return Ok(Seen::NotOurs(endpoint, "the service is out of scope"));
        }
        let all = self.describe.connections(ConnectionFilter::Service(&id)).await?;
        let connection = all.iter().find(|connection| connection.endpoint == endpoint).cloned();
        let connection = connection.ok_or(AnswerError::NotFoundYet(endpoint))?;
        let counts = Counts::of(&all, connection.owner.as_ref());
        let membership = Membership::NotAsked;
        let mut facts = Facts { service, connection, counts, membership, claim, now: (self.clock)() };
        self.members.complete(&self.policy, &mut facts).await;
        Ok(Seen::Request(Box::new(facts)))
    }

    async fn service_of(&self, endpoint: &EndpointId) -> Result<ServiceId, AnswerError> {
        let found = self.describe.connections(ConnectionFilter::Endpoint(endpoint)).await?;
        let connection = found.into_iter().find(|connection| connection.endpoint == *endpoint);
        connection.map(|connection| connection.service).ok_or_else(|| AnswerError::NotFoundYet(endpoint.clone()))
    }

    async fn service(&self, id: &ServiceId) -> Result<Option<Service>, AnswerError> {
        let now = (self.clock)();
        if let Some(service) = self.seen.get(id, now) {
            return Ok(Some(service));
        }
        let described = self.describe.services(Some(id)).await?;
        let service = described.into_iter().find(|service| service.id == *id);
        if let Some(service) = &service {
            self.seen.put(service, now);
        }
        Ok(service)
    }
}
