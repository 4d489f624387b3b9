//! The part of the ledger that the audit reads and writes: history and open findings.

use jiff::{SignedDuration, Timestamp};
use warden::{
    ledger::{
        digest::Digest,
        history::{LedgerHistory, RecordedDecision},
        keys,
        open_finding::{Change, KnownSince, StoredFindings},
        record::RecordKey,
    },
    model::ids::ServiceId,
    ports::{CallError, Findings, History, LockOutcome, PublishOutcome},
};

use super::{Inner, MemoryLedger};
use crate::faults::{Fault, error};

/// A run that holds the lock longer than this has crashed (`aws/findings.rs`).
const LOCK_MAX: SignedDuration = SignedDuration::from_mins(20);

impl History for MemoryLedger {
    async fn history(&self, service: &ServiceId) -> Result<LedgerHistory, CallError> {
        let recall = |fault| {
            let mut history = LedgerHistory::default();
            let (count, keys) = {
                let inner = self.lock();
                let all = inner.order.len();
                (if let Fault::Stale(ago) = fault { inner.past.get(ago).copied().unwrap_or(all) } else { all }, inner.order.clone())
            };
            let records = keys.iter().take(count).filter_map(|key| self.record(key));
            for record in records.filter(|record| record.service() == service) {
                history.add(RecordedDecision {
                    subject: record.subject().clone(),
                    account: record.account().cloned(),
                    verdict: record.verdict,
                    at: record.at,
                    policies: record.policies(),
                });
            }
            let inner = self.lock();
            for (of, subject) in inner.newer.iter().filter(|(of, _)| of == service) {
                history.add_unreadable(&keys::request(of, subject), Some(subject.clone()), "written by a newer version");
            }
            for proof in inner.services.get(service).iter().flat_map(|items| items.proofs.values()) {
                history.add_proof(proof.subject.clone(), proof.role.clone());
            }
            let decisions = inner.decisions.get(service).cloned().unwrap_or_default();
            for key in &decisions.unreadable {
                history.add_unreadable_grant(key, "written by a newer version");
            }
            history.grants = decisions.grants;
            Ok(history)
        };
        self.faults.around_answer("RecallQuery", recall).await
    }
}

impl Findings for MemoryLedger {
    async fn stored(&self) -> Result<StoredFindings, CallError> {
        let read = || {
            let inner = self.lock();
            let open = inner.open.values().filter(|open| !inner.newer_findings.contains(&open.finding.id)).cloned().collect();
            Ok(StoredFindings { open, unreadable: inner.newer_findings.clone(), known_since: inner.known_since.clone() })
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

    async fn publish(&self, changes: &[Change], digest: &Digest) -> Result<PublishOutcome, CallError> {
        let publish = |fault| match fault {
            Fault::Conflict => Ok(PublishOutcome::Overtaken),
            Fault::Again => {
                self.lock().publish(changes, digest);
                Ok(self.lock().publish(changes, digest))
            }
            _ => Ok(self.lock().publish(changes, digest)),
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
    fn publish(&mut self, changes: &[Change], digest: &Digest) -> PublishOutcome {
        let is_current = |change: &Change| match change {
            Change::Opened(open) => !self.open.contains_key(&open.finding.id),
            Change::Worsened(was, _) | Change::Improved(was, _) => self.open.get(&was.finding.id) == Some(was.as_ref()),
            Change::Resolved(was) => self.open.get(&was.finding.id) == Some(was),
        };
        if !changes.iter().all(is_current) {
            return PublishOutcome::Overtaken;
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
