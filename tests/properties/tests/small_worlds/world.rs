//! The world of a run: connections, one service's items on the ledger, a person, the queue.

use std::{cell::Cell, collections::BTreeMap};

use jiff::{SignedDuration, Timestamp};
use warden::{
    decision::{
        PersonDecisions, Refusal,
        grant::{Grant, Grantee},
    },
    ledger::{
        commit::{Commit, CommitOutcome, ServiceItems},
        record::{Act, Record},
    },
    model::{
        connection::{Connection, State},
        ids::{AccountId, ServiceId},
        subject::Subject,
    },
    ports::Unsuccessful,
};

thread_local! {
    static NOW: Cell<i64> = const { Cell::new(0) };
}
pub(crate) const START: i64 = 1_790_000_000;

pub(crate) fn set_now(seconds: i64) {
    NOW.set(seconds);
}

/// Lets time pass, in seconds.
pub(crate) fn pass(seconds: i64) {
    NOW.set(NOW.get() + seconds);
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(START + NOW.get()).unwrap()
}

pub(crate) fn service() -> ServiceId {
    "vpce-svc-0123456789abcdef0".parse().unwrap()
}

pub(crate) fn subject(n: u8) -> Subject {
    format!("vpce-0123456789abcde{n:02x}").parse().unwrap()
}

/// What is broken on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// A write does not check the versions.
    NoCondition,
    /// The intent is not kept: as if it were written after the act.
    NoIntent,
    /// An intent counts as abandoned at once.
    NoRecoveryAge,
    /// An act may land long after its intent, as one that the SDK tries again.
    Retries,
}

/// What a person does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Person {
    Grants,
    Refuses,
    Holds,
}

/// What happened, in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    Intent(Act, Vec<Subject>),
    Decision(Person),
    Done(Act, Subject),
}

/// An act on its way to EC2.
pub(crate) type SentAct = (Act, Vec<Subject>);

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) flaw: Flaw,
    pub(crate) states: BTreeMap<Subject, State>,
    pub(crate) items: ServiceItems,
    pub(crate) people: PersonDecisions,
    pub(crate) stack_hold: bool,
    pub(crate) records: BTreeMap<String, Record>,
    pub(crate) events: Vec<Event>,
    /// Acts that were sent and whose worker died before EC2 carried them out.
    pub(crate) late: Vec<SentAct>,
    /// The bodies of the messages that a sweep sent.
    pub(crate) queue: Vec<String>,
}

impl World {
    /// Pending requests of one service, before anything happened.
    pub(crate) fn new(flaw: Flaw, subjects: u8) -> Self {
        Self {
            flaw,
            states: (0..subjects).map(|n| (subject(n), State::PendingAcceptance)).collect(),
            items: ServiceItems::default(),
            people: PersonDecisions::default(),
            stack_hold: false,
            records: BTreeMap::new(),
            events: Vec::new(),
            late: Vec::new(),
            queue: Vec::new(),
        }
    }

    /// Everything that a decision can depend on, in a few words.
    pub(crate) fn brief(&self) -> String {
        let ServiceItems { version, state, open, pending, .. } = &self.items;
        let intent = state.intent.as_ref().map(|intent| {
            let subjects: Vec<&Subject> = intent.records.iter().map(Record::subject).collect();
            (intent.act, subjects, intent.at)
        });
        let recent: Vec<(&Subject, Act)> = state.recent.iter().map(|act| (&act.subject, act.act)).collect();
        let records: Vec<&String> = self.records.keys().collect();
        let people = (self.people.grants.len(), self.people.refusals.len(), self.stack_hold);
        format!("{:?}", (version, intent, recent, &state.pace, open, pending, &self.states, records, people))
    }

    pub(crate) fn connections(&self) -> Vec<Connection> {
        let connection = |(subject, state): (&Subject, &State)| Connection {
            service: service(),
            subject: subject.clone(),
            owner: Some(AccountId::try_from("111122223333".to_owned()).unwrap()),
            state: state.clone(),
            created: Some(Timestamp::from_second(START - 60).unwrap()),
            region: Some("us-east-1".parse().unwrap()),
            ip_address_type: Some("ipv4".to_owned()),
            connected_in_part: false,
        };
        self.states.iter().map(connection).collect()
    }

    pub(crate) fn carry_out(&mut self, act: Act, subjects: &[Subject]) -> Vec<Unsuccessful> {
        let mut unsuccessful = Vec::new();
        for subject in subjects {
            let state = self.states.get_mut(subject).unwrap();
            match (act, &state) {
                // EC2 documents no order of acceptance and rejection.
                (Act::Accept, State::PendingAcceptance | State::Rejected) => *state = State::Available,
                (Act::Reject, State::PendingAcceptance | State::Available) => *state = State::Rejected,
                _ => {
                    unsuccessful.push(Unsuccessful { resource: subject.to_string(), code: "InvalidState".into(), message: String::new() });
                    continue;
                }
            }
            self.events.push(Event::Done(act, subject.clone()));
        }
        unsuccessful
    }

    pub(crate) fn commit(&mut self, commit: &Commit) -> CommitOutcome {
        let Commit { expected, heeds_decisions, heeds_hold, state, open, records, pending, proofs } = commit.clone();
        let version = self.items.version;
        let lost = expected.sequence != version.sequence || (heeds_decisions && expected.decisions != version.decisions);
        if lost && self.flaw != Flaw::NoCondition {
            return CommitOutcome::Lost;
        }
        if heeds_hold && self.stack_hold {
            return CommitOutcome::OnHold;
        }
        self.items.version.sequence += 1;
        self.items.state = state;
        self.items.open = open;
        if let Some(intent) = &mut self.items.state.intent {
            let subjects = intent.records.iter().map(|record| record.subject().clone()).collect();
            self.events.push(Event::Intent(intent.act, subjects));
            if self.flaw == Flaw::NoRecoveryAge {
                intent.at -= SignedDuration::from_secs(61);
            }
            if self.flaw == Flaw::NoIntent {
                self.items.state.intent = None;
                self.items.open = false;
            }
        }
        for record in records {
            let key = record.key();
            let key = format!("{}|{}", key.partition, key.sort);
            let key = if self.records.contains_key(&key) { format!("{key}#{}", expected.sequence) } else { key };
            self.records.insert(key, record);
        }
        for (subject, note) in pending {
            match note {
                Some(note) => drop(self.items.pending.insert(subject, note)),
                None => drop(self.items.pending.remove(&subject)),
            }
        }
        self.items.proofs.extend(proofs.into_iter().map(|proof| (proof.subject.clone(), proof)));
        CommitOutcome::Written
    }

    pub(crate) fn decide(&mut self, person: Person) {
        self.events.push(Event::Decision(person));
        match person {
            Person::Grants => self.people.grants.push(Grant {
                schema: 1,
                service: service(),
                to: Grantee::Subject(subject(0)),
                by: "kim".into(),
                reason: "a reason".into(),
                at: now(),
                until: None,
                ended: None,
            }),
            Person::Refuses => {
                let refusal = Refusal { by: "kim".into(), reason: "a reason".into(), at: now(), disconnects: false };
                self.people.refusals.insert(subject(0), refusal);
            }
            Person::Holds => {
                self.stack_hold = true;
                return;
            }
        }
        self.items.version.decisions += 1;
        self.items.open = true;
    }
}
