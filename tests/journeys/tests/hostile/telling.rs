//! Forged batches of the ledger's stream before `notify`: whoever could write to the table, or an older or newer version,
//! may have written anything.

use std::{collections::BTreeSet, time::Instant};

use fastrand::Rng;
use journeys::{A, B, Outbox, PROVIDER, Stage};
use notify::Notify;
use serde_json::{Value, json};
use warden::config::NotifyConfig;

use crate::{Suspect, events, mutate::Stock};

/// At each test run.
const BATCHES: u64 = 5_000;
/// Of the million: a message does no more harm than to be wrong.
const SHARE: u64 = 10;

const RECORD: &str = "/Records/0/dynamodb/NewImage/record/S";
const READ: [&str; 4] =
    ["/Records/0/dynamodb/NewImage/kind/S", "/Records/0/dynamodb/SequenceNumber", "/Records/0/dynamodb/NewImage", RECORD];
const READ_INSIDE: [&str; 8] = [
    "/verdict",
    "/facts/service/tags",
    "/facts/connection/owner",
    "/facts/connection/state",
    "/refer",
    "/judgement/accept/rules",
    "/origin/id",
    "/schema",
];

/// A batch of each entry alone, and what is written in them.
async fn stocks() -> (Stock, Stock) {
    let stage = Stage::new();
    let asked = [A, B].map(|account| stage.ask(account));
    stage.aws.world().connection_mut(&asked[1].0).unwrap().owner = Some("777788889999".to_owned());
    for event in asked.iter().flat_map(|(_, events)| events) {
        drop(stage.deliver(event).await);
    }
    stage.sweep().await.unwrap();
    stage.audit().await.unwrap();
    let batch = stage.ledger.take_batch();
    let events: Vec<Value> = batch["Records"].as_array().unwrap().iter().map(|entry| json!({"Records": [entry, entry]})).collect();
    assert!(events.len() >= 3, "decisions and a digest: {events:#?}");
    let written = events.iter().map(|event| serde_json::from_str(event.pointer(RECORD).unwrap().as_str().unwrap()).unwrap()).collect();
    let words = [
        A,
        B,
        PROVIDER,
        "decision",
        "digest",
        "accepted",
        "disputed",
        "<!channel>",
        "\r\nBcc: x",
        "warden:owner-topic",
        "2026-01-01T00:00:00Z",
    ];
    let words: Vec<String> = words.map(str::to_owned).into();
    (Stock { events, words: words.clone(), read: &READ }, Stock { events: written, words, read: &READ_INSIDE })
}

/// A batch whose entries are forged, or what is written in them, or both.
fn forged(seed: u64, (outside, inside): &(Stock, Stock)) -> Vec<u8> {
    let rng = &mut Rng::with_seed(seed);
    let mut batch = outside.any(rng).clone();
    if rng.bool() {
        let forged = outside.event(seed);
        match serde_json::from_slice(&forged) {
            Ok(value) => batch = value,
            Err(_) => return forged,
        }
    }
    if let Some(record) = batch.pointer_mut(RECORD).filter(|_| rng.u8(..4) > 0) {
        *record = json!(String::from_utf8_lossy(&inside.event(seed)));
    }
    batch.to_string().into_bytes()
}

#[test]
fn no_forged_batch_stops_the_telling() {
    let (batches, start) = (events(BATCHES * SHARE) / SHARE, Instant::now());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stocks = runtime.block_on(stocks());
    let config = NotifyConfig {
        default_topic: "arn:aws:sns:us-east-1:123456789012:warden-owners".parse().unwrap(),
        topic_prefix: "arn:aws:sns:us-east-1:123456789012:warden-".to_owned(),
        policy_home: "https://git.example/network/policies".to_owned(),
    };
    let notify = Notify { publish: Outbox::default(), config };
    let (mut told, mut refused) = (0, 0);
    for seed in 0..batches {
        let batch = forged(seed, &stocks);
        let _suspect = Suspect { seed, event: &batch };
        let Ok(batch) = serde_json::from_slice::<Value>(&batch) else { continue };
        let Ok(response) = runtime.block_on(notify.tell(&batch)) else { continue };
        let entries = batch["Records"].as_array().unwrap();
        let notices = notify.publish.take();
        drop(notify.publish.faults.take_calls());
        assert_eq!(notices.len() + response.batch_item_failures.len(), entries.len(), "an entry was neither told nor named");
        let numbers: BTreeSet<&str> =
            entries.iter().map(|entry| entry.pointer("/dynamodb/SequenceNumber").and_then(Value::as_str).unwrap_or_default()).collect();
        assert!(response.batch_item_failures.iter().all(|failure| numbers.contains(failure.item_identifier.as_str())));
        for (topic, notice) in &notices {
            assert!(topic.starts_with(&notify.config.topic_prefix), "told {topic}");
            assert!(notice.subject.len() < 100 && notice.subject.bytes().all(|b| matches!(b, b' '..=b'~')), "{:?}", notice.subject);
        }
        told += notices.len() as u64;
        refused += response.batch_item_failures.len() as u64;
    }
    println!("{batches} batches in {:.1?}: {told} messages, {refused} entries that could not be told", start.elapsed());
    assert!(told >= batches / 4 && refused >= batches / 10, "{told} told, {refused} refused of {batches} batches");
}
