//! What the audit reads of the ledger: the entries of a service as a whole, and those about the connections of one page.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use aws_sdk_dynamodb::{config::AsyncSleep, types::KeysAndAttributes};
use jiff::Timestamp;

use crate::{
    aws::{
        dynamodb::Table,
        error::call_error,
        items::{Item, json_of, s, text, unbuildable},
        service_ledger::read_decision,
    },
    decision::{Hold, PersonDecisions},
    ledger::{
        history::{LedgerHistory, PageHistory, SubjectHistory},
        keys::{self, PENDING, PROOF, STATE},
        pending::Proof,
        record::{SCHEMA_VERSION, Verdict},
        service_state::ServiceState,
    },
    model::{
        connection::{Connection, Phase},
        ids::ServiceId,
        subject::Subject,
    },
    ports::{CallError, History, StackLedger},
};

/// DynamoDB takes 100 keys in one call.
const KEYS_PER_CALL_MAX: usize = 100;
/// Calls for the same keys. DynamoDB returns keys unprocessed while it throttles the table.
const ATTEMPTS_MAX: u32 = 8;
/// The wait before the second call. It doubles with each further call.
const BACKOFF: Duration = Duration::from_millis(50);
/// The attributes of an entry. A whole record has several kilobytes.
const ATTRIBUTES: [(&str, &str); 6] =
    [("#pk", "pk"), ("#sk", "sk"), ("#schema", "schema"), ("#at", "at"), ("#proof", "proof"), ("#pending", "pending")];

/// The key of an item.
type Key = (String, String);

impl History for Table {
    async fn history(&self, service: &ServiceId) -> Result<LedgerHistory, CallError> {
        let mut people = PersonDecisions::default();
        self.partition(keys::decisions(service)).await?.iter().for_each(|item| read_decision(item, &mut people));
        let mut history = LedgerHistory { grants: people.grants, hold: people.hold, ..LedgerHistory::default() };
        people.unreadable.iter().for_each(|key| history.add_unreadable_decision(key));
        let get = self.client.get_item().table_name(&self.name).key("pk", s(&keys::service(service))).key("sk", s(STATE));
        let output = get.consistent_read(true).send().await.map_err(|error| call_error("GetItem", error))?;
        match output.item().and_then(|item| text(item, "state")).map(ServiceState::from_json).transpose() {
            Ok(state) => {
                let ServiceState { usage, counted, .. } = state.unwrap_or_default();
                Ok(LedgerHistory { usage, counted, ..history })
            }
            Err(error) => {
                history.unreadable.push(format!("{} {STATE}: {error}", keys::service(service)));
                Ok(history)
            }
        }
    }

    async fn entries(&self, service: &ServiceId, connections: &[Connection]) -> Result<PageHistory, CallError> {
        // By key: a batch must not name a key twice.
        let wanted: BTreeMap<Key, &Subject> = connections.iter().flat_map(|connection| keys_about(service, connection)).collect();
        let mut page = PageHistory::default();
        let all: Vec<&Key> = wanted.keys().collect();
        for batch in all.chunks(KEYS_PER_CALL_MAX) {
            for item in self.batch(batch).await? {
                let key = (text(&item, "pk").unwrap_or_default().to_owned(), text(&item, "sk").unwrap_or_default().to_owned());
                if let Some(subject) = wanted.get(&key) {
                    add(&mut page, service, subject, &key.1, &item);
                }
            }
        }
        Ok(page)
    }

    async fn hold_of_stack(&self) -> Result<Option<Hold>, CallError> {
        self.stack_hold().await
    }
}

/// The keys of the entries that the audit needs about a connection. A repeated verdict has a longer key, which is not needed.
fn keys_about<'a>(service: &ServiceId, connection: &'a Connection) -> Vec<(Key, &'a Subject)> {
    let subject = &connection.subject;
    let record = |verdict: Verdict| (keys::request(service, subject), verdict.to_string());
    let note = |prefix: &str| (keys::service(service), format!("{prefix}{subject}"));
    let keys = match connection.state.phase() {
        Phase::Live => vec![record(Verdict::Accepted), record(Verdict::Found), note(PROOF)],
        Phase::Waiting => vec![note(PENDING), note(PROOF)],
        Phase::Gone | Phase::Unknown => Vec::new(),
    };
    keys.into_iter().map(|key| (key, subject)).collect()
}

fn add(page: &mut PageHistory, service: &ServiceId, subject: &Subject, sort: &str, item: &Item) {
    if read(page.entry(subject), sort, item).is_none() {
        page.add_unreadable(service, subject, &format!("the entry {sort} is malformed, or a newer version wrote it"));
    }
}

/// Reads an entry. `None` if this version cannot.
fn read(history: &mut SubjectHistory, sort: &str, item: &Item) -> Option<()> {
    if sort.starts_with(PENDING) {
        history.pending = Some(json_of(item, "pending")?);
        return Some(());
    }
    if sort.starts_with(PROOF) {
        let proof: Proof = json_of(item, "proof")?;
        history.role = proof.role;
        return Some(());
    }
    let schema: u32 = item.get("schema")?.as_n().ok()?.parse().ok()?;
    let at: Timestamp = text(item, "at")?.parse().ok()?;
    if schema > SCHEMA_VERSION {
        return None;
    }
    match sort == Verdict::Accepted.as_str() {
        true => history.accepted = Some(at),
        false => history.found = true,
    }
    Some(())
}

impl Table {
    /// The items of at most [`KEYS_PER_CALL_MAX`] keys, as far as they exist.
    async fn batch(&self, keys: &[&Key]) -> Result<Vec<Item>, CallError> {
        let item = |(partition, sort): &Key| HashMap::from([("pk".to_owned(), s(partition)), ("sk".to_owned(), s(sort))]);
        let (mut found, mut next): (_, Vec<Item>) = (Vec::new(), keys.iter().map(|key| item(key)).collect());
        let mut wait = BACKOFF;
        for attempt in 1.. {
            let call = self.client.batch_get_item().request_items(&self.name, request(std::mem::take(&mut next))?);
            let output = call.send().await.map_err(|error| call_error("BatchGetItem", error))?;
            found.extend(output.responses.unwrap_or_default().remove(&self.name).unwrap_or_default());
            next = output.unprocessed_keys.unwrap_or_default().remove(&self.name).map(|left| left.keys).unwrap_or_default();
            if next.is_empty() {
                break;
            }
            if attempt == ATTEMPTS_MAX {
                let message = "DynamoDB left keys unprocessed".to_owned();
                let code = Some("UnprocessedKeys".to_owned());
                return Err(CallError { call: "BatchGetItem", code, message, source: None });
            }
            if let Some(sleep) = self.client.config().sleep_impl() {
                sleep.sleep(wait).await;
                wait *= 2;
            }
        }
        Ok(found)
    }
}

/// A strongly consistent read of the attributes that the audit needs. Of what a call left unprocessed, only the keys count.
fn request(keys: Vec<Item>) -> Result<KeysAndAttributes, CallError> {
    let (names, attributes): (Vec<&str>, Vec<&str>) = ATTRIBUTES.into_iter().unzip();
    let request = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).projection_expression(names.join(", "));
    let names = names.into_iter().zip(attributes).map(|(name, attribute)| (name.to_owned(), attribute.to_owned()));
    request.set_expression_attribute_names(Some(names.collect())).build().map_err(unbuildable)
}
