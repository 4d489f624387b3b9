//! The evidence that a run has. A finding is resolved only if the run had the evidence that its check needs.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    audit::{definition::Evidence, findings::definition},
    ledger::finding::{Finding, FindingSubject},
    model::{connection::Phase, ids::ServiceId, subject::Subject},
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
    /// Connections that could not be judged, each with the phase of its state.
    pub unjudged: BTreeMap<(ServiceId, Subject), Phase>,
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
        let unjudged = if let FindingSubject::Connection { service, id } = &finding.subject {
            self.unjudged.get(&(service.clone(), id.clone()))
        } else {
            None
        };
        let has = |evidence: &Evidence| if *evidence == Evidence::Judgement { unjudged.is_none() } else { of_service.contains(evidence) };
        unjudged != Some(&Phase::Unknown) && definition.needs.iter().all(has)
    }
}
