//! Law 6, totality: no bytes panic a function, and no forged message causes an act that the laws do not allow.
//!
//! A message only says where to look. Each case runs a generated scenario, and then delivers edited events of its world.
//! `EVENTS` sets the number of events.

mod edits;

use std::cell::Cell;

use edits::edits;
use properties::{
    events::role_of,
    generators::{FAULTLESS, scenario},
    mutants::Flaw,
    scenario::{ACCOUNTS, Delivery, Ending, Forgery, NewEndpoint},
    simulation::Simulation,
};
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use scenarios::{PROVIDER, TOPIC, notify_config, sweep_event};
use serde_json::{Value, json};
use warden::{ledger::record::Verdict, trigger::hint};

/// The number of events in one case.
const PER_CASE: u32 = 64;
/// The number of events in each test run without `EVENTS`.
const EVENTS: u32 = 8_000;
/// DynamoDB stores items of up to 400 KB. A record with everything that AWS may put into it is much smaller.
const RECORD_BYTES_MAX: usize = 16 * 1024;

const RECORDED: [&str; 5] = [
    include_str!("../../../shared/tests/events/cloudtrail-create-vpc-endpoint.json"),
    include_str!("../../../shared/tests/events/cloudtrail-create-attachment.json"),
    include_str!("../../../shared/tests/events/cloudtrail-create-denied.json"),
    include_str!("../../../shared/tests/events/sns-connect-text-body.json"),
    include_str!("../../../shared/tests/events/sns-no-ids.json"),
];

fn config(share: u32, max_shrink_iters: u32) -> ProptestConfig {
    let events = std::env::var("EVENTS").map_or(EVENTS, |text| text.parse().unwrap());
    ProptestConfig { cases: (events / share / PER_CASE).max(1), failure_persistence: None, max_shrink_iters, ..Default::default() }
}

/// The last messages of a world, also with forged accounts, those of the schedule and of the warden itself, and recorded events.
fn events(simulation: &Simulation<'_>) -> Vec<Value> {
    let forgeries = [Forgery::None, Forgery::Owner(0), Forgery::Role(1), Forgery::Envelope(2)];
    let last = simulation.sent.iter().rev().take(4).flat_map(|sent| forgeries.map(|forgery| sent.forged(forgery, &ACCOUNTS)));
    let own = simulation.services.iter().map(|id| serde_json::from_str(&hint(&id.parse().unwrap())).unwrap());
    last.chain([sweep_event()]).chain(own).chain(RECORDED.iter().map(|text| serde_json::from_str(text).unwrap())).collect()
}

/// Ids and names that exist.
fn words(simulation: &Simulation<'_>) -> Vec<String> {
    let ids = simulation.requests.iter().flat_map(|request| [request.endpoint.clone(), request.service.clone()]);
    let name = format!("com.amazonaws.vpce.us-east-1.{}", simulation.services[0]);
    let others = [PROVIDER, TOPIC, "vpce-0123456789abcdef0", "aws.scheduler", "Scheduled Event", "warden:owner-topic"];
    ids.chain([name]).chain(ACCOUNTS.map(role_of)).chain(ACCOUNTS.into_iter().chain(others).map(str::to_owned)).collect()
}

