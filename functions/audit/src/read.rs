//! Reads one service: its connections, its permissions and the ledger's entries about it.
//!
//! The ledger is read after EC2, so that the record of a connection that was accepted a moment ago is more likely to be
//! there.
//!
//! A service whose connections do not fit on one page is counted page by page first, and read again when it is judged.
//! In memory are therefore one page of connections, two places in the order of acceptance for each live connection, and
//! the ledger's entries.

use warden::{
    audit::admission_order::AdmissionOrder,
    deadline::Deadline,
    ledger::history::LedgerHistory,
    model::{connection::ConnectionPage, ids::ServiceId, principal::AllowedPrincipal, service::ServiceConfiguration},
    ports::{CallError, History, Inventory},
};

use crate::{audit::Audit, unseen::Unread};

/// The outcome of reading a service.
pub(crate) enum Read {
    /// The service was read, its connections up to the end of their first page.
    Content(Box<Content>),
    /// The service has more than one page of connections. It is read when no other service is being read.
    Large(ServiceConfiguration),
    /// No time was left.
    Skipped(ServiceId),
}

/// A service that was read.
pub(crate) struct Content {
    pub(crate) configuration: ServiceConfiguration,
    pub(crate) permissions: Result<Vec<AllowedPrincipal>, CallError>,
    pub(crate) history: Result<LedgerHistory, CallError>,
    /// The first page, and the order of all pages.
    pub(crate) connections: Result<(ConnectionPage, AdmissionOrder), Unread>,
}

impl<I: Inventory + Sync, L: History + Sync, R, D> Audit<I, L, R, D> {
    /// Reads a service unless it is large.
    pub(crate) async fn read(&self, configuration: ServiceConfiguration, deadline: Deadline) -> Read {
        if deadline.near() {
            return Read::Skipped(configuration.service.id);
        }
        match self.inventory.page(&configuration.service.id, None).await {
            Ok(first) if first.next.is_some() => Read::Large(configuration),
            first => self.read_rest(configuration, first, deadline).await,
        }
    }

    /// Reads a large service.
    pub(crate) async fn read_large(&self, configuration: ServiceConfiguration, deadline: Deadline) -> Read {
        if deadline.near() {
            return Read::Skipped(configuration.service.id);
        }
        let first = self.inventory.page(&configuration.service.id, None).await;
        self.read_rest(configuration, first, deadline).await
    }

    async fn read_rest(&self, configuration: ServiceConfiguration, first: Result<ConnectionPage, CallError>, deadline: Deadline) -> Read {
        let id = &configuration.service.id;
        let (permissions, history) = futures_util::future::join(self.inventory.permissions(id), self.ledger.history(id)).await;
        let connections = match first {
            Ok(first) => self.count(id, first, history.as_ref().ok(), deadline).await,
            Err(error) => Err(error.into()),
        };
        Read::Content(Box::new(Content { configuration, permissions, history, connections }))
    }

    /// Counts the connections to the last page.
    async fn count(
        &self,
        service: &ServiceId,
        first: ConnectionPage,
        history: Option<&LedgerHistory>,
        deadline: Deadline,
    ) -> Result<(ConnectionPage, AdmissionOrder), Unread> {
        let mut order = AdmissionOrder::default();
        order.count(&first.connections, history);
        let mut next = first.next.clone();
        while let Some(from) = next {
            if deadline.near() {
                return Err(Unread::Deadline);
            }
            let page = self.inventory.page(service, Some(&from)).await?;
            order.count(&page.connections, history);
            next = page.next;
        }
        Ok((first, order.sorted()))
    }
}
