//! Findings of the audit, and what the ledger keeps of them between runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{
    ids::{AccountId, EndpointId, ServiceId},
    service::Service,
    severity::Severity,
};
use crate::policy::{GroupName, PolicyId};

/// What kind of thing is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// A live connection that the policy would not accept now and no grant covers.
    Unjustified,
    /// A live connection whose grant has ended.
    ExpiredGrant,
    /// A live connection that stands nowhere in the ledger.
    Unrecorded,
    /// A request that the policy accepts and that still waits.
    Overdue,
    /// A request that waits for a person, for long.
    Waiting,
    /// A service that lets everybody in who may ask.
    OpenDoor,
    /// A permission to ask for somebody whom the policy never accepts.
    WidePermission,
    /// An account that the policy accepts and that may not ask.
    CannotAsk,
    /// A service whose requests are not announced.
    SilentService,
    /// A live connection from a Region the service no longer supports.
    ClosedRegion,
    /// A policy that cannot be evaluated on what is really there.
    PolicyError,
    /// A justification that is about to end.
    ExpiringSoon,
    /// A connection in a state this version does not know.
    UnknownState,
    /// A permit or a group that nobody uses.
    UnusedPolicy,
}

impl FindingKind {
    /// Every kind.
    pub const ALL: [Self; 14] = [
        Self::Unjustified,
        Self::ExpiredGrant,
        Self::Unrecorded,
        Self::Overdue,
        Self::Waiting,
        Self::OpenDoor,
        Self::WidePermission,
        Self::CannotAsk,
        Self::SilentService,
        Self::ClosedRegion,
        Self::PolicyError,
        Self::ExpiringSoon,
        Self::UnknownState,
        Self::UnusedPolicy,
    ];

    /// The word used in ids, reports and filters.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unjustified => "unjustified",
            Self::ExpiredGrant => "expired-grant",
            Self::Unrecorded => "unrecorded",
            Self::Overdue => "overdue",
            Self::Waiting => "waiting",
            Self::OpenDoor => "open-door",
            Self::WidePermission => "wide-permission",
            Self::CannotAsk => "cannot-ask",
            Self::SilentService => "silent-service",
            Self::ClosedRegion => "closed-region",
            Self::PolicyError => "policy-error",
            Self::ExpiringSoon => "expiring-soon",
            Self::UnknownState => "unknown-state",
            Self::UnusedPolicy => "unused-policy",
        }
    }

    /// What it says of its subject, as a heading.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Unjustified => "Connected, and no policy allows it",
            Self::ExpiredGrant => "Connected on a grant that has ended",
            Self::Unrecorded => "Connected, and not on the record",
            Self::Overdue => "Allowed, and still waiting",
            Self::Waiting => "Waiting for a person",
            Self::OpenDoor => "Acceptance is switched off",
            Self::WidePermission => "May ask, and is never accepted",
            Self::CannotAsk => "Is accepted, and may not ask",
            Self::SilentService => "Requests are not announced",
            Self::ClosedRegion => "Connected from a closed Region",
            Self::PolicyError => "A policy cannot be evaluated",
            Self::ExpiringSoon => "Its justification ends soon",
            Self::UnknownState => "In an unknown state",
            Self::UnusedPolicy => "Used by nobody",
        }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "type")]
pub enum FindingSubject {
    /// A service.
    Service {
        /// Which.
        service: ServiceId,
    },
    /// A connection to a service.
    Connection {
        /// The service.
        service: ServiceId,
        /// The endpoint.
        endpoint: EndpointId,
    },
    /// An allowed principal of a service.
    Principal {
        /// The service.
        service: ServiceId,
        /// As EC2 returned it.
        principal: String,
    },
    /// An account that might ask a service.
    Asker {
        /// The service.
        service: ServiceId,
        /// The account.
        account: AccountId,
    },
    /// A policy.
    Policy {
        /// Its `@id`.
        policy: PolicyId,
    },
    /// A group of accounts.
    Group {
        /// Its name.
        group: GroupName,
    },
}

impl FindingSubject {
    /// The service it concerns, if it concerns one.
    #[must_use]
    pub fn service(&self) -> Option<&ServiceId> {
        match self {
            Self::Service { service }
            | Self::Connection { service, .. }
            | Self::Principal { service, .. }
            | Self::Asker { service, .. } => Some(service),
            Self::Policy { .. } | Self::Group { .. } => None,
        }
    }
}

