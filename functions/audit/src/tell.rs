//! Puts what is new on the ledger. Its stream does the telling.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use warden::{
    finding::{Finding, Severity},
    news::{CHANGES_MAX, Change, Edition, Looked, Open, Owner, by_owner, changes},
    ports::{CallError, Findings, Published},
};

use crate::{Audit, Summary};

/// How often a run that was overtaken by another reads the ledger again.
const TRIES_MAX: usize = 3;

/// What a run found, as far as it may be news.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The ids of everything found.
    pub(crate) ids: BTreeSet<String>,
    /// What was not open when the run began, or is worse now; with whose it is.
    pub(crate) candidates: Vec<(Owner, Finding)>,
    /// Everything found, by owner and severity.
    pub(crate) by_owner: BTreeMap<Owner, BTreeMap<Severity, usize>>,
}

impl<S, L: Findings + Sync, K> Audit<S, L, K> {
    /// Puts the news on the ledger. Returns what is gone and, if something went wrong, what.
    pub(crate) async fn tell(&self, found: Found, open: Vec<Open>, looked: &Looked, edition: &Edition, summary: &mut Summary) -> Told {
        let mut told = Told::default();
        let mut known = open;
        for _ in 0..TRIES_MAX {
            let all = changes(&known, found.candidates.clone(), &found.ids, looked, edition.at);
            match self.publish_all(all, &found.by_owner, edition, summary, &mut told).await {
                Ok(Published::Written) => return told,
                Ok(Published::Overtaken) => {}
                Err(error) => return told.failed(&error),
            }
            match self.ledger.open().await {
                Ok((again, _)) => known = again,
                Err(error) => return told.failed(&error),
            }
        }
        told.trouble.push("other audits were writing at the same time: what is new here will be told by the next one".to_owned());
        told
    }

    async fn publish_all(
        &self,
        all: Vec<Change>,
        open: &BTreeMap<Owner, BTreeMap<Severity, usize>>,
        edition: &Edition,
        summary: &mut Summary,
        told: &mut Told,
    ) -> Result<Published, CallError> {
        for (owner, mut changes) in by_owner(all) {
            let left = changes.len().saturating_sub(CHANGES_MAX);
            changes.truncate(CHANGES_MAX);
            let digest = edition.digest(owner.clone(), &changes, open.get(&owner).cloned().unwrap_or_default());
            if self.ledger.publish(&changes, &digest).await? == Published::Overtaken {
                return Ok(Published::Overtaken);
            }
            if left > 0 {
                told.trouble.push(format!("{left} changes more than one run tells are left for the next one"));
            }
            summary.opened += digest.totals.opened;
            summary.worsened += digest.totals.worsened;
            summary.resolved += digest.totals.resolved;
            told.resolved.extend(changes.into_iter().filter_map(|change| match change {
                Change::Resolved(open) => Some(open),
                Change::Opened(_) | Change::Worsened(..) => None,
            }));
        }
        Ok(Published::Written)
    }

    /// Since when each policy and group is known; what is new is known from now on.
    pub(crate) fn known_since(&self, before: &BTreeMap<String, Timestamp>, now: Timestamp) -> BTreeMap<String, Timestamp> {
        let policies = self.policy.doors().map(|id| format!("policy/{id}"));
        let groups = self.policy.welcome_groups().into_iter().map(|name| format!("group/{name}"));
        policies.chain(groups).map(|name| (name.clone(), before.get(&name).copied().unwrap_or(now))).collect()
    }
}

/// What came of telling.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// What is gone.
    pub(crate) resolved: Vec<Open>,
    /// What went wrong.
    pub(crate) trouble: Vec<String>,
}

impl Told {
    fn failed(mut self, error: &CallError) -> Self {
        tracing::error!(
            error_type = "NewsNotRecorded",
            error = error as &dyn std::error::Error,
            message = error.message,
            "news was not recorded"
        );
        self.trouble.push(format!("news could not be put on the ledger ({error}): the next run will tell it"));
        self
    }
}
