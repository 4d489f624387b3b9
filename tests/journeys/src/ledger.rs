//! The ledger in memory: a put succeeds once per key, and every new record comes out of the stream once or more.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use serde_json::{Value, json};
use warden::{
    grant::Grant,
    ids::{EndpointId, ServiceId},
    news::{Change, Digest, Kept, Open},
    ports::{CallError, Findings, Ledger, Published, Put, Recall},
    record::{Key, Record, Verdict, connection_key},
    survey::{Decided, Memory},
};

use crate::faults::Faults;

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
    items: BTreeMap<Key, String>,
    /// Items that a newer version wrote, by service.
    newer: Vec<(ServiceId, EndpointId)>,
    newer_grants: Vec<ServiceId>,
    grants: Vec<Grant>,
    open: BTreeMap<String, Open>,
    known_since: BTreeMap<String, Timestamp>,
    digests: u64,
    /// Open findings that a newer version wrote.
    scrambled: BTreeSet<String>,
    pen: Option<String>,
    stream: Vec<Value>,
}

impl MemoryLedger {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
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
        self.lock().items.clear();
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

impl Recall for MemoryLedger {
    async fn recall(&self, service: &ServiceId) -> Result<Memory, CallError> {
        self.faults.around("RecallQuery", || {
            let mut memory = Memory::default();
            for record in self.records().iter().filter(|record| record.service() == service) {
                memory.add(Decided {
                    endpoint: record.endpoint().clone(),
                    account: record.account().cloned(),
                    verdict: record.verdict,
                    at: record.at,
                    policies: record.policies(),
                    role: record.facts.requester().cloned(),
                });
            }
            let inner = self.lock();
            for (of, endpoint) in inner.newer.iter().filter(|(of, _)| of == service) {
                memory.add_unreadable(&connection_key(of, endpoint), Some(endpoint.clone()), "written by a newer version");
            }
            for of in inner.newer_grants.iter().filter(|of| *of == service) {
                memory.add_unreadable_grant(&format!("grants/{of}"), "written by a newer version");
            }
            memory.grants = inner.grants.iter().filter(|grant| grant.service == *service).cloned().collect();
            Ok(memory)
        })
    }
}

impl Findings for MemoryLedger {
    async fn kept(&self) -> Result<Kept, CallError> {
        self.faults.around("OpenQuery", || {
            let inner = self.lock();
            let open = inner.open.values().filter(|open| !inner.scrambled.contains(&open.finding.id)).cloned().collect();
            Ok(Kept { open, unreadable: inner.scrambled.clone(), known_since: inner.known_since.clone() })
        })
    }

    async fn take_pen(&self, run: &str, _: Timestamp) -> Result<bool, CallError> {
        self.faults.around("TakePen", || Ok(self.lock().pen.get_or_insert_with(|| run.to_owned()) == run))
    }

    async fn lay_down_pen(&self, _: &str) -> Result<(), CallError> {
        self.faults.around("LayDownPen", || {
            self.lock().pen = None;
            Ok(())
        })
    }

    async fn publish(&self, changes: &[Change], digest: &Digest) -> Result<Published, CallError> {
        self.faults.around("TransactWriteItems", || {
            let mut inner = self.lock();
            let as_taken = |change: &Change| match change {
                Change::Opened(open) => !inner.open.contains_key(&open.finding.id),
                Change::Worsened(was, _) | Change::Eased(was, _) => inner.open.get(&was.finding.id) == Some(was.as_ref()),
                Change::Resolved(was) => inner.open.get(&was.finding.id) == Some(was),
            };
            if !changes.iter().all(as_taken) {
                return Ok(Published::Overtaken);
            }
            for change in changes {
                match change {
                    Change::Opened(open) | Change::Worsened(_, open) | Change::Eased(_, open) => drop(inner.open.insert(open.finding.id.clone(), open.clone())),
                    Change::Resolved(was) => drop(inner.open.remove(&was.finding.id)),
                }
            }
            if !digest.is_news() {
                return Ok(Published::Written);
            }
            inner.digests += 1;
            let (sequence, text) = (format!("9{:020}", inner.digests), serde_json::to_string(digest).unwrap());
            inner.stream.push(json!({"eventName": "INSERT", "dynamodb": {"SequenceNumber": sequence, "NewImage": {"kind": {"S": "digest"}, "record": {"S": text}}}}));
            Ok(Published::Written)
        })
    }

    async fn remember(&self, known_since: &BTreeMap<String, Timestamp>) -> Result<(), CallError> {
        self.faults.around("PutKnown", || {
            self.lock().known_since = known_since.clone();
            Ok(())
        })
    }
}

impl Ledger for MemoryLedger {
    async fn put(&self, record: &Record) -> Result<Put, CallError> {
        self.faults.around("PutItem", || {
            let mut inner = self.lock();
            if inner.items.contains_key(&record.key()) {
                return Ok(Put::AlreadyThere);
            }
            let text = record.to_json().unwrap();
            let sequence = format!("{:021}", inner.items.len());
            inner.stream.push(json!({"eventName": "INSERT", "dynamodb": {"SequenceNumber": sequence, "NewImage": {"kind": {"S": "decision"}, "record": {"S": text}}}}));
            inner.items.insert(record.key(), text);
            Ok(Put::Written)
        })
    }

    async fn grants(&self, service: &ServiceId) -> Result<Vec<Grant>, CallError> {
        self.faults.around("GrantsQuery", || Ok(self.lock().grants.iter().filter(|grant| grant.service == *service).cloned().collect()))
    }

    async fn verdicts(&self, service: &ServiceId, endpoint: &EndpointId) -> Result<Vec<Verdict>, CallError> {
        let connection = connection_key(service, endpoint);
        self.faults
            .around("Query", || Ok(self.lock().items.keys().filter(|key| key.connection == connection).map(|key| key.verdict).collect()))
    }
}
