//! Writes the changes since the last run to the ledger. `notify` makes messages of them.

use std::collections::BTreeMap;

use warden::{
    audit::{
        coverage::Coverage,
        diff::{CHANGES_MAX, by_owner, changes},
    },
    ledger::{
        counted::{CountedRequests, ToldDays, Untold},
        digest::{Digest, RunInfo, Totals},
        open_finding::{Change, OpenFinding, Owner},
        service_state::day,
    },
    model::severity::Severity,
    ports::{CallError, Findings, LockOutcome, PublishOutcome},
};

use crate::{audit::Audit, state::Found};

/// The outcome of publishing.
#[derive(Debug, Default)]
pub(crate) struct Publication {
    /// The numbers of published changes.
    pub(crate) totals: Totals,
    /// The findings that no longer apply.
    pub(crate) resolved: Vec<OpenFinding>,
    /// Descriptions of what could not be published.
    pub(crate) problems: Vec<String>,
}

impl<I, L: Findings + Sync, R, D> Audit<I, L, R, D> {
    /// Publishes the changes if no other run is publishing.
    pub(crate) async fn publish(&self, found: Found, coverage: &Coverage, run: &RunInfo) -> Publication {
        let mut publication = Publication::default();
        match self.ledger.acquire_lock(&run.id, (self.clock)()).await {
            Ok(LockOutcome::Acquired) => {}
            Ok(LockOutcome::HeldByOther) => {
                publication.problems.push("another audit is publishing: the next run publishes the changes of this one".to_owned());
                return publication;
            }
            Err(error) => {
                publication.fail(&error);
                return publication;
            }
        }
        match self.publish_locked(found, coverage, run, &mut publication).await {
            Ok(PublishOutcome::Written) => {}
            Ok(PublishOutcome::Overtaken) => {
                publication.problems.push("the ledger changed during this audit: the next run publishes the remaining changes".to_owned());
            }
            Err(error) => publication.fail(&error),
        }
        if let Err(error) = self.ledger.release_lock(&run.id).await {
            let message = &error.message;
            tracing::warn!(error = &error as &dyn std::error::Error, message, "the lock was not released; it expires");
        }
        publication
    }

    async fn publish_locked(
        &self,
        found: Found,
        coverage: &Coverage,
        run: &RunInfo,
        publication: &mut Publication,
    ) -> Result<PublishOutcome, CallError> {
        // Read again under the lock: another run may have published since this one began.
        let stored = self.ledger.stored().await?;
        let Found { ids, mut candidates, by_owner: open, counted } = found;
        candidates.retain(|(_, finding)| !stored.unreadable.contains(&finding.id));
        let mut changes = by_owner(changes(&stored.open, candidates, &ids, coverage, run.at));
        let mut told_days = stored.told_days;
        let mut counted_by_owner: BTreeMap<Owner, Vec<Untold>> = BTreeMap::new();
        // A run in between may have told the same days.
        for (owner, untold) in counted.into_iter().filter(|(_, one)| told_days.services.get(&one.service) == one.told.as_ref()) {
            changes.entry(owner.clone()).or_default();
            counted_by_owner.entry(owner).or_default().push(untold);
        }
        let mut outcome = PublishOutcome::Written;
        for (owner, changes) in changes {
            let news = News { open: open.get(&owner).cloned().unwrap_or_default(), untold: counted_by_owner.remove(&owner), changes };
            if self.publish_owner(owner, news, &mut told_days, run, publication).await? == PublishOutcome::Overtaken {
                outcome = PublishOutcome::Overtaken;
            }
        }
        Ok(outcome)
    }

    async fn publish_owner(
        &self,
        owner: Owner,
        News { mut changes, untold, open }: News,
        told_days: &mut ToldDays,
        run: &RunInfo,
        publication: &mut Publication,
    ) -> Result<PublishOutcome, CallError> {
        let left = changes.len().saturating_sub(CHANGES_MAX);
        changes.truncate(CHANGES_MAX);
        let told = untold.as_ref().map(|untold| told_days.after(untold, day(run.at)));
        let counted = untold.map(|untold| CountedRequests::of(untold.into_iter().map(|untold| untold.requests)));
        let digest = Digest::new(run, owner, &changes, open).with_counted(counted);
        let outcome = self.ledger.publish(&changes, &digest, told.as_ref()).await?;
        if outcome == PublishOutcome::Written {
            *told_days = told.unwrap_or_else(|| told_days.clone());
            publication.add(changes, digest.totals, left);
        }
        Ok(outcome)
    }
}

/// What one owner is told.
struct News {
    changes: Vec<Change>,
    untold: Option<Vec<Untold>>,
    /// The numbers of the owner's open findings.
    open: BTreeMap<Severity, usize>,
}

impl Publication {
    fn add(&mut self, changes: Vec<Change>, totals: Totals, left: usize) {
        self.totals.opened += totals.opened;
        self.totals.worsened += totals.worsened;
        self.totals.resolved += totals.resolved;
        self.resolved.extend(changes.into_iter().filter_map(|change| match change {
            Change::Resolved(open) => Some(open),
            Change::Opened(_) | Change::Worsened(..) | Change::Improved(..) => None,
        }));
        if left > 0 {
            self.problems.push(format!("{left} changes beyond the {CHANGES_MAX} of one run are left for the next one"));
        }
    }

    fn fail(&mut self, error: &CallError) {
        let message = &error.message;
        let cause = error as &dyn std::error::Error;
        tracing::error!(error_type = "NewsNotRecorded", error = cause, message, "changes were not published");
        self.problems.push(format!("changes could not be written to the ledger ({error}): the next run publishes them"));
    }
}
