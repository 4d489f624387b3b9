//! The ledger in memory: a put succeeds once per key, and every new record comes out of the stream once or more.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use warden::{
    decision::grant::Grant,
    ledger::{
        digest::Digest,
        history::{LedgerHistory, RecordedDecision},
        open_finding::{Change, KnownSince, OpenFinding, StoredFindings},
        record::{Record, RecordKey, Verdict, connection_key},
    },
    model::{
        ids::{EndpointId, ServiceId},
        subject::Subject,
    },
    ports::{CallError, Findings, History, Ledger, LockOutcome, PublishOutcome, PutOutcome},
};

use crate::faults::{Fault, Faults, refuse};

/// A lock held longer than this belongs to a run that has died (`aws/findings.rs`).
const LOCK_MAX: SignedDuration = SignedDuration::from_mins(20);
/// How many moments the index can lag behind.
const MOMENTS_MAX: usize = 4;

/// A ledger in memory, with faults.
#[derive(Debug, Clone, Default)]
pub struct MemoryLedger {
    inner: Arc<Mutex<Inner>>,
    /// What goes wrong, and which calls were made.
    pub faults: Faults,
}

#[derive(Debug, Default)]
struct Inner {
    /// Items as they are stored: text.
    items: BTreeMap<RecordKey, String>,
    /// The keys in the order in which they were written.
    order: Vec<RecordKey>,
    /// How many there were, the latest first.
    past: VecDeque<usize>,
    /// Items that a newer version wrote, by service.
    newer: Vec<(ServiceId, EndpointId)>,
    newer_grants: Vec<ServiceId>,
    grants: Vec<Grant>,
    open: BTreeMap<String, OpenFinding>,
    known_since: KnownSince,
    digests: u64,
    /// Open findings that a newer version wrote.
    scrambled: BTreeSet<String>,
    lock: Option<(String, Timestamp)>,
    stream: Vec<Value>,
}

impl MemoryLedger {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets one record.
    pub fn forget_key(&self, key: &RecordKey) {
        self.lock().items.remove(key);
    }

    /// Every record, by key.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.lock().items.values().map(|text| Record::from_json(text).unwrap()).collect()
    }

    /// The verdicts on record for an endpoint, in the order of [`Verdict`].
    #[must_use]
    pub fn verdicts_of(&self, endpoint: &str) -> Vec<Verdict> {
        self.records().iter().filter(|record| record.endpoint().as_str() == endpoint).map(|record| record.verdict).collect()
    }

    /// The keys that were written after the first so many.
    #[must_use]
    pub fn keys_after(&self, first: usize) -> Vec<RecordKey> {
        self.lock().order.iter().skip(first).cloned().collect()
    }

    /// The record of a key.
    #[must_use]
    pub fn record(&self, key: &RecordKey) -> Option<Record> {
        self.lock().items.get(key).map(|text| Record::from_json(text).unwrap())
    }

    /// Keeps how things are now, for an index that lags behind.
    pub fn keep_moment(&self) {
        let mut inner = self.lock();
        let count = inner.order.len();
        inner.past.push_front(count);
        inner.past.truncate(MOMENTS_MAX);
    }

    /// A person ends what was granted.
    pub fn revoke(&self, which: impl Fn(&Grant) -> bool) {
        self.lock().grants.retain(|grant| !which(grant));
    }

    /// A person grants something.
    pub fn grant(&self, grant: Grant) {
        self.lock().grants.push(grant);
    }

    /// A newer version wrote something about an endpoint.
    pub fn write_newer(&self, service: &str, endpoint: &str) {
        self.lock().newer.push((service.parse().unwrap(), endpoint.parse().unwrap()));
    }

    /// A newer version wrote these open findings.
    pub fn scramble(&self, ids: &[String]) {
        self.lock().scrambled.extend(ids.iter().cloned());
    }

    /// A grant that a newer version wrote.
    pub fn write_newer_grant(&self, service: &str) {
        self.lock().newer_grants.push(service.parse().unwrap());
    }

    /// Forgets what was decided, as if it had never been written.
    pub fn forget(&self) {
        let mut inner = self.lock();
        inner.items.clear();
        inner.order.clear();
    }

    /// The ids of the findings that are open.
    #[must_use]
    pub fn open_ids(&self) -> Vec<String> {
        self.lock().open.keys().cloned().collect()
    }

    /// The stream's next batch, as Lambda hands it to `notify`.
    #[must_use]
    pub fn take_batch(&self) -> Value {
        json!({ "Records": std::mem::take(&mut self.lock().stream) })
    }
}

