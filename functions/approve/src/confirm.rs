//! What EC2's answer to an act means: a pure function from the answer to the next write.
//!
//! HTTP 200 is no promise, and no answer is no refusal. Where it is unknown whether EC2 acted, the intent stays open: a minute
//! later a worker describes its subjects and records what became of them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use warden::{
    ledger::{
        commit::{Commit, ServiceItems},
        pending::Pending,
        record::{Act, Failure, Outcome, Record, Verdict},
        service_state::{Intent, Pace, ServiceState},
    },
    model::{connection::Connection, subject::Subject},
    ports::{ActOutcome, CallError, Unsuccessful},
};

use crate::plan::{is_done, refused_until};

/// A request that EC2 throttles for longer is told as failed.
const THROTTLED_FOR_MAX: SignedDuration = SignedDuration::from_hours(1);

/// What to do after an act.
#[derive(Debug)]
pub(crate) enum Confirmation {
    /// Write this.
    Write(Box<Commit>),
    /// Describe the connections first: EC2 named subjects that it did not act on.
    Describe(Vec<Unsuccessful>),
    /// Leave the intent open: it is unknown whether EC2 acted.
    LeaveOpen,
}

/// Reads EC2's answer. `intent` is the write that preceded the act, and carries the intent.
pub(crate) fn confirmation(intent: &Commit, answer: Result<ActOutcome, CallError>, items: &ServiceItems, now: Timestamp) -> Confirmation {
    let Some(Intent { act, records, .. }) = &intent.state.intent else { return Confirmation::LeaveOpen };
    match answer {
        Ok(ActOutcome::Observed) => {
            Confirmation::Write(Box::new(done(intent, records.clone(), BTreeMap::new(), items, intent.state.pace.clone(), now)))
        }
        Ok(ActOutcome::Asked(unsuccessful)) if unsuccessful.is_empty() => {
            Confirmation::Write(Box::new(done(intent, records.clone(), BTreeMap::new(), items, intent.state.pace.after_act(now), now)))
        }
        Ok(ActOutcome::Asked(unsuccessful)) => {
            let named = |item: &Unsuccessful| records.iter().any(|record| record.subject().as_str() == item.resource);
            if unsuccessful.iter().all(named) { Confirmation::Describe(unsuccessful) } else { Confirmation::LeaveOpen }
        }
        Err(error) if error.is_throttling() => Confirmation::Write(Box::new(throttled(intent, &error, items, now))),
        Err(error) if error.is_transient() => Confirmation::LeaveOpen,
        Err(_) if records.len() > 1 => {
            Confirmation::Write(Box::new(withdrawn(intent, intent.state.pace.after_refusal(now, records.len()))))
        }
        Err(error) => {
            let failed = records.iter().map(|record| (record.subject().clone(), failure(*act, &error)));
            Confirmation::Write(Box::new(done(intent, Vec::new(), failed.collect(), items, intent.state.pace.after_act(now), now)))
        }
    }
}

/// The write after an act of which EC2 named some subjects as unsuccessful, in the light of their states. EC2 documents neither its
/// codes nor what a repeated act answers, so the state alone counts. A state that was described a moment ago may be stale,
/// and is only believed where it shows the act done or the subject gone.
pub(crate) fn confirmation_of(
    intent: &Commit,
    unsuccessful: &[Unsuccessful],
    connections: &[Connection],
    items: &ServiceItems,
    now: Timestamp,
) -> Commit {
    let Some(Intent { act, records, .. }) = &intent.state.intent else { return intent.clone() };
    let (mut acted, mut failed) = (Vec::new(), BTreeMap::new());
    for record in records {
        let item = unsuccessful.iter().find(|item| item.resource == record.subject().as_str());
        let state = connections.iter().find(|one| one.subject == *record.subject()).map(|one| &one.state);
        match item {
            None => acted.push(record.clone()),
            Some(_) if is_done(*act, state) => acted.push(record.clone()),
            // Deleted by the consumer, or rejected: nothing is left to tell.
            Some(_) if state.is_none_or(|state| state.phase() == warden::model::connection::Phase::Gone) => {}
            Some(item) => {
                let failure = Failure { act: *act, code: item.code.clone(), message: item.message.clone() };
                failed.insert(record.subject().clone(), failure);
            }
        }
    }
    done(intent, acted, failed, items, intent.state.pace.after_act(now), now)
}

