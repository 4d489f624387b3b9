//! The ledger in memory: a put succeeds once per key, and the stream delivers each new record at least once.

mod audit;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use serde_json::{Value, json};
use warden::{
    decision::grant::Grant,
    ledger::{
        open_finding::{KnownSince, OpenFinding},
        record::{Record, RecordKey, Verdict, connection_key},
    },
    model::ids::{EndpointId, ServiceId},
    ports::{CallError, Ledger, PutOutcome},
};

use crate::faults::{Fault, Faults, error};

/// The number of moments that the index can lag behind.
const MOMENTS_MAX: usize = 4;

/// A ledger in memory, with faults.
#[derive(Debug, Clone, Default)]
pub struct MemoryLedger {
    inner: Arc<Mutex<Inner>>,
    pub faults: Faults,
}

#[derive(Debug, Default)]
struct Inner {
    /// Records as they are stored: text.
    items: BTreeMap<RecordKey, String>,
    /// The keys in the order in which they were written.
    order: Vec<RecordKey>,
    /// The number of keys at earlier moments, the latest first.
    past: VecDeque<usize>,
    /// Connections of which a newer version wrote an item.
    newer: Vec<(ServiceId, EndpointId)>,
    /// Services of which a newer version wrote a grant.
    newer_grants: Vec<ServiceId>,
    grants: Vec<Grant>,
    open: BTreeMap<String, OpenFinding>,
    known_since: KnownSince,
    digests: u64,
    /// Open findings that a newer version wrote.
    newer_findings: BTreeSet<String>,
    lock: Option<(String, Timestamp)>,
    stream: Vec<Value>,
}

impl MemoryLedger {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn records(&self) -> Vec<Record> {
        self.lock().items.values().map(|text| Record::from_json(text).unwrap()).collect()
    }

    pub fn record(&self, key: &RecordKey) -> Option<Record> {
        self.lock().items.get(key).map(|text| Record::from_json(text).unwrap())
    }

    /// The keys that were written after the first so many.
    pub fn keys_after(&self, first: usize) -> Vec<RecordKey> {
        self.lock().order.iter().skip(first).cloned().collect()
    }

    pub fn open_ids(&self) -> Vec<String> {
        self.lock().open.keys().cloned().collect()
    }

    pub fn delete(&self, key: &RecordKey) {
        self.lock().items.remove(key);
    }

    pub fn delete_all(&self) {
        let mut inner = self.lock();
        inner.items.clear();
        inner.order.clear();
    }

    /// Keeps the present state for an index that lags behind.
    pub fn keep_moment(&self) {
        let mut inner = self.lock();
        let count = inner.order.len();
        inner.past.push_front(count);
        inner.past.truncate(MOMENTS_MAX);
    }

    pub fn grant(&self, grant: Grant) {
        self.lock().grants.push(grant);
    }

    pub fn revoke(&self, which: impl Fn(&Grant) -> bool) {
        self.lock().grants.retain(|grant| !which(grant));
    }

    /// Adds an item about a connection that a newer version wrote.
    pub fn put_newer_item(&self, service: &str, endpoint: &str) {
        self.lock().newer.push((service.parse().unwrap(), endpoint.parse().unwrap()));
    }

    /// Adds a grant that a newer version wrote.
    pub fn put_newer_grant(&self, service: &str) {
        self.lock().newer_grants.push(service.parse().unwrap());
    }

    /// Makes these open findings items that a newer version wrote.
    pub fn make_findings_newer(&self, ids: &[String]) {
        self.lock().newer_findings.extend(ids.iter().cloned());
    }

    /// The next batch of the stream, as Lambda delivers it to `notify`.
    pub fn take_batch(&self) -> Value {
        json!({ "Records": std::mem::take(&mut self.lock().stream) })
    }
}

impl Ledger for MemoryLedger {
    async fn put(&self, record: &Record) -> Result<PutOutcome, CallError> {
        let put = |fault| match fault {
            Fault::Conflict => Err(error("PutItem", "TransactionConflictException")),
            Fault::Again => {
                self.lock().put(record);
                Ok(self.lock().put(record))
            }
            _ => Ok(self.lock().put(record)),
        };
        self.faults.around_answer("PutItem", put).await
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
        self.stream(&format!("{:021}", self.order.len()), "decision", &text);
        self.items.insert(record.key(), text);
        self.order.push(record.key());
        PutOutcome::Written
    }

    fn stream(&mut self, sequence: &str, kind: &str, record: &str) {
        let image = json!({"kind": {"S": kind}, "record": {"S": record}});
        self.stream.push(json!({"eventName": "INSERT", "dynamodb": {"SequenceNumber": sequence, "NewImage": image}}));
    }
}