impl History for MemoryLedger {
    async fn history(&self, service: &ServiceId) -> Result<LedgerHistory, CallError> {
        let recall = |fate| {
            let mut memory = LedgerHistory::default();
            let (count, keys) = {
                let inner = self.lock();
                let whole = inner.order.len();
                (if let Fault::Stale(ago) = fate { inner.past.get(ago).copied().unwrap_or(whole) } else { whole }, inner.order.clone())
            };
            let seen = keys.iter().take(count).filter_map(|key| self.record(key));
            for record in seen.filter(|record| record.service() == service) {
                memory.add(RecordedDecision {
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
                let subject = Subject::Endpoint(endpoint.clone());
                memory.add_unreadable(&connection_key(of, endpoint), Some(subject), "written by a newer version");
            }
            for of in inner.newer_grants.iter().filter(|of| *of == service) {
                memory.add_unreadable_grant(&format!("grants/{of}"), "written by a newer version");
            }
            memory.grants = inner.grants.iter().filter(|grant| grant.service == *service).cloned().collect();
            Ok(memory)
        };
        self.faults.fated("RecallQuery", recall).await
    }
}

impl Findings for MemoryLedger {
    async fn stored(&self) -> Result<StoredFindings, CallError> {
        let read = || {
            let inner = self.lock();
            let open = inner.open.values().filter(|open| !inner.scrambled.contains(&open.finding.id)).cloned().collect();
            Ok(StoredFindings { open, unreadable: inner.scrambled.clone(), known_since: inner.known_since.clone() })
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
        let release = || {
            let lock = &mut self.lock().lock;
            match lock.take_if(|(holder, _)| holder == run) {
                Some(_) => Ok(()),
                None => Err(refuse("ReleaseLock", "ConditionalCheckFailedException")),
            }
        };
        self.faults.around("ReleaseLock", release).await
    }

    async fn publish(&self, changes: &[Change], digest: &Digest) -> Result<PublishOutcome, CallError> {
        let publish = |fate| match fate {
            Fault::Conflict => Ok(PublishOutcome::Overtaken),
            Fault::Again => {
                self.lock().publish(changes, digest);
                Ok(self.lock().publish(changes, digest))
            }
            _ => Ok(self.lock().publish(changes, digest)),
        };
        self.faults.fated("TransactWriteItems", publish).await
    }

    async fn store_known_since(&self, known_since: &KnownSince) -> Result<(), CallError> {
        let put = || {
            self.lock().known_since = known_since.clone();
            Ok(())
        };
        self.faults.around("PutKnown", put).await
    }
}

impl Ledger for MemoryLedger {
    async fn put(&self, record: &Record) -> Result<PutOutcome, CallError> {
        let put = |fate| match fate {
            Fault::Conflict => Err(refuse("PutItem", "TransactionConflictException")),
            Fault::Again => {
                self.lock().put(record);
                Ok(self.lock().put(record))
            }
            _ => Ok(self.lock().put(record)),
        };
        self.faults.fated("PutItem", put).await
    }

    async fn grants(&self, service: &ServiceId) -> Result<Vec<Grant>, CallError> {
        let read = || Ok(self.lock().grants.iter().filter(|grant| grant.service == *service).cloned().collect());
        self.faults.around("GrantsQuery", read).await
    }

    async fn verdicts(&self, service: &ServiceId, endpoint: &EndpointId) -> Result<Vec<Verdict>, CallError> {
        let connection = connection_key(service, endpoint);
        let read = || Ok(self.lock().items.keys().filter(|key| key.connection == connection).map(|key| key.verdict).collect());
        self.faults.around("Query", read).await
    }
}

impl Inner {
    fn put(&mut self, record: &Record) -> PutOutcome {
        if self.items.contains_key(&record.key()) {
            return PutOutcome::AlreadyThere;
        }
        let text = record.to_json().unwrap();
        let sequence = format!("{:021}", self.order.len());
        self.stream.push(json!({"eventName": "INSERT", "dynamodb": {"SequenceNumber": sequence, "NewImage": {"kind": {"S": "decision"}, "record": {"S": text}}}}));
        self.items.insert(record.key(), text);
        self.order.push(record.key());
        PutOutcome::Written
    }

    fn publish(&mut self, changes: &[Change], digest: &Digest) -> PublishOutcome {
        let as_taken = |change: &Change| match change {
            Change::Opened(open) => !self.open.contains_key(&open.finding.id),
            Change::Worsened(was, _) | Change::Improved(was, _) => self.open.get(&was.finding.id) == Some(was.as_ref()),
            Change::Resolved(was) => self.open.get(&was.finding.id) == Some(was),
        };
        if !changes.iter().all(as_taken) {
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
        if !digest.is_news() {
            return PublishOutcome::Written;
        }
        self.digests += 1;
        let (sequence, text) = (format!("9{:020}", self.digests), serde_json::to_string(digest).unwrap());
        self.stream.push(json!({"eventName": "INSERT", "dynamodb": {"SequenceNumber": sequence, "NewImage": {"kind": {"S": "digest"}, "record": {"S": text}}}}));
        PublishOutcome::Written
    }
}