/// Confirms the records of an intent. Subjects that EC2 refused are told as failed and tried again later.
fn done(
    intent: &Commit,
    acted: Vec<Record>,
    failed: BTreeMap<Subject, Failure>,
    items: &ServiceItems,
    pace: Pace,
    now: Timestamp,
) -> Commit {
    let Some(Intent { act, records, .. }) = &intent.state.intent else { return intent.clone() };
    let observed = acted.iter().any(|record| matches!(record.verdict, Verdict::ObservedAccept | Verdict::ObservedReject));
    let connections: Vec<Connection> = acted.iter().map(|record| record.facts.connection.clone()).collect();
    let mut pending: BTreeMap<Subject, Option<Pending>> = BTreeMap::new();
    for record in &acted {
        let note = observed.then(|| Pending { told: record.told(), at: now, not_before: None });
        if note.is_some() || items.pending.contains_key(record.subject()) {
            pending.insert(record.subject().clone(), note);
        }
    }
    let open = !failed.is_empty();
    let mut written = acted;
    for record in records {
        let Some(failure) = failed.get(record.subject()) else { continue };
        let record = with_outcome(record, failure.clone().into());
        pending.insert(record.subject().clone(), Some(Pending { told: record.told(), at: now, not_before: refused_until(now) }));
        written.extend(is_news(&record, items).then_some(record));
    }
    let state = ServiceState { intent: None, pace, ..intent.state.clone() };
    let state = if observed { state } else { state.with_acts(*act, connections, now) };
    let (state, records) = state.counting(written, now);
    Commit { open, state, records, pending, ..after(intent) }
}

/// Takes an intent back after throttling, which is no outcome. Only a request that is older than an hour is told as failed.
fn throttled(intent: &Commit, error: &CallError, items: &ServiceItems, now: Timestamp) -> Commit {
    let Some(Intent { act, records, .. }) = &intent.state.intent else { return intent.clone() };
    let is_old = |record: &&Record| record.facts.connection.created.is_some_and(|created| now.duration_since(created) >= THROTTLED_FOR_MAX);
    let failed = records.iter().filter(is_old).map(|record| with_outcome(record, failure(*act, error).into()));
    let records: Vec<Record> = failed.filter(|record| is_news(record, items)).collect();
    let note = |record: &Record| (record.subject().clone(), Some(Pending { told: record.told(), at: now, not_before: None }));
    Commit { pending: records.iter().map(note).collect(), records, ..withdrawn(intent, intent.state.pace.after_throttling(now)) }
}

fn failure(act: Act, error: &CallError) -> Failure {
    Failure { act, code: error.code.clone().unwrap_or_else(|| "Unknown".to_owned()), message: error.message.clone() }
}

fn is_news(record: &Record, items: &ServiceItems) -> bool {
    items.pending.get(record.subject()).is_none_or(|pending| pending.told != record.told())
}

/// Takes an intent back: EC2 refused the call, and nothing was done.
fn withdrawn(intent: &Commit, pace: Pace) -> Commit {
    Commit { state: ServiceState { intent: None, pace, ..intent.state.clone() }, ..after(intent) }
}

/// The write that follows an intent: a person's decision in between does not undo what was done.
fn after(intent: &Commit) -> Commit {
    let mut expected = intent.expected;
    expected.sequence += 1;
    Commit { expected, heeds_decisions: false, heeds_hold: false, open: true, proofs: Vec::new(), ..intent.clone() }
}

fn with_outcome(record: &Record, outcome: Outcome) -> Record {
    let Outcome { verdict, refer, failure } = outcome;
    Record { verdict, refer, failure, ..record.clone() }
}
