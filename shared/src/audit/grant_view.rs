//! The grants on one service after its connections were judged, as checks read them.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    audit::{connection_view::ConnectionView, thresholds::Thresholds},
    decision::grant::{Grant, Grantee},
    model::service::Service,
};

/// The grantees whose grants the connections of one service use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GrantUse {
    /// An endpoint exists that the grant is about.
    pub(super) present: BTreeSet<Grantee>,
    /// Such an endpoint that no policy accepts.
    pub(super) needed: BTreeSet<Grantee>,
}

impl GrantUse {
    /// Adds a connection that is not gone.
    pub fn add(&mut self, view: &ConnectionView<'_>) {
        for grant in view.grants() {
            self.present.insert(grant.to.clone());
            if !view.accepted_by_policy() {
                self.needed.insert(grant.to.clone());
            }
        }
    }
}

/// The grants on one service. Valid only if every connection of the service was judged.
#[derive(Debug, Clone, Copy)]
pub struct GrantView<'a> {
    /// The settings.
    pub thresholds: &'a Thresholds,
    /// The service.
    pub service: &'a Service,
    /// Its grants, ended or not.
    pub grants: &'a [Grant],
    /// The grants that connections use.
    pub usage: &'a GrantUse,
    /// The time of the run.
    pub now: Timestamp,
}
