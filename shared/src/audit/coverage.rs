//! The evidence that a run has. A finding is resolved only if the run had the evidence that its check needs.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    audit::{definition::Evidence, findings::definition},
    ledger::finding::{Finding, FindingSubject},
    model::{ids::ServiceId, subject::Subject},
};

/// The evidence that a run has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// True if every service of the account and Region was listed.
    pub services_listed: bool,
    /// True if every connection notification was listed.
    pub notifications_listed: bool,
    /// The evidence about each service in scope.
    pub services: BTreeMap<ServiceId, BTreeSet<Evidence>>,
    /// Connections that could not be judged.
    pub unjudged: BTreeSet<(ServiceId, Subject)>,
    /// Those of them whose state is unknown, or whose description lacks a fact. No finding about them is resolved.
    pub undescribed: BTreeSet<(ServiceId, Subject)>,
}

impl Coverage {
    /// Returns true if the run had all evidence.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let whole = |of_service: &BTreeSet<Evidence>| Evidence::ALL.iter().all(|evidence| of_service.contains(evidence));
        self.services_listed && self.notifications_listed && self.unjudged.is_empty() && self.services.values().all(whole)
    }

    /// Returns true if the absence of the finding means that it no longer applies. That is never so for a kind of another
    /// version, which this one does not check, unless the service is gone.
    #[must_use]
    pub fn covers(&self, finding: &Finding) -> bool {
        let definition = definition(&finding.kind);
        let Some(service) = finding.subject.service() else { return definition.is_some() && self.is_complete() };
        // A service that is not listed is deleted or no longer in scope.
        let Some(of_service) = self.services.get(service) else { return self.services_listed };
        let Some(definition) = definition else { return false };
        let is_in = |connections: &BTreeSet<(ServiceId, Subject)>| matches!(&finding.subject, FindingSubject::Connection { service, id } if connections.contains(&(service.clone(), id.clone())));
        let has = |evidence: &Evidence| {
            if *evidence == Evidence::Judgement { !is_in(&self.unjudged) } else { of_service.contains(evidence) }
        };
        !is_in(&self.undescribed) && definition.needs.iter().all(has)
    }
}
