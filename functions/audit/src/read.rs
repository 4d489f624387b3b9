//! Reads one service: its connections, its door, and what the ledger knows about it. The ledger is read after EC2, so that
//! what was let in a moment ago is more likely to be on it.
//!
//! A service with more connections than a page holds is counted page by page, and read again when it is judged: so no
//! more than a page of them is in memory at once. Of each live one two places in the order of age stay, and what the
//! ledger holds.

use warden::{
    audit::admission_order::AdmissionOrder,
    deadline::Deadline,
    ledger::history::LedgerHistory,
    model::{connection::ConnectionPage, ids::ServiceId, principal::AllowedPrincipal, service::ServiceConfiguration},
    ports::{CallError, History, Inventory},
};

use crate::Audit;

/// What was read of one service.
pub(crate) struct Read {
    pub(crate) offer: ServiceConfiguration,
    pub(crate) content: Content,
}

pub(crate) enum Content {
    /// All of it, or the first page.
    Whole(Box<Whole>),
    /// It has more connections than a page holds, and is read by itself once nothing else is.
    Large,
    /// There was no time left.
    TooLate,
}

pub(crate) struct Whole {
    pub(crate) permissions: Result<Vec<AllowedPrincipal>, CallError>,
    pub(crate) memory: Result<LedgerHistory, CallError>,
    pub(crate) connections: Result<(ConnectionPage, AdmissionOrder), CallError>,
}

impl<S: Inventory + Sync, L: History + Sync, K, G> Audit<S, L, K, G> {
    /// Reads a service that may turn out to be large.
    pub(crate) async fn read(&self, offer: ServiceConfiguration, deadline: Deadline) -> Read {
        if deadline.near() {
            return Read { offer, content: Content::TooLate };
        }
        match self.survey.page(&offer.service.id, None).await {
            Ok(first) if first.next.is_some() => Read { offer, content: Content::Large },
            first => self.rest(offer, first, deadline).await,
        }
    }

    /// Reads a large service.
    pub(crate) async fn read_large(&self, offer: ServiceConfiguration, deadline: Deadline) -> Read {
        if deadline.near() {
            return Read { offer, content: Content::TooLate };
        }
        let first = self.survey.page(&offer.service.id, None).await;
        self.rest(offer, first, deadline).await
    }

    async fn rest(&self, offer: ServiceConfiguration, first: Result<ConnectionPage, CallError>, deadline: Deadline) -> Read {
        let id = &offer.service.id;
        let (permissions, memory) = futures_util::future::join(self.survey.permissions(id), self.ledger.recall(id)).await;
        let connections = match first {
            Ok(first) => self.counted(id, first, memory.as_ref().ok(), deadline).await,
            Err(error) => Err(error),
        };
        Read { offer, content: Content::Whole(Box::new(Whole { permissions, memory, connections })) }
    }

    async fn counted(
        &self,
        service: &ServiceId,
        first: ConnectionPage,
        memory: Option<&LedgerHistory>,
        deadline: Deadline,
    ) -> Result<(ConnectionPage, AdmissionOrder), CallError> {
        let mut census = AdmissionOrder::default();
        census.count(&first.connections, memory);
        let mut next = first.next.clone();
        while let Some(from) = next {
            if deadline.near() {
                let message = "the deadline was near".to_owned();
                return Err(CallError { call: "counting the connections", code: Some("Deadline".to_owned()), message, source: None });
            }
            let page = self.survey.page(service, Some(&from)).await?;
            census.count(&page.connections, memory);
            next = page.next;
        }
        Ok((first, census.sorted()))
    }
}
