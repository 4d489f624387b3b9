//! What a run looked at. Only a finding about something that was looked at can be resolved.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    ledger::finding::{Finding, FindingKind, FindingSubject},
    model::ids::{EndpointId, ServiceId},
};

/// What a run looked at. Only what was looked at can be found to be gone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Every service of the account and Region was listed.
    pub services_listed: bool,
    /// Every subscription was listed.
    pub subscriptions: bool,
    /// The services in scope, with what was seen of each.
    pub services: BTreeMap<ServiceId, ServiceCoverage>,
    /// Connections that could not be judged.
    pub blind: BTreeSet<(ServiceId, EndpointId)>,
}

/// What was seen of one service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServiceCoverage {
    /// Its own settings.
    pub door: bool,
    /// All of its connections.
    pub connections: bool,
    /// All of its permissions.
    pub permissions: bool,
    /// All that the ledger holds about it.
    pub ledger: bool,
    /// Every account that cannot ask was told.
    pub askers: bool,
}

impl Coverage {
    /// Whether the whole world was seen.
    #[must_use]
    pub fn everything(&self) -> bool {
        let whole = |at: &ServiceCoverage| at.door && at.connections && at.permissions && at.ledger && at.askers;
        self.services_listed && self.subscriptions && self.blind.is_empty() && self.services.values().all(whole)
    }

    /// Whether the absence of this finding means that it is gone.
    #[must_use]
    pub fn covers(&self, finding: &Finding) -> bool {
        let Some(service) = finding.subject.service() else {
            return self.everything();
        };
        let Some(at) = self.services.get(service) else {
            // Listed and not there: the service is gone, or no business of ours any more.
            return self.services_listed;
        };
        if let FindingSubject::Connection { service, endpoint } = &finding.subject
            && self.blind.contains(&(service.clone(), endpoint.clone()))
        {
            return false;
        }
        match finding.kind {
            FindingKind::Unjustified
            | FindingKind::ExpiredGrant
            | FindingKind::Unrecorded
            | FindingKind::Overdue
            | FindingKind::Waiting
            | FindingKind::ClosedRegion
            | FindingKind::ExpiringSoon
            | FindingKind::UnknownState => at.connections && at.ledger,
            // How bad it is depends on who may come.
            FindingKind::OpenDoor => at.door && at.permissions,
            FindingKind::WidePermission => at.permissions,
            FindingKind::CannotAsk => at.permissions && at.askers,
            FindingKind::SilentService => at.door && self.subscriptions,
            FindingKind::PolicyError | FindingKind::UnusedPolicy => self.everything(),
        }
    }
}
