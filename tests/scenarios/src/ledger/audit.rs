//! The part of the ledger that the audit reads and writes: history and open findings.

use jiff::{SignedDuration, Timestamp};
use warden::{
    ledger::{
        digest::Digest,
        history::{LedgerHistory, RecordedDecision},
        open_finding::{Change, KnownSince, StoredFindings},
        record::connection_key,
    },
    model::{ids::ServiceId, subject::Subject},
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
                    subject: record.facts.connection.subject(),
                    account: record.account().cloned(),
                    verdict: record.verdict,
                    at: record.at,
                    policies: record.policies(),
                    role: record.facts.requester().cloned(),
                });
            }
            let inner = self.lock();
            for (of, endpoint) in inner.newer.iter().filter(|(of, _)| of == service) {
                history.add_unreadable(
                    &connection_key(of, endpoint),
                    Some(Subject::Endpoint(endpoint.clone())),
                    "written by a newer version",
                );
            }
            for of in inner.newer_grants.iter().filter(|of| *of == service) {
                history.add_unreadable_grant(&format!("grants/{of}"), "written by a newer version");
            }
            history.grants = inner.grants.iter().filter(|grant| grant.service == *service).cloned().collect();
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
            self.stream(&format!("9{:020}", self.digests), "digest", &serde_json::to_string(digest).unwrap());
        }
        PublishOutcome::Written
    }
}
