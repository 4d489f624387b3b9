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
}

impl Coverage {
    /// Returns true if the run had all evidence.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let whole = |of_service: &BTreeSet<Evidence>| self.has_all(of_service, &Evidence::ALL);
        self.services_listed && self.notifications_listed && self.unjudged.is_empty() && self.services.values().all(whole)
    }

    /// Returns true if the absence of the finding means that it no longer applies. A finding of another version, whose
    /// kind this one does not check, is never covered.
    #[must_use]
    pub fn covers(&self, finding: &Finding) -> bool {
        let Some(service) = finding.subject.service() else { return self.is_complete() };
        // A service that is not listed is deleted or no longer in scope.
        let Some(of_service) = self.services.get(service) else { return self.services_listed };
        let Some(definition) = definition(&finding.kind) else { return false };
        self.is_judged(&finding.subject) && self.has_all(of_service, definition.needs)
    }

    fn is_judged(&self, subject: &FindingSubject) -> bool {
        match subject {
            FindingSubject::Connection { service, id } => !self.unjudged.contains(&(service.clone(), id.clone())),
            FindingSubject::Service { .. }
            | FindingSubject::Principal { .. }
            | FindingSubject::Account { .. }
            | FindingSubject::Policy { .. }
            | FindingSubject::Group { .. } => true,
        }
    }

    fn has_all(&self, of_service: &BTreeSet<Evidence>, needs: &[Evidence]) -> bool {
        needs.iter().all(|evidence| match evidence {
            Evidence::Notifications => self.notifications_listed,
            Evidence::Configuration | Evidence::Permissions | Evidence::MissingPermissions | Evidence::Connections | Evidence::Ledger => {
                of_service.contains(evidence)
            }
        })
    }
}
