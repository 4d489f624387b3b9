//! The findings that are open on the ledger, and the changes that a run makes to them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ledger::{
        counted::ToldDays,
        finding::{Finding, SCHEMA_VERSION},
    },
    model::{ids::ServiceId, service::Service, subject::Subject},
    policy::{GroupName, PolicyId},
};

/// The state that earlier runs left on the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredFindings {
    /// The open findings.
    pub open: Vec<OpenFinding>,
    /// The ids of open findings that this version cannot read. The audit does not change them.
    pub unreadable: BTreeSet<String>,
    /// The times at which the audit first read each part of the policy.
    pub known_since: KnownSince,
    /// The days whose counted requests were told.
    pub told_days: ToldDays,
}

/// Pending requests that the audit remembers as allowed. They are few, unless nothing answers requests any more.
pub const ALLOWED_MAX: usize = 1_000;

/// The times at which the audit first read each policy, each group and the policy set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownSince {
    /// The policies, by id.
    pub policies: BTreeMap<PolicyId, Timestamp>,
    /// The groups, by name.
    pub groups: BTreeMap<GroupName, Timestamp>,
    /// The policy set of the last run. Absent before the first run.
    pub policy_set: Option<KnownPolicySet>,
    /// The pending requests that the last run found allowed, each with the time of the first of the runs that did so one after
    /// the other. At most [`ALLOWED_MAX`].
    #[serde(default)]
    pub allowed: BTreeMap<ServiceId, BTreeMap<Subject, Timestamp>>,
}

impl KnownSince {
    /// The time since which every run has found a pending request allowed.
    #[must_use]
    pub fn allowed(&self, service: &ServiceId, subject: &Subject) -> Option<Timestamp> {
        self.allowed.get(service)?.get(subject).copied()
    }

    /// Remembers a pending request as allowed since a time.
    pub fn remember_allowed(&mut self, service: &ServiceId, subject: &Subject, since: Timestamp) {
        if self.allowed.values().map(BTreeMap::len).sum::<usize>() < ALLOWED_MAX {
            self.allowed.entry(service.clone()).or_default().insert(subject.clone(), since);
        }
    }
}

/// A policy set and the time at which the audit first read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownPolicySet {
    /// The digest of the set.
    pub digest: String,
    /// The time of the first of the runs that read it one after the other.
    pub since: Timestamp,
}

/// An open finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenFinding {
    /// The schema version at the time of writing.
    pub schema: u32,
    /// The finding as last published.
    pub finding: Finding,
    /// The recipient of its messages.
    pub owner: Owner,
    /// The time of the run that first found it.
    pub since: Timestamp,
}

impl OpenFinding {
    /// A finding in the shape of this version.
    #[must_use]
    pub fn new(finding: Finding, owner: Owner, since: Timestamp) -> Self {
        Self { schema: SCHEMA_VERSION, finding, owner, since }
    }
}

/// The recipient of messages about a service: the topic in the service's tag. `None` is the default topic.
pub type Owner = Option<String>;

/// The tag of a service that names its owner's topic.
pub const OWNER_TAG: &str = "warden:owner-topic";

/// The owner of a service.
#[must_use]
pub fn owner_of(service: &Service) -> Owner {
    service.tags.get(OWNER_TAG).cloned()
}

/// One change of an open finding, with the stored finding that it replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A new finding.
    Opened(OpenFinding),
    /// A finding whose severity or level rose: the stored one, then the new one.
    Worsened(Box<OpenFinding>, OpenFinding),
    /// A finding whose severity fell: the stored one, then the new one. It is stored, so that a later rise is published.
    /// It is not published itself.
    Improved(Box<OpenFinding>, OpenFinding),
    /// A finding that no longer applies.
    Resolved(OpenFinding),
}

impl Change {
    /// The finding after the change, or the one that was resolved.
    #[must_use]
    pub fn open_finding(&self) -> &OpenFinding {
        match self {
            Self::Opened(open) | Self::Worsened(_, open) | Self::Improved(_, open) | Self::Resolved(open) => open,
        }
    }
}
