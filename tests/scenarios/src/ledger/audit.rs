//! The part of the ledger that the audit reads and writes: history and open findings.

use jiff::{SignedDuration, Timestamp};
use warden::{
    decision::Hold,
    ledger::{
        counted::ToldDays,
        digest::Digest,
        history::{LedgerHistory, PageHistory},
        keys,
        open_finding::{Change, KnownSince, StoredFindings},
        record::{Record, RecordKey, Verdict},
    },
    model::{
        connection::{Connection, Phase},
        ids::ServiceId,
    },
    ports::{CallError, Findings, History, LockOutcome, PublishOutcome},
};

use super::{Inner, MemoryLedger};
use crate::faults::{Fault, error};

/// A run that holds the lock longer than this has crashed (`aws/findings.rs`).
const LOCK_MAX: SignedDuration = SignedDuration::from_mins(20);

impl History for MemoryLedger {
    async fn history(&self, service: &ServiceId) -> Result<LedgerHistory, CallError> {
        let read = || {
            let inner = self.lock();
            let decisions = inner.decisions.get(service).cloned().unwrap_or_default();
            let state = inner.services.get(service).map(|items| items.state.clone()).unwrap_or_default();
            let (usage, counted) = (state.usage, state.counted);
            let mut history = LedgerHistory { grants: decisions.grants, hold: decisions.hold, usage, counted, ..LedgerHistory::default() };
            decisions.unreadable.iter().for_each(|key| history.add_unreadable_decision(key));
            Ok(history)
        };
        self.faults.around("ServiceHistory", read).await
    }

    async fn entries(&self, service: &ServiceId, connections: &[Connection]) -> Result<PageHistory, CallError> {
        let read = || {
            let mut page = PageHistory::default();
            connections.iter().for_each(|connection| self.lock().add_entries(&mut page, service, connection));
            Ok(page)
        };
        self.faults.around("BatchGetItem", read).await
    }

    async fn hold_of_stack(&self) -> Result<Option<Hold>, CallError> {
        self.faults.around("HoldOfStack", || Ok(self.lock().stack_hold.clone())).await
    }
}

impl Findings for MemoryLedger {
    async fn stored(&self) -> Result<StoredFindings, CallError> {
        let read = || {
            let inner = self.lock();
            let open = inner.open.values().filter(|open| !inner.newer_findings.contains(&open.finding.id)).cloned().collect();
            Ok(StoredFindings {
                open,
                unreadable: inner.newer_findings.clone(),
                known_since: inner.known_since.clone(),
                told_days: inner.told_days.clone(),
            })
        };
        self.faults.around("OpenQuery", read).await
    }

    async fn acquire_lock(&self, run: &str, now: Timestamp) -> Result<LockOutcome, CallError> {
        let take = || {
            let lock = &mut self.lock().lock;
            let free = lock.as_ref().is_none_or(|(holder, since)| holder == run || now.duration_since(*since) > LOCK_MAX);
            if !free {
                return Ok(LockOutcome::HeldByOther);
            }
            *lock = Some((run.to_owned(), now));
            Ok(LockOutcome::Acquired)
        };
        self.faults.around("AcquireLock", take).await
    }

    async fn release_lock(&self, run: &str) -> Result<(), CallError> {
        let release = || match self.lock().lock.take_if(|(holder, _)| holder == run) {
            Some(_) => Ok(()),
            None => Err(error("ReleaseLock", "ConditionalCheckFailedException")),
        };
        self.faults.around("ReleaseLock", release).await
    }

    async fn publish(&self, changes: &[Change], digest: &Digest, told: Option<&ToldDays>) -> Result<PublishOutcome, CallError> {
        let publish = |fault| match fault {
            Fault::Conflict => Ok(PublishOutcome::Overtaken),
            Fault::Again => {
                self.lock().publish(changes, digest, told);
                Ok(self.lock().publish(changes, digest, told))
            }
            _ => Ok(self.lock().publish(changes, digest, told)),
        };
        self.faults.around_answer("TransactWriteItems", publish).await
    }

    async fn store_known_since(&self, known_since: &KnownSince) -> Result<(), CallError> {
        let put = || {
            self.lock().known_since = known_since.clone();
            Ok(())
        };
        self.faults.around("PutKnown", put).await
    }
}

impl Inner {
    /// Adds the entries about a connection, by the keys that the table is asked for.
    fn add_entries(&self, page: &mut PageHistory, service: &ServiceId, connection: &Connection) {
        let subject = &connection.subject;
        let at = |verdict: Verdict| {
            let key = RecordKey { partition: keys::request(service, subject), sort: verdict.to_string() };
            self.records.get(&key).map(|text| Record::from_json(text).unwrap().at)
        };
        let items = self.services.get(service);
        let entry = page.entry(subject);
        match connection.state.phase() {
            Phase::Live => (entry.accepted, entry.found) = (at(Verdict::Accepted), at(Verdict::Found).is_some()),
            Phase::Waiting => entry.pending = items.and_then(|items| items.pending.get(subject)).cloned(),
            Phase::Gone | Phase::Unknown => return,
        }
        entry.role = items.and_then(|items| items.proofs.get(subject)).and_then(|proof| proof.role.clone());
        if self.newer.contains(&(service.clone(), subject.clone())) {
            page.add_unreadable(service, subject, "written by a newer version");
        }
    }

    fn publish(&mut self, changes: &[Change], digest: &Digest, told: Option<&ToldDays>) -> PublishOutcome {
        let is_current = |change: &Change| match change {
            Change::Opened(open) => !self.open.contains_key(&open.finding.id),
            Change::Worsened(was, _) | Change::Improved(was, _) => self.open.get(&was.finding.id) == Some(was.as_ref()),
            Change::Resolved(was) => self.open.get(&was.finding.id) == Some(was),
        };
        let is_next = |told: &ToldDays| told.version == self.told_days.version + 1;
        if !changes.iter().all(is_current) || !told.is_none_or(is_next) {
            return PublishOutcome::Overtaken;
        }
        if let Some(told) = told {
            self.told_days = told.clone();
        }
        for change in changes {
            match change {
                Change::Opened(open) | Change::Worsened(_, open) | Change::Improved(_, open) => {
                    drop(self.open.insert(open.finding.id.clone(), open.clone()));
                }
                Change::Resolved(was) => drop(self.open.remove(&was.finding.id)),
            }
        }
        if digest.is_news() {
            self.digests += 1;
            // Tests run several audits under one id and at one time.
            let key = RecordKey { partition: format!("digest/{}-{}", digest.run.id, self.digests), sort: digest.key() };
            let expires = digest.run.at + SignedDuration::from_hours(9600);
            self.stream(&format!("9{:020}", self.digests), &key, "digest", &serde_json::to_string(digest).unwrap(), expires);
        }
        PublishOutcome::Written
    }
}
