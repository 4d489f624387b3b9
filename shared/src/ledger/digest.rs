//! The digest: the changes of one run for one owner. `notify` makes one message of it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    ledger::{
        counted::CountedRequests,
        finding::{Finding, SCHEMA_VERSION},
        open_finding::{Change, Owner},
    },
    model::{ids::Region, severity::Severity},
};

/// Changes of each kind that a digest holds in full. The report holds all of them.
const CHANGES_MAX: usize = 25;

/// Descriptions of what was not seen that a digest holds.
const UNSEEN_MAX: usize = 10;

/// The run that a digest belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInfo {
    /// The id of the run.
    #[serde(rename = "run")]
    pub id: String,
    /// The start of the run.
    pub at: Timestamp,
    /// The Region of the audit.
    pub region: Region,
    /// The location of the report.
    pub report: Option<String>,
    /// Descriptions of what the run could not read or judge.
    pub unseen: Vec<String>,
    /// The digest of the policy set.
    pub policy_digest: String,
}

/// The changes of one run for one owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// The schema version at the time of writing.
    pub schema: u32,
    /// The run.
    #[serde(flatten)]
    pub run: RunInfo,
    /// The recipient.
    pub owner: Owner,
    /// New findings, the highest severity first.
    pub opened: Vec<Finding>,
    /// Findings whose severity or level rose.
    pub worsened: Vec<Finding>,
    /// Findings that no longer apply.
    pub resolved: Vec<Resolved>,
    /// The numbers of changes, including those that the digest does not hold.
    pub totals: Totals,
    /// The requests that were not told one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<CountedRequests>,
    /// The number of this owner's open findings, by severity.
    pub open: BTreeMap<Severity, usize>,
}

/// The numbers of changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// New findings.
    pub opened: usize,
    /// Findings whose severity or level rose.
    pub worsened: usize,
    /// Findings that no longer apply.
    pub resolved: usize,
}

/// A finding that no longer applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// The finding as last published.
    pub finding: Finding,
    /// The time of the run that first found it.
    pub since: Timestamp,
    /// The time for which it was open, in seconds.
    pub open_seconds: i64,
}

impl Digest {
    /// The digest of one owner's changes.
    #[must_use]
    pub fn new(run: &RunInfo, owner: Owner, changes: &[Change], open: BTreeMap<Severity, usize>) -> Self {
        let unseen = run.unseen.iter().take(UNSEEN_MAX).cloned().collect();
        let mut digest = Self {
            schema: SCHEMA_VERSION,
            run: RunInfo { unseen, ..run.clone() },
            owner,
            opened: Vec::new(),
            worsened: Vec::new(),
            resolved: Vec::new(),
            totals: Totals::default(),
            counted: None,
            open,
        };
        changes.iter().for_each(|change| digest.add(change));
        digest
    }

    fn add(&mut self, change: &Change) {
        match change {
            Change::Opened(open) => {
                self.totals.opened += 1;
                push(&mut self.opened, open.finding.clone());
            }
            Change::Worsened(_, open) => {
                self.totals.worsened += 1;
                push(&mut self.worsened, open.finding.clone());
            }
            Change::Improved(..) => {}
            Change::Resolved(open) => {
                self.totals.resolved += 1;
                let open_seconds = self.run.at.duration_since(open.since).max(SignedDuration::ZERO).as_secs();
                push(&mut self.resolved, Resolved { finding: open.finding.clone(), since: open.since, open_seconds });
            }
        }
    }

    /// The same digest with requests that were not told one by one.
    #[must_use]
    pub fn with_counted(self, counted: Option<CountedRequests>) -> Self {
        Self { counted, ..self }
    }

    /// Returns true if the digest holds anything to publish.
    #[must_use]
    pub fn is_news(&self) -> bool {
        self.totals != Totals::default() || self.counted.is_some()
    }

    /// The highest severity among the new and worsened findings.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.opened.iter().chain(&self.worsened).map(|finding| finding.severity).max().unwrap_or(Severity::Info)
    }

    /// The sort key on the ledger: unique for each owner and time of a run.
    #[must_use]
    pub fn key(&self) -> String {
        let owner = self.owner.as_ref().map_or_else(|| "default".to_owned(), |topic| format!("topic/{topic}"));
        format!("{owner}#{}", self.run.at)
    }

    /// Parses a stored digest.
    ///
    /// # Errors
    /// Fails if the text is not a digest, or if its schema is newer than this version.
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

fn push<T>(list: &mut Vec<T>, item: T) {
    if list.len() < CHANGES_MAX {
        list.push(item);
    }
}

/// A digest that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DigestError {
    /// It does not have the shape of a digest.
    #[error("not a digest of an audit")]
    Malformed(#[from] serde_json::Error),
    /// A newer version wrote it.
    #[error("the digest has schema {0}, this version reads up to {SCHEMA_VERSION}: upgrade this function")]
    Newer(u32),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_topic_shares_the_default_key() {
        let run = RunInfo {
            id: "run".to_owned(),
            at: Timestamp::UNIX_EPOCH,
            region: "us-east-1".parse().unwrap(),
            report: None,
            unseen: Vec::new(),
            policy_digest: String::new(),
        };
        let key = |owner: Owner| Digest::new(&run, owner, &[], BTreeMap::new()).key();
        assert_ne!(key(None), key(Some("default".to_owned())));
        assert_ne!(key(None), key(Some(String::new())));
    }
}