/// Returns the numbers of acceptances, disputes and unreadable messages; or an explanation of a violation.
fn deliver_forgeries(flaw: Option<Flaw>) -> Result<[u32; 3], String> {
    let counts = Cell::new([0; 3]);
    let strategy = (scenario(FAULTLESS), vec(edits(), PER_CASE as usize), "\\PC{0,40}");
    let config = config(1, if flaw.is_some() { 0 } else { 10_000 });
    let run = TestRunner::new(config).run(&strategy, |(scenario, all, name)| {
        let [mut accepted, mut disputed, mut refused] = counts.get();
        let mut simulation = Simulation::new(flaw, &scenario);
        simulation.run();
        let earlier = simulation.ledger.keys_after(0).len();
        for (n, some) in all.chunks(4).enumerate() {
            let account = n % ACCOUNTS.len();
            simulation.request(NewEndpoint { account, service: n, remote: false, dualstack: false, omitted: None });
            let (events, words) = (events(&simulation), words(&simulation));
            for edits in some {
                let event = edits.apply(&events, &words);
                refused += u32::from(simulation.invoke_with(&event));
                prop_assert!(simulation.violations.is_empty(), "{:?} after {}", simulation.violations, String::from_utf8_lossy(&event));
            }
        }
        for record in simulation.ledger.keys_after(earlier).iter().filter_map(|key| simulation.ledger.record(key)) {
            accepted += u32::from(record.verdict == Verdict::Accepted);
            disputed += u32::from(record.verdict == Verdict::Disputed);
            let bytes = record.to_json().unwrap().len();
            prop_assert!(bytes <= RECORD_BYTES_MAX, "a record of {bytes} bytes");
        }
        // The audit ignores its event, but not the names that owners choose.
        simulation.aws.world().create_tags(PROVIDER, &simulation.services, &[("Name".to_owned(), name)]).unwrap();
        prop_assert_eq!(simulation.audit(Ending::Completes).unwrap(), Ok(()));
        let unread = simulation.queue.dead_letters().into_iter().find(|(_, reason)| reason.is_empty());
        prop_assert!(unread.is_none(), "set aside without a reason: {:?}", unread);
        counts.set([accepted, disputed, refused]);
        Ok(())
    });
    run.map_err(|error| error.to_string()).map(|()| counts.get())
}

#[test]
fn forged_events_cause_no_forbidden_act() {
    let counts = deliver_forgeries(None).unwrap_or_else(|why| panic!("{why}"));
    let cases = config(1, 0).cases;
    println!("{} forged messages: {counts:?} acceptances, disputes, unreadable ones", cases * PER_CASE);
    assert!(counts.into_iter().all(|count| count >= cases / 4), "the messages do not reach the function: {counts:?}");
}

#[test]
fn trusting_mutants_are_caught() {
    for flaw in [Flaw::TrustsTheEventsOwner, Flaw::TrustsTheEventsShape] {
        deliver_forgeries(Some(flaw)).unwrap_err();
    }
}

#[test]
fn forged_batches_stop_no_message() {
    let (told, failed) = (Cell::new(0), Cell::new(0));
    let strategy = (scenario(FAULTLESS), vec((edits(), edits()), PER_CASE as usize));
    let run = TestRunner::new(config(8, 10_000)).run(&strategy, |(scenario, all)| {
        let mut simulation = Simulation::new(None, &scenario);
        simulation.run();
        drop(simulation.work_off(Delivery::Sweep));
        drop(simulation.audit(Ending::Completes));
        let stream = simulation.ledger.take_batch();
        let records = stream["Records"].as_array().unwrap();
        let batches: Vec<Value> = records.iter().map(|record| json!({"Records": [record, record]})).chain([stream.clone()]).collect();
        let words = words(&simulation);
        for (outer, inner) in &all {
            let Ok(mut batch) = serde_json::from_slice::<Value>(&outer.apply(&batches, &words)) else { continue };
            if let Some(Value::String(record)) = batch.pointer_mut("/Records/0/dynamodb/NewImage/record/S") {
                let content = serde_json::from_str(record).unwrap_or_default();
                *record = inner.apply_to(content, &batches, &words).to_string();
            }
            drop(simulation.mailbox.take());
            simulation.ledger.forget_told();
            let Ok(summary) = simulation.notify_with(batch.clone(), usize::MAX).unwrap() else { continue };
            let (messages, entries) = (simulation.mailbox.take(), batch["Records"].as_array().unwrap());
            let (new, repeated, set_aside) = (summary.told as usize, summary.repeated as usize, simulation.set_aside.take().len());
            prop_assert_eq!(messages.len(), new);
            prop_assert_eq!(new + repeated + set_aside, entries.len(), "an entry is neither told nor set aside: {}", batch);
            for (topic, message) in &messages {
                prop_assert!(topic.starts_with(&notify_config().topic_prefix), "told to {topic}");
                prop_assert!(message.subject.len() < 100 && message.subject.bytes().all(|byte| matches!(byte, b' '..=b'~')));
            }
            told.set(told.get() + messages.len());
            failed.set(failed.get() + set_aside);
        }
        Ok(())
    });
    run.unwrap();
    let (told, failed, cases) = (told.get(), failed.get(), config(8, 0).cases);
    println!("{} forged batches: {told} messages, {failed} failed entries", cases * PER_CASE);
    assert!(told.min(failed) >= cases as usize * 8, "the batches do not reach the function: {told}, {failed}");
}
