//! Reads one service: its door, what the ledger knows about it, and its first page of connections. Of a service with
//! more connections than a page holds, all pages are counted here and read again when they are judged: so memory does
//! not grow with the number of connections.

use warden::{
    ids::ServiceId,
    ports::{CallError, Recall, Survey},
    principal::Permission,
    survey::{Memory, Offer, Page},
};

use crate::{Audit, census::Census};

/// What was read of one service.
pub(crate) struct Read {
    pub(crate) offer: Offer,
    /// `None`: there was no time left.
    pub(crate) content: Option<Content>,
}

pub(crate) struct Content {
    pub(crate) permissions: Result<Vec<Permission>, CallError>,
    pub(crate) memory: Result<Memory, CallError>,
    pub(crate) connections: Result<(Page, Census), CallError>,
}

impl<S: Survey + Sync, L: Recall + Sync, K> Audit<S, L, K> {
    pub(crate) async fn read(&self, offer: Offer, in_time: bool) -> Read {
        if !in_time {
            return Read { offer, content: None };
        }
        let id = &offer.service.id;
        let (permissions, memory, connections) =
            futures_util::future::join3(self.survey.permissions(id), self.ledger.recall(id), self.first_page(id)).await;
        Read { content: Some(Content { permissions, memory, connections }), offer }
    }

    async fn first_page(&self, service: &ServiceId) -> Result<(Page, Census), CallError> {
        let first = self.survey.page(service, None).await?;
        let mut census = Census::default();
        census.count(&first.connections);
        let mut next = first.next.clone();
        while let Some(from) = next {
            let page = self.survey.page(service, Some(&from)).await?;
            census.count(&page.connections);
            next = page.next;
        }
        Ok((first, census.sorted()))
    }
}
