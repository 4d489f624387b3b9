//! What is new: the findings of a run held against those that are open on the ledger. Pure.
//!
//! News is what was not there before, what has become worse, and what is gone. What a run could not look at is not
//! gone ([`Looked`]).

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    connection::Service,
    finding::{Finding, Kind, Severity, Subject},
    ids::{EndpointId, Region, ServiceId},
};

/// The version of [`Digest`]'s and [`Open`]'s shape. A reader refuses what is newer than itself.
pub const SCHEMA_VERSION: u32 = 1;

/// Changes that one run puts on the ledger for one owner. What is beyond it is news for the next run.
pub const CHANGES_MAX: usize = 1_000;

/// Changes that one message tells in full; the report has the others.
const TOLD_MAX: usize = 25;

/// What the ledger holds of earlier runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// The findings that are open.
    pub open: Vec<Open>,
    /// The ids of open findings that this version cannot read. They are left as they are.
    pub unreadable: BTreeSet<String>,
    /// Since when the audit has known each policy, group and policy set, by `policy/ID`, `group/NAME`, `digest/SHA-256`.
    pub known_since: BTreeMap<String, Timestamp>,
}

/// A finding as it stands open on the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
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
    Opened(Open),
    /// There before, and worse now: the second is the new one.
    Worsened(Box<Open>, Open),
    /// There before, and less bad now: kept, so that a new rise is news, and told to nobody.
    Eased(Box<Open>, Open),
    /// Gone.
    Resolved(Open),
}

/// What a run looked at. Only what was looked at can be found to be gone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looked {
    /// Every service of the account and Region was listed.
    pub services_listed: bool,
    /// Every subscription was listed.
    pub subscriptions: bool,
    /// The services in scope, with what was seen of each.
    pub services: BTreeMap<ServiceId, LookedAt>,
    /// Connections that could not be judged.
    pub blind: BTreeSet<(ServiceId, EndpointId)>,
}

/// What was seen of one service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LookedAt {
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

impl Looked {
    /// Whether the whole world was seen.
    #[must_use]
    pub fn everything(&self) -> bool {
        let whole = |at: &LookedAt| at.door && at.connections && at.permissions && at.ledger && at.askers;
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
        if let Subject::Connection { service, endpoint } = &finding.subject
            && self.blind.contains(&(service.clone(), endpoint.clone()))
        {
            return false;
        }
        match finding.kind {
            Kind::Unjustified
            | Kind::ExpiredGrant
            | Kind::Unrecorded
            | Kind::Overdue
            | Kind::Waiting
            | Kind::ClosedRegion
            | Kind::ExpiringSoon
            | Kind::UnknownState => at.connections && at.ledger,
            // How bad it is depends on who may come.
            Kind::OpenDoor => at.door && at.permissions,
            Kind::WidePermission => at.permissions,
            Kind::CannotAsk => at.permissions && at.askers,
            Kind::SilentService => at.door && self.subscriptions,
            Kind::PolicyError | Kind::UnusedPolicy => self.everything(),
        }
    }
}

/// What changed. `found` is everything found, with whose it is; `open` is what the ledger holds.
#[must_use]
pub fn changes(open: &[Open], found: Vec<(Owner, Finding)>, all_ids: &BTreeSet<String>, looked: &Looked, now: Timestamp) -> Vec<Change> {
    let before: BTreeMap<&str, &Open> = open.iter().map(|open| (open.finding.id.as_str(), open)).collect();
    let mut changes = Vec::new();
    for (owner, finding) in found {
        match before.get(finding.id.as_str()) {
            None => changes.push(Change::Opened(Open { schema: SCHEMA_VERSION, finding, owner, since: now })),
            Some(&was) if (finding.severity, finding.level) > (was.finding.severity, was.finding.level) => {
                changes.push(Change::Worsened(Box::new(was.clone()), Open { schema: SCHEMA_VERSION, finding, owner, since: was.since }));
            }
            Some(&was) if finding.severity < was.finding.severity && looked.covers(&finding) => {
                changes.push(Change::Eased(Box::new(was.clone()), Open { schema: SCHEMA_VERSION, finding, owner, since: was.since }));
            }
            Some(_) => {}
        }
    }
    let gone = open.iter().filter(|open| !all_ids.contains(&open.finding.id) && looked.covers(&open.finding));
    changes.extend(gone.cloned().map(Change::Resolved));
    changes
}

impl Change {
    /// Whose business it is.
    #[must_use]
    pub fn owner(&self) -> &Owner {
        match self {
            Self::Opened(open) | Self::Worsened(_, open) | Self::Eased(_, open) | Self::Resolved(open) => &open.owner,
        }
    }

    fn finding(&self) -> &Finding {
        match self {
            Self::Opened(open) | Self::Worsened(_, open) | Self::Eased(_, open) | Self::Resolved(open) => &open.finding,
        }
    }
}

/// Changes by owner, each owner's worst first.
#[must_use]
pub fn by_owner(mut changes: Vec<Change>) -> BTreeMap<Owner, Vec<Change>> {
    changes.sort_by(|a, b| a.finding().reading_order(b.finding()));
    let mut map: BTreeMap<Owner, Vec<Change>> = BTreeMap::new();
    for change in changes {
        map.entry(change.owner().clone()).or_default().push(change);
    }
    map
}