impl fmt::Display for FindingSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service { service } => write!(f, "{service}"),
            Self::Connection { service, endpoint } => write!(f, "{service}/{endpoint}"),
            Self::Principal { service, principal } => write!(f, "{service}/{principal}"),
            Self::Asker { service, account } => write!(f, "{service}/{account}"),
            Self::Policy { policy } => write!(f, "policy/{policy}"),
            Self::Group { group } => write!(f, "group/{group}"),
        }
    }
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// `KIND/SUBJECT`: the same from run to run.
    pub id: String,
    /// What kind of thing.
    pub kind: FindingKind,
    /// How soon somebody should look.
    pub severity: Severity,
    /// How often it is to be told again: it is news when this rises, or the severity.
    #[serde(default)]
    pub level: u32,
    /// What it is about.
    pub subject: FindingSubject,
    /// The account it concerns, if it concerns one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// One or two sentences: what is, and why that is not as it should be.
    pub what: String,
    /// What it rests on, by name.
    pub evidence: BTreeMap<String, String>,
    /// What to do next.
    pub next: Vec<Step>,
}

/// Something the reader can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// In words.
    pub what: String,
    /// The command, where there is one. It holds nothing but ids and ARNs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

impl Finding {
    pub(crate) fn new(kind: FindingKind, severity: Severity, subject: FindingSubject, what: String) -> Self {
        let id = format!("{kind}/{subject}");
        let what = clip(&what);
        Self { id, kind, severity, level: 0, subject, account: None, what, evidence: BTreeMap::new(), next: Vec::new() }
    }

    /// Shows the name by which people know the service.
    pub(crate) fn at(self, service: &Service) -> Self {
        match service.tags.get("Name").filter(|name| !name.is_empty()) {
            Some(name) => self.shown("service", name),
            None => self,
        }
    }

    pub(crate) fn concerning(mut self, account: Option<&AccountId>) -> Self {
        self.account = account.cloned();
        self
    }

    pub(crate) fn shown(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.evidence.insert(name.to_owned(), clip(&value.to_string()));
        self
    }

    pub(crate) fn advise(mut self, what: &str) -> Self {
        self.next.push(Step { what: what.to_owned(), command: None });
        self
    }

    pub(crate) fn command(mut self, what: &str, command: String) -> Self {
        self.next.push(Step { what: what.to_owned(), command: Some(command) });
        self
    }

    /// As it stands in a report on a run that did not look at it.
    #[must_use]
    pub fn not_looked_at(self) -> Self {
        self.shown("not looked at", "open since before; this run could not look at it")
    }

    /// The order in which people read: the worst first, then by id.
    #[must_use]
    pub fn reading_order(&self, other: &Self) -> std::cmp::Ordering {
        other.severity.cmp(&self.severity).then_with(|| self.kind.cmp(&other.kind)).then_with(|| self.id.cmp(&other.id))
    }
}

/// A policy's author may write whole pages; a finding has to fit on the ledger beside many others.
fn clip(text: &str) -> String {
    const CHARACTERS_MAX: usize = 600;
    match text.char_indices().nth(CHARACTERS_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

/// What the ledger holds of earlier runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredFindings {
    /// The findings that are open.
    pub open: Vec<OpenFinding>,
    /// The ids of open findings that this version cannot read. They are left as they are.
    pub unreadable: BTreeSet<String>,
    /// Since when the audit has known each policy, group and policy set, by `policy/ID`, `group/NAME`, `digest/SHA-256`.
    pub known_since: BTreeMap<String, Timestamp>,
}

/// A finding as it stands open on the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenFinding {
    /// [`SCHEMA_VERSION`] at the time of writing.
    pub schema: u32,
    /// As it was last told.
    pub finding: Finding,
    /// Who was told: the service's own topic, if its tag names one.
    pub owner: Owner,
    /// When it was first seen.
    pub since: Timestamp,
}

/// Whom a digest is for: the topic in the service's tag, or nobody in particular.
pub type Owner = Option<String>;

/// The tag with which a service names its owner's topic.
pub const OWNER_TAG: &str = "warden:owner-topic";

/// Whom a service belongs to.
#[must_use]
pub fn owner_of(service: &Service) -> Owner {
    service.tags.get(OWNER_TAG).cloned()
}

/// One change, with what the ledger held before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Not there before.
    Opened(OpenFinding),
    /// There before, and worse now: the second is the new one.
    Worsened(Box<OpenFinding>, OpenFinding),
    /// There before, and less bad now: kept, so that a new rise is news, and told to nobody.
    Eased(Box<OpenFinding>, OpenFinding),
    /// Gone.
    Resolved(OpenFinding),
}

impl Change {
    /// Whose business it is.
    #[must_use]
    pub fn owner(&self) -> &Owner {
        match self {
            Self::Opened(open) | Self::Worsened(_, open) | Self::Eased(_, open) | Self::Resolved(open) => &open.owner,
        }
    }

    pub(crate) fn finding(&self) -> &Finding {
        match self {
            Self::Opened(open) | Self::Worsened(_, open) | Self::Eased(_, open) | Self::Resolved(open) => &open.finding,
        }
    }
}
