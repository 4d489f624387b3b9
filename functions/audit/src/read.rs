//! Reads one service: its connections, its permissions and the ledger's entries about it.
//!
//! The ledger is read after EC2, so that the record of a connection that was accepted a moment ago is more likely to be
//! there.
//!
//! A service whose connections do not fit on one page is counted page by page first, and read again when it is judged.
//! In memory are therefore one page of connections with the ledger's entries about them, and two places in the order of
//! acceptance for each live connection. Connections that EC2 no longer lists take no memory.

use futures_util::{TryStreamExt, stream};
use warden::{
    audit::{admission_order::AdmissionOrder, permission_diff::GrantedAccounts},
    deadline::Deadline,
    ledger::history::{LedgerHistory, PageHistory},
    model::{connection::ConnectionPage, ids::ServiceId, principal::AllowedPrincipal, service::ServiceConfiguration},
    ports::{CallError, History, Inventory},
};

use crate::{audit::Audit, unseen::Unread};

/// Connections in one question to the ledger: as many as fit into one call to DynamoDB, which takes 100 keys.
const CONNECTIONS_PER_CALL: usize = 33;

/// Questions to the ledger about one page at the same time.
const CALLS_AT_ONCE: usize = 4;

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
    pub(crate) connections: Result<Counted, Unread>,
}

/// The connections of a service, counted to the last page.
pub(crate) struct Counted {
    pub(crate) first: Page,
    /// The order of all pages.
    pub(crate) order: AdmissionOrder,
    pub(crate) granted: GrantedAccounts,
}

/// A page of connections, with the ledger's entries about them.
pub(crate) struct Page {
    pub(crate) connections: ConnectionPage,
    pub(crate) history: Result<PageHistory, CallError>,
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
    ) -> Result<Counted, Unread> {
        let now = (self.clock)();
        let grants = history.map_or(&[][..], |history| history.grants.as_slice());
        let (mut order, mut granted) = (AdmissionOrder::default(), GrantedAccounts::default());
        let first = self.with_history(service, first).await;
        order.count(&first.connections.connections, first.history.as_ref().ok());
        granted.add(grants, &first.connections.connections, now);
        let mut next = first.connections.next.clone();
        while let Some(from) = next {
            if deadline.near() {
                return Err(Unread::Deadline);
            }
            let page = self.page(service, &from).await?;
            order.count(&page.connections.connections, Some(&page.history?));
            granted.add(grants, &page.connections.connections, now);
            next = page.connections.next;
        }
        Ok(Counted { first, order: order.sorted(), granted })
    }

    /// Reads a further page.
    pub(crate) async fn page(&self, service: &ServiceId, from: &str) -> Result<Page, CallError> {
        let connections = self.inventory.page(service, Some(from)).await?;
        Ok(self.with_history(service, connections).await)
    }

    async fn with_history(&self, service: &ServiceId, connections: ConnectionPage) -> Page {
        let parts = connections.connections.chunks(CONNECTIONS_PER_CALL).map(|part| Ok(self.ledger.entries(service, part)));
        let all = stream::iter(parts).try_buffer_unordered(CALLS_AT_ONCE);
        let history = all.try_fold(PageHistory::default(), |mut all, part| async {
            all.extend(part);
            Ok(all)
        });
        Page { history: history.await, connections }
    }
}
