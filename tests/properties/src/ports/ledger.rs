//! The ledger.

use jiff::Timestamp;
use scenarios::MemoryLedger;
use warden::{
    decision::{Hold, PersonDecisions},
    ledger::{
        commit::{Commit, CommitOutcome, ServiceItems},
        counted::ToldDays,
        digest::Digest,
        history::{LedgerHistory, PageHistory},
        open_finding::{Change, KnownSince, StoredFindings},
        record::Record,
    },
    model::{connection::Connection, ids::ServiceId, subject::Subject},
    ports::{CallError, Findings, History, LockOutcome, PublishOutcome, ReadError, ServiceLedger, StackLedger},
};

use super::{Log, Shared, lock};
use crate::mutants::Flaw;

#[derive(Clone)]
pub struct LedgerPort {
    pub ledger: MemoryLedger,
    /// The log of the environment that uses it.
    pub log: Shared<Log>,
    pub flaw: Option<Flaw>,
    /// No service has to wait for its next act.
    pub unpaced: bool,
}

impl LedgerPort {
    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    /// A write as a broken adapter would make it.
    fn mutate(&self, service: &ServiceId, commit: &Commit) -> Commit {
        let mut commit = commit.clone();
        let version = self.ledger.service(service.as_str()).version;
        match self.flaw {
            Some(Flaw::IgnoresVersions) => commit.expected = version,
            Some(Flaw::IgnoresDecisions) => commit.heeds_decisions = false,
            Some(Flaw::IgnoresHolds) => commit.heeds_hold = false,
            Some(Flaw::DropsIntents) => commit.state.intent = None,
            Some(Flaw::ForgetsRecentActs) => commit.state.recent.clear(),
            Some(Flaw::ForgetsWhatWasTold) => commit.pending.clear(),
            Some(Flaw::LosesRecords) => commit.records.clear(),
            Some(Flaw::KeepsOneRecordPerEndpoint) => {
                let records = self.ledger.records();
                commit.records.retain(|new| records.iter().all(|old| old.subject() != new.subject()));
            }
            Some(Flaw::OverwritesRecords) => commit.records.iter().map(Record::key).for_each(|key| self.ledger.delete(&key)),
            _ => {}
        }
        commit
    }
}

impl ServiceLedger for LedgerPort {
    async fn items(&self, service: &ServiceId) -> Result<ServiceItems, ReadError> {
        let mut items = self.ledger.items(service).await?;
        items.state.pace.not_before = items.state.pace.not_before.filter(|_| !self.unpaced);
        Ok(items)
    }

    async fn decisions(&self, service: &ServiceId) -> Result<PersonDecisions, CallError> {
        let mut people = self.ledger.decisions(service).await?;
        if self.has(Flaw::IgnoresTheEndOfGrants) {
            people.grants.iter_mut().for_each(|grant| grant.until = None);
        }
        if self.has(Flaw::IgnoresRefusals) {
            people.refusals.clear();
        }
        people.hold = people.hold.filter(|_| !self.has(Flaw::IgnoresHolds));
        Ok(people)
    }

    async fn commit(&self, service: &ServiceId, commit: &Commit) -> Result<CommitOutcome, CallError> {
        let subjects = |records: &[Record]| records.iter().map(|record| record.subject().clone()).collect();
        lock(&self.log).intent = commit.state.intent.as_ref().map(|intent| (intent.act, subjects(&intent.records)));
        self.ledger.commit(service, &self.mutate(service, commit)).await
    }
}

impl StackLedger for LedgerPort {
    async fn open_services(&self) -> Result<Vec<ServiceId>, CallError> {
        self.ledger.open_services().await
    }

    async fn stack_hold(&self) -> Result<Option<Hold>, CallError> {
        self.ledger.stack_hold().await
    }

    async fn is_recorded(&self, service: &ServiceId, subject: &Subject) -> Result<bool, CallError> {
        self.ledger.is_recorded(service, subject).await
    }
}

impl History for LedgerPort {
    async fn history(&self, service: &ServiceId) -> Result<LedgerHistory, CallError> {
        let history = self.ledger.history(service).await?;
        let grants = if self.has(Flaw::AuditsWithoutGrants) { Vec::new() } else { history.grants };
        Ok(LedgerHistory { grants, ..history })
    }

    async fn entries(&self, service: &ServiceId, connections: &[Connection]) -> Result<PageHistory, CallError> {
        let entries = self.ledger.entries(service, connections).await?;
        Ok(if self.has(Flaw::AuditsWithoutRecords) { PageHistory::default() } else { entries })
    }

    async fn hold_of_stack(&self) -> Result<Option<Hold>, CallError> {
        self.ledger.hold_of_stack().await
    }
}

impl Findings for LedgerPort {
    async fn stored(&self) -> Result<StoredFindings, CallError> {
        self.ledger.stored().await
    }

    async fn acquire_lock(&self, run: &str, now: Timestamp) -> Result<LockOutcome, CallError> {
        self.ledger.acquire_lock(run, now).await
    }

    async fn release_lock(&self, run: &str) -> Result<(), CallError> {
        self.ledger.release_lock(run).await
    }

    async fn publish(&self, changes: &[Change], digest: &Digest, told: Option<&ToldDays>) -> Result<PublishOutcome, CallError> {
        if self.has(Flaw::AuditsWithoutTelling) {
            return Ok(PublishOutcome::Written);
        }
        self.ledger.publish(changes, digest, told).await
    }

    async fn store_known_since(&self, known_since: &KnownSince) -> Result<(), CallError> {
        self.ledger.store_known_since(known_since).await
    }
}
