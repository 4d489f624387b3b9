//! The ledger in memory. A write names the versions that it read; the stream delivers each new record at least once.

mod audit;
mod services;
mod told;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use serde_json::{Value, json};
use warden::{
    decision::{Hold, PersonDecisions},
    ledger::{
        commit::ServiceItems,
        counted::ToldDays,
        decision_event::DecisionEvent,
        open_finding::{KnownSince, OpenFinding},
        record::{Record, RecordKey},
        told::ToldMark,
    },
    model::{ids::ServiceId, subject::Subject},
};

use crate::faults::Faults;

/// A ledger in memory, with faults.
#[derive(Debug, Clone, Default)]
pub struct MemoryLedger {
    inner: Arc<Mutex<Inner>>,
    pub faults: Faults,
}

#[derive(Debug, Default)]
struct Inner {
    /// Records as they are stored: text.
    records: BTreeMap<RecordKey, String>,
    /// The keys in the order in which they were written.
    order: Vec<RecordKey>,
    services: BTreeMap<ServiceId, ServiceItems>,
    /// Services whose state a newer version wrote.
    newer_states: BTreeSet<ServiceId>,
    decisions: BTreeMap<ServiceId, PersonDecisions>,
    history: Vec<DecisionEvent>,
    stack_hold: Option<Hold>,
    /// Connections of which a newer version wrote an item.
    newer: Vec<(ServiceId, Subject)>,
    open: BTreeMap<String, OpenFinding>,
    known_since: KnownSince,
    told_days: ToldDays,
    digests: u64,
    /// Open findings that a newer version wrote.
    newer_findings: BTreeSet<String>,
    lock: Option<(String, Timestamp)>,
    /// The entries of the stream, each with its key, that are not delivered.
    stream: Vec<Value>,
    marks: BTreeMap<RecordKey, ToldMark>,
}

impl MemoryLedger {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn records(&self) -> Vec<Record> {
        self.lock().records.values().map(|text| Record::from_json(text).unwrap()).collect()
    }

    pub fn record(&self, key: &RecordKey) -> Option<Record> {
        self.lock().records.get(key).map(|text| Record::from_json(text).unwrap())
    }

    /// The keys that were written after the first so many.
    pub fn keys_after(&self, first: usize) -> Vec<RecordKey> {
        self.lock().order.iter().skip(first).cloned().collect()
    }

    pub fn open_ids(&self) -> Vec<String> {
        self.lock().open.keys().cloned().collect()
    }

    pub fn delete(&self, key: &RecordKey) {
        self.lock().records.remove(key);
    }

    pub fn delete_all(&self) {
        let mut inner = self.lock();
        inner.services.values_mut().for_each(|items| items.proofs.clear());
        inner.records.clear();
        inner.order.clear();
    }

    /// The items of a service.
    pub fn service(&self, service: &str) -> ServiceItems {
        self.lock().services.get(&service.parse().unwrap()).cloned().unwrap_or_default()
    }

    /// People's decisions about a service, without a hold of the stack.
    pub fn people(&self, service: &str) -> PersonDecisions {
        self.lock().decisions.get(&service.parse().unwrap()).cloned().unwrap_or_default()
    }

    /// The history of people's decisions.
    pub fn history_of_decisions(&self) -> Vec<DecisionEvent> {
        self.lock().history.clone()
    }

    /// Adds an item about a connection that a newer version wrote.
    pub fn put_newer_item(&self, service: &str, endpoint: &str) {
        self.lock().newer.push((service.parse().unwrap(), endpoint.parse().unwrap()));
    }

    /// Adds a grant that a newer version wrote.
    pub fn put_newer_grant(&self, service: &str) {
        let mut inner = self.lock();
        let id: ServiceId = service.parse().unwrap();
        inner.decisions.entry(id.clone()).or_default().unreadable.push(format!("decisions/{id} grant/999900001111"));
        inner.raise(&id);
    }

    /// Makes the state of a service one that a newer version wrote.
    pub fn make_state_newer(&self, service: &str) {
        self.lock().newer_states.insert(service.parse().unwrap());
    }

    /// Makes these open findings items that a newer version wrote.
    pub fn make_findings_newer(&self, ids: &[String]) {
        self.lock().newer_findings.extend(ids.iter().cloned());
    }

    /// The next batch of the stream.
    pub fn take_batch(&self) -> Value {
        json!({ "Records": std::mem::take(&mut self.lock().stream) })
    }

    /// The next deliveries of the stream, as `notify` gets them: one entry each.
    pub fn take_deliveries(&self) -> Vec<Value> {
        std::mem::take(&mut self.lock().stream).into_iter().map(|entry| json!({ "Records": [entry] })).collect()
    }

    /// Adds entries to deliver.
    pub fn deliver_again(&self, delivery: &Value) {
        self.lock().stream.extend(delivery["Records"].as_array().into_iter().flatten().cloned());
    }

    /// Deletes the marks of what was told.
    pub fn forget_told(&self) {
        self.lock().marks.clear();
    }

    /// The marks of what was told.
    pub fn marks(&self) -> Vec<ToldMark> {
        self.lock().marks.values().cloned().collect()
    }
}

impl Inner {
    fn stream(&mut self, sequence: &str, key: &RecordKey, kind: &str, record: &str, expires: Timestamp) {
        let image = json!({"kind": {"S": kind}, "record": {"S": record}, "expires": {"N": expires.as_second().to_string()}});
        let keys = json!({"pk": {"S": key.partition}, "sk": {"S": key.sort}});
        let change = json!({"Keys": keys, "SequenceNumber": sequence, "NewImage": image});
        self.stream.push(json!({"eventName": "INSERT", "dynamodb": change}));
    }
}
