//! The digest of one audit for one owner: what `notify` makes a message of.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    ledger::finding::{Change, Finding, Owner},
    model::{ids::Region, severity::Severity},
};

/// The version of [`Digest`]'s and [`OpenFinding`]'s shape. A reader refuses what is newer than itself.
pub const SCHEMA_VERSION: u32 = 1;

/// Changes that one message tells in full; the report has the others.
const TOLD_MAX: usize = 25;

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
pub struct RunInfo {
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

impl RunInfo {
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
        let edition = RunInfo {
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
