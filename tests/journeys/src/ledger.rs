//! The ledger in memory: a put succeeds once per key, and every new record comes out of the stream once or more.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value, json};
use warden::{
    ids::{EndpointId, ServiceId},
    ports::{CallError, Ledger, Put},
    record::{Key, Record, Verdict, connection_key},
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

    /// The stream's next batch, as Lambda hands it to `notify`.
    #[must_use]
    pub fn take_batch(&self) -> Value {
        json!({ "Records": std::mem::take(&mut self.lock().stream) })
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

    async fn verdicts(&self, service: &ServiceId, endpoint: &EndpointId) -> Result<Vec<Verdict>, CallError> {
        let connection = connection_key(service, endpoint);
        self.faults
            .around("Query", || Ok(self.lock().items.keys().filter(|key| key.connection == connection).map(|key| key.verdict).collect()))
    }
}