/// One run's news for one owner: what notify makes a message of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// [`SCHEMA_VERSION`] at the time of writing.
    pub schema: u32,
    /// The run.
    pub run: String,
    /// When it began.
    pub at: Timestamp,
    /// The Region it looked at.
    pub region: Region,
    /// Whom it is for.
    pub owner: Owner,
    /// New findings, the worst first.
    pub opened: Vec<Finding>,
    /// Findings that have become worse.
    pub worsened: Vec<Finding>,
    /// Findings that are gone.
    pub resolved: Vec<Resolved>,
    /// How many of each there are, told here or not.
    pub totals: Totals,
    /// Findings of this owner that are open now, by severity.
    pub open: BTreeMap<Severity, usize>,
    /// Where the report lies.
    pub report: Option<String>,
    /// What was not seen.
    pub unseen: Vec<String>,
    /// The policy that judged.
    pub policy_digest: String,
}

/// How many changes there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// New ones.
    pub opened: usize,
    /// Worse ones.
    pub worsened: usize,
    /// Gone ones.
    pub resolved: usize,
}

/// A finding that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// What it was.
    pub finding: Finding,
    /// When it was first seen.
    pub since: Timestamp,
    /// For how many seconds it was open.
    pub open_seconds: i64,
}

/// What all digests of one run share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edition {
    /// The run.
    pub run: String,
    /// When it began.
    pub at: Timestamp,
    /// The Region it looked at.
    pub region: Region,
    /// Where the report lies.
    pub report: Option<String>,
    /// What was not seen.
    pub unseen: Vec<String>,
    /// The policy that judged.
    pub policy_digest: String,
}

impl Edition {
    /// The digest of one owner's changes.
    #[must_use]
    pub fn digest(&self, owner: Owner, changes: &[Change], open: BTreeMap<Severity, usize>) -> Digest {
        const UNSEEN_TOLD_MAX: usize = 10;
        let mut digest = Digest {
            schema: SCHEMA_VERSION,
            run: self.run.clone(),
            at: self.at,
            region: self.region.clone(),
            owner,
            opened: Vec::new(),
            worsened: Vec::new(),
            resolved: Vec::new(),
            totals: Totals::default(),
            open,
            report: self.report.clone(),
            unseen: self.unseen.iter().take(UNSEEN_TOLD_MAX).cloned().collect(),
            policy_digest: self.policy_digest.clone(),
        };
        changes.iter().for_each(|change| digest.add(change));
        digest
    }
}

impl Digest {
    fn add(&mut self, change: &Change) {
        match change {
            Change::Opened(open) => {
                self.totals.opened += 1;
                keep(&mut self.opened, open.finding.clone());
            }
            Change::Worsened(_, open) => {
                self.totals.worsened += 1;
                keep(&mut self.worsened, open.finding.clone());
            }
            Change::Eased(..) => {}
            Change::Resolved(open) => {
                self.totals.resolved += 1;
                let open_seconds = self.at.duration_since(open.since).max(SignedDuration::ZERO).as_secs();
                keep(&mut self.resolved, Resolved { finding: open.finding.clone(), since: open.since, open_seconds });
            }
        }
    }

    /// Whether there is anything to tell.
    #[must_use]
    pub fn is_news(&self) -> bool {
        self.totals != Totals::default()
    }

    /// The worst that is new.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.opened.iter().chain(&self.worsened).map(|finding| finding.severity).max().unwrap_or(Severity::Info)
    }

    /// The name under which the ledger keeps it: one for each run, owner and moment.
    #[must_use]
    pub fn key(&self) -> String {
        let owner = self.owner.as_ref().map_or_else(|| "default".to_owned(), |topic| format!("topic/{topic}"));
        format!("{owner}#{}", self.at)
    }

    /// Reads a digest back.
    ///
    /// # Errors
    /// When it is none, or one of a newer schema.
    pub fn from_json(text: &str) -> Result<Self, DigestError> {
        #[derive(Deserialize)]
        struct Version {
            schema: u32,
        }
        let Version { schema } = serde_json::from_str(text)?;
        if schema > SCHEMA_VERSION {
            return Err(DigestError::Newer(schema));
        }
        Ok(serde_json::from_str(text)?)
    }
}

fn keep<T>(list: &mut Vec<T>, item: T) {
    if list.len() < TOLD_MAX {
        list.push(item);
    }
}

/// A digest that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DigestError {
    /// Not of the documented shape.
    #[error("not a digest of an audit")]
    Malformed(#[from] serde_json::Error),
    /// Written by a newer version.
    #[error("the digest has schema {0}, this version reads up to {SCHEMA_VERSION}: upgrade this function")]
    Newer(u32),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_tag_has_the_name_of_having_none() {
        let edition = Edition {
            run: "run".to_owned(),
            at: Timestamp::UNIX_EPOCH,
            region: "us-east-1".parse().unwrap(),
            report: None,
            unseen: Vec::new(),
            policy_digest: String::new(),
        };
        let key = |owner: Owner| edition.digest(owner, &[], BTreeMap::new()).key();
        assert_ne!(key(None), key(Some("default".to_owned())));
        assert_ne!(key(None), key(Some(String::new())));
    }
}
