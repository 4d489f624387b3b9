//! Puts what is new on the ledger. Its stream does the telling.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use warden::{
    audit::{
        coverage::Coverage,
        diff::{CHANGES_MAX, by_owner, changes},
    },
    ledger::{
        digest::RunInfo,
        finding::{Change, Finding, OpenFinding, Owner},
    },
    model::severity::Severity,
    ports::{CallError, Findings, PublishOutcome},
};

use crate::{Audit, Summary};

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

impl<S, L: Findings + Sync, K, G> Audit<S, L, K, G> {
    /// Puts the news on the ledger. Returns what is gone and, if something went wrong, what.
    pub(crate) async fn tell(&self, found: Found, looked: &Coverage, edition: &RunInfo, summary: &mut Summary) -> Told {
        match self.ledger.take_pen(&edition.run, (self.clock)()).await {
            Ok(true) => {}
            Ok(false) => return Told::nothing("another audit is telling its news: what is new here will be told by the next one"),
            Err(error) => return Told::default().failed(&error),
        }
        let told = self.tell_alone(found, looked, edition, summary).await;
        if let Err(error) = self.ledger.lay_down_pen(&edition.run).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                message = error.message,
                "the pen is not laid down; it is free again after a while"
            );
        }
        told
    }

    async fn tell_alone(&self, found: Found, looked: &Coverage, edition: &RunInfo, summary: &mut Summary) -> Told {
        let mut told = Told::default();
        // Read again now that nobody else writes: another run may have told since this one began.
        let kept = match self.ledger.kept().await {
            Ok(kept) => kept,
            Err(error) => return told.failed(&error),
        };
        let readable = found.candidates.into_iter().filter(|(_, finding)| !kept.unreadable.contains(&finding.id)).collect();
        let all = changes(&kept.open, readable, &found.ids, looked, edition.at);
        match self.publish_all(all, &found.by_owner, edition, summary, &mut told).await {
            Ok(PublishOutcome::Written) => told,
            Ok(PublishOutcome::Overtaken) => Told {
                trouble: vec!["the ledger changed under this audit: what is new here will be told by the next one".to_owned()],
                ..told
            },
            Err(error) => told.failed(&error),
        }
    }

    async fn publish_all(
        &self,
        all: Vec<Change>,
        open: &BTreeMap<Owner, BTreeMap<Severity, usize>>,
        edition: &RunInfo,
        summary: &mut Summary,
        told: &mut Told,
    ) -> Result<PublishOutcome, CallError> {
        let mut published = PublishOutcome::Written;
        for (owner, mut changes) in by_owner(all) {
            let left = changes.len().saturating_sub(CHANGES_MAX);
            changes.truncate(CHANGES_MAX);
            let digest = edition.digest(owner.clone(), &changes, open.get(&owner).cloned().unwrap_or_default());
            if self.ledger.publish(&changes, &digest).await? == PublishOutcome::Overtaken {
                published = PublishOutcome::Overtaken;
                continue;
            }
            if left > 0 {
                told.trouble.push(format!("{left} changes more than one run tells are left for the next one"));
            }
            summary.opened += digest.totals.opened;
            summary.worsened += digest.totals.worsened;
            summary.resolved += digest.totals.resolved;
            told.resolved.extend(changes.into_iter().filter_map(|change| match change {
                Change::Resolved(open) => Some(open),
                Change::Opened(_) | Change::Worsened(..) | Change::Eased(..) => None,
            }));
        }
        Ok(published)
    }

    /// The name under which this policy set is known.
    pub(crate) fn policy_set(&self) -> String {
        format!("digest/{}", self.policy.digest())
    }

    /// Since when each policy and group is known; what is new is known from now on.
    pub(crate) fn known_since(&self, before: &BTreeMap<String, Timestamp>, now: Timestamp) -> BTreeMap<String, Timestamp> {
        let policies = self.policy.accepting_permits().map(|id| format!("policy/{id}"));
        let groups = self.policy.accepting_groups().into_iter().map(|name| format!("group/{name}"));
        let set = std::iter::once(self.policy_set());
        policies.chain(groups).chain(set).map(|name| (name.clone(), before.get(&name).copied().unwrap_or(now))).collect()
    }
}

/// What came of telling.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// What is gone.
    pub(crate) resolved: Vec<OpenFinding>,
    /// What went wrong.
    pub(crate) trouble: Vec<String>,
}

impl Told {
    fn nothing(why: &str) -> Self {
        Self { trouble: vec![why.to_owned()], ..Self::default() }
    }

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
