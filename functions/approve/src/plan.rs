//! What to do next about one service: a pure function of what was read.
//!
//! One step at a time: the worker carries a step out, reads again and asks for the next one. Own acts of the last minutes count
//! for more than what EC2 describes, because descriptions are eventually consistent: so the warden itself never exceeds a cap.

mod facts;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use warden::{
    decision::{
        Action, ActionToken, Decision, Grounds, Hold, PersonDecisions, ToAccept, ToReject, decide_with_people, grant::Grant,
        queue::RunningCounts,
    },
    ledger::{
        commit::{Commit, ServiceItems},
        pending::{Pending, Proof},
        record::{Act, Outcome, Record, RecordFactory, Verdict},
        service_state::{Intent, ServiceState},
    },
    model::{
        connection::{Connection, Phase, State},
        facts::{Claim, Facts},
        ids::AccountId,
        mode::Mode,
        organization::Membership,
        origin::Origin,
        service::Service,
        subject::Subject,
    },
    policy::{PolicySet, evaluation::Refer},
};

/// Records of one write that tells people. DynamoDB takes 100 actions in a transaction; each of these takes two.
const TOLD_PER_WRITE_MAX: usize = 40;
/// After EC2 refused one subject for good, the next attempt waits this long.
const REFUSED_FOR: SignedDuration = SignedDuration::from_mins(5);

/// What was read about one service.
#[derive(Debug)]
pub(crate) struct Gathered {
    pub(crate) items: ServiceItems,
    pub(crate) service: Service,
    /// False if the service has left the scope: then nothing new is decided.
    pub(crate) in_scope: bool,
    pub(crate) connections: Vec<Connection>,
    pub(crate) people: PersonDecisions,
    pub(crate) memberships: BTreeMap<AccountId, Membership>,
    /// What events of this batch claim, by subject, with the events' ids.
    pub(crate) claims: BTreeMap<Subject, Vec<(Claim, Origin)>>,
    /// Live subjects that an event named and that are not on the record.
    pub(crate) unrecorded: BTreeSet<Subject>,
}

/// What a decision goes by, beside what was read.
#[derive(Debug)]
pub(crate) struct Rules<'a> {
    pub(crate) policy: &'a PolicySet,
    /// The mode of the service.
    pub(crate) mode: Mode,
    pub(crate) factory: &'a RecordFactory,
    pub(crate) origin: &'a Origin,
    /// What may pass by itself is told after this.
    pub(crate) patience: SignedDuration,
    /// True if only what people decided is carried out.
    pub(crate) people_only: bool,
    pub(crate) now: Timestamp,
}

/// The next step.
#[derive(Debug)]
pub(crate) enum Step {
    /// Nothing is left to do.
    Done,
    /// Nothing can be done before this.
    Wait(Timestamp),
    /// Write this.
    Write(Box<Commit>),
    /// Write the intent, act, and confirm.
    Act(Box<Chunk>),
}

/// The subjects of one act.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) intent: Commit,
    pub(crate) tokens: Tokens,
    /// True if something is left to do after it.
    pub(crate) rest: bool,
}

/// Permission for the act on each subject.
#[derive(Debug)]
pub(crate) enum Tokens {
    Accept(Vec<ActionToken<ToAccept>>),
    Reject(Vec<ActionToken<ToReject>>),
}

/// Everything that was decided about the pending requests of a service.
#[derive(Default)]
struct Decided {
    accept: Vec<(ActionToken<ToAccept>, Record)>,
    reject: Vec<(ActionToken<ToReject>, Record)>,
    tell: Vec<Record>,
    /// True if a person's decision about a live connection waits. Nothing but the mark of the service leads back to it.
    unfinished: bool,
    /// True if the acts change the counts, and another request that waits may then be decided or told otherwise: an acceptance uses up
    /// a place under a cap, and the end of a connection frees one.
    changes_others: bool,
    /// What AWS Organizations has yet to be asked about.
    questions: Vec<Connection>,
}

impl Decided {
    fn is_empty(&self) -> bool {
        self.accept.is_empty() && self.reject.is_empty() && self.tell.is_empty()
    }
}

impl Gathered {
    /// The next step, or the accounts to ask AWS Organizations about first: its answers change counts, and may lead to further questions.
    pub(crate) fn next_step(&self, rules: &Rules<'_>) -> Result<Step, Vec<AccountId>> {
        if let Some(intent) = &self.items.state.intent {
            // A worker that is alive confirms within seconds.
            let wait = rules.now + SignedDuration::from_secs(2);
            let recovers = intent.is_abandoned(rules.now);
            return Ok(if recovers { Step::Write(Box::new(self.recover(intent, rules))) } else { Step::Wait(wait) });
        }
        let Decided { accept, reject, tell, unfinished, changes_others, questions } = self.decide_all(rules);
        if !questions.is_empty() {
            return Err(self.in_turn(questions, rules.now));
        }
        let wanted = !accept.is_empty() || !reject.is_empty();
        let not_before = self.items.state.pace.not_before.filter(|not_before| wanted && rules.now < *not_before);
        if wanted && not_before.is_none() {
            return Ok(Step::Act(Box::new(if accept.is_empty() {
                self.chunk(Act::Reject, reject, Tokens::Reject, unfinished || changes_others || !tell.is_empty(), rules)
            } else {
                let others = unfinished || changes_others || !reject.is_empty() || !tell.is_empty();
                self.chunk(Act::Accept, accept, Tokens::Accept, others, rules)
            })));
        }
        let proofs = self.new_proofs(rules.now);
        if !tell.is_empty() || !proofs.is_empty() {
            return Ok(Step::Write(Box::new(self.told(tell, proofs, wanted || unfinished, rules))));
        }
        Ok(match not_before {
            Some(not_before) => Step::Wait(not_before),
            // Everything that people decided is carried out.
            None if self.items.open && !unfinished => Step::Write(Box::new(Commit { open: false, ..self.commit() })),
            None => Step::Done,
        })
    }

    /// A write that changes nothing yet but the sequence.
    pub(crate) fn commit(&self) -> Commit {
        Commit {
            expected: self.items.version,
            heeds_decisions: true,
            heeds_hold: false,
            state: self.items.state.clone(),
            open: self.items.open,
            records: Vec::new(),
            pending: BTreeMap::new(),
            proofs: Vec::new(),
        }
    }

    /// Records what became of an intent whose worker is gone. A subject that is still pending is decided again.
    fn recover(&self, intent: &Intent, rules: &Rules<'_>) -> Commit {
        let state_of = |subject: &Subject| self.connections.iter().find(|one| one.subject == *subject).map(|one| &one.state);
        let is_done = |record: &&Record| is_done(intent.act, state_of(record.subject()));
        let done: Vec<Record> = intent.records.iter().filter(is_done).cloned().map(Record::recovered).collect();
        // An observed act was none: what EC2 describes as done, another party did.
        let acted = done.iter().filter(|record| !record.observe);
        let connections: Vec<Connection> = acted.map(|record| record.facts.connection.clone()).collect();
        let (state, done) = ServiceState { intent: None, ..self.items.state.clone() }.counting(done, rules.now);
        Commit {
            heeds_decisions: false,
            state: state.with_acts(intent.act, connections, rules.now),
            open: true,
            pending: done
                .iter()
                .filter(|record| self.items.pending.contains_key(record.subject()))
                .map(|record| (record.subject().clone(), None))
                .collect(),
            records: done,
            ..self.commit()
        }
    }

    /// Decides every pending request, the oldest first.
    fn decide_all(&self, rules: &Rules<'_>) -> Decided {
        let mut decided = Decided::default();
        if !self.in_scope {
            return decided;
        }
        let mut counts = self.counts(rules.now);
        let mut pending: Vec<&Connection> =
            self.connections.iter().filter(|one| self.is_pending(one, rules.now) || self.is_to_disconnect(one, rules.now)).collect();
        pending.sort_by(|a, b| (a.created, &a.subject).cmp(&(b.created, &b.subject)));
        let mut referred = Vec::new();
        for connection in pending {
            if self.decide_one(connection, &mut counts, rules, &mut decided) {
                referred.push(connection);
            }
        }
        decided.changes_others = if decided.reject.iter().any(|(_, record)| record.facts.connection.state.phase() == Phase::Live) {
            !referred.is_empty()
        } else if decided.accept.is_empty() {
            false
        } else {
            let (mut then, mut counts) = (Decided::default(), counts.clone());
            for connection in referred {
                self.decide_one(connection, &mut counts, rules, &mut then);
            }
            let changes = !then.is_empty();
            decided.questions.append(&mut then.questions);
            changes
        };
        for connection in self.connections.iter().filter(|one| self.unrecorded.contains(&one.subject)) {
            let (facts, grounds) = self.found(connection, &counts, rules);
            if self.is_question(&facts, &grounds, rules) {
                decided.questions.push(connection.clone());
            }
            let verdict = if grounds.grant.is_some() { Verdict::Accepted } else { Verdict::Found };
            decided.tell.push(self.record(facts, grounds, verdict.into(), rules));
        }
        decided
    }

    /// Decides one request. Returns true if it waits for a person or for a fact.
    fn decide_one(&self, connection: &Connection, counts: &mut RunningCounts, rules: &Rules<'_>, decided: &mut Decided) -> bool {
        let facts = self.facts(connection, counts, rules);
        let Decision { action, grounds } = decide_with_people(rules.policy, &facts, &self.people);
        let by_person = grounds.grant.is_some() || grounds.refusal.is_some();
        if rules.people_only && !by_person {
            return false;
        }
        if self.is_question(&facts, &grounds, rules) {
            decided.questions.push(connection.clone());
        }
        match action {
            Action::Accept(token) => {
                counts.add(connection);
                self.answer(Act::Accept, token, facts, grounds, rules, &mut decided.accept, &mut decided.tell);
                false
            }
            Action::Reject(token) => {
                let before = decided.reject.len();
                self.answer(Act::Reject, token, facts, grounds, rules, &mut decided.reject, &mut decided.tell);
                decided.unfinished |= connection.state.phase() == Phase::Live && decided.reject.len() == before;
                false
            }
            Action::Refer(why) => {
                let lasts = !why.may_pass() || self.age(connection, rules.now) >= rules.patience;
                if lasts {
                    self.tell(facts, grounds, why.into(), rules, &mut decided.tell);
                }
                true
            }
            Action::NoAction(_) => false,
        }
    }

    /// Sorts a positive decision: to be acted on, held, observed, or put off.
    #[expect(clippy::too_many_arguments, reason = "the parts of one decision")]
    fn answer<T>(
        &self,
        act: Act,
        token: T,
        facts: Facts,
        grounds: Grounds,
        rules: &Rules<'_>,
        acts: &mut Vec<(T, Record)>,
        tell: &mut Vec<Record>,
    ) {
        let pending = self.items.pending.get(&facts.connection.subject);
        if let Some(Hold { by, reason, .. }) = &self.people.hold {
            // The person who ended a connection sees the hold.
            if facts.connection.state.phase() == Phase::Live {
                return;
            }
            return self.tell(facts, grounds, Refer::Held { by: by.clone(), reason: reason.clone() }.into(), rules, tell);
        }
        let verdict = if rules.mode == Mode::Observe { act.observed() } else { act.done() };
        let observed_before = rules.mode == Mode::Observe && pending.is_some_and(|pending| pending.told == verdict.as_str());
        let refused_lately = pending.and_then(|pending| pending.not_before).is_some_and(|not_before| rules.now < not_before);
        if !observed_before && !refused_lately {
            acts.push((token, self.record(facts, grounds, verdict.into(), rules)));
        }
    }

    /// Tells the owner, unless the owner was told the same.
    fn tell(&self, facts: Facts, grounds: Grounds, outcome: Outcome, rules: &Rules<'_>, tell: &mut Vec<Record>) {
        let record = self.record(facts, grounds, outcome, rules);
        let told_before = self.items.pending.get(record.subject()).is_some_and(|pending| pending.told == record.told());
        if !told_before {
            tell.push(record);
        }
    }

    /// A live connection that no record explains. A person grants first and accepts then: a grant explains it.
    fn found(&self, connection: &Connection, counts: &RunningCounts, rules: &Rules<'_>) -> (Facts, Grounds) {
        let facts = self.facts(connection, counts, rules);
        let mut grounds = decide_with_people(rules.policy, &facts, &self.people).grounds;
        grounds.grant = Grant::covering(&self.people.grants, connection, rules.now).cloned();
        (facts, grounds)
    }

    /// The subjects of one act: as many as the pace and the size of the intent allow. One call takes subjects of one kind.
    fn chunk<T>(&self, act: Act, decided: Vec<(T, Record)>, wrap: impl Fn(Vec<T>) -> Tokens, others: bool, rules: &Rules<'_>) -> Chunk {
        let (mut tokens, mut records, mut room) = (Vec::new(), Vec::new(), self.items.state.room_for_records());
        let (all, kind) = (decided.len(), decided.first().map(|(_, record)| record.subject().kind()));
        let of_kind = decided.into_iter().filter(|(_, record)| Some(record.subject().kind()) == kind);
        for (token, record) in of_kind.take(self.items.state.pace.chunk.max(1)) {
            let bytes = record.to_json().map_or(0, |json| json.len());
            if bytes > room && !records.is_empty() {
                break;
            }
            room = room.saturating_sub(bytes);
            tokens.push(token);
            records.push(record);
        }
        let rest = others || records.len() < all;
        let intent = Some(Intent { act, records, at: rules.now });
        let used = self.used(intent.as_ref().map_or(&[][..], |intent| &intent.records), rules);
        let state = ServiceState { intent, ..used };
        let proofs = self.new_proofs(rules.now);
        Chunk { intent: Commit { heeds_hold: true, state, open: true, proofs, ..self.commit() }, tokens: wrap(tokens), rest }
    }

    /// The write of what owners are told.
    fn told(&self, mut records: Vec<Record>, proofs: Vec<Proof>, open: bool, rules: &Rules<'_>) -> Commit {
        let open = open || records.len() > TOLD_PER_WRITE_MAX;
        records.truncate(TOLD_PER_WRITE_MAX);
        let note = |record: &Record| {
            let is_connected = matches!(record.verdict, Verdict::Accepted | Verdict::Found);
            let pending = Pending { told: record.told(), at: rules.now, not_before: None };
            (record.subject().clone(), (!is_connected).then_some(pending))
        };
        let pending = records.iter().map(note).chain(self.forgotten(rules.now)).take(2 * TOLD_PER_WRITE_MAX - records.len()).collect();
        let (state, records) = self.used(&records, rules).counting(records, rules.now);
        Commit { open, state, records, pending, proofs, ..self.commit() }
    }

    /// The state, with the groups of the records' accounts noted as used.
    fn used(&self, records: &[Record], rules: &Rules<'_>) -> ServiceState {
        let mut state = self.items.state.clone();
        let accounts = records.iter().filter_map(Record::account);
        accounts.for_each(|account| state.use_groups(rules.policy.groups_of(account), rules.now));
        state
    }

    /// Notes about requests that are no longer pending, and about connections that no person ended.
    fn forgotten(&self, now: Timestamp) -> impl Iterator<Item = (Subject, Option<Pending>)> {
        let is_open =
            move |one: &Connection| matches!(one.state.phase(), Phase::Waiting | Phase::Unknown) || self.is_to_disconnect(one, now);
        let waits = move |subject: &Subject| self.connections.iter().any(|one| one.subject == *subject && is_open(one));
        self.items.pending.keys().filter(move |subject| !waits(subject)).map(|subject| (subject.clone(), None))
    }

    fn record(&self, facts: Facts, grounds: Grounds, outcome: Outcome, rules: &Rules<'_>) -> Record {
        let origin = self.claim(&facts.connection, rules.now).map_or(rules.origin, |(_, origin)| origin);
        let record = rules.factory.record(facts, grounds, outcome, rules.policy, origin.clone());
        Record { observe: rules.mode == Mode::Observe, ..record }
    }

    fn is_pending(&self, connection: &Connection, now: Timestamp) -> bool {
        matches!(connection.state.phase(), Phase::Waiting | Phase::Unknown)
            && self.items.state.recent_act(&connection.subject, now).is_none()
    }

    /// A person ended the connection, and the warden has not disconnected it yet.
    fn is_to_disconnect(&self, connection: &Connection, now: Timestamp) -> bool {
        connection.state.phase() == Phase::Live
            && self.people.refusal(connection, now).is_some_and(|refusal| refusal.disconnects)
            && self.items.state.recent_act(&connection.subject, now) != Some(Act::Reject)
    }

    fn age(&self, connection: &Connection, now: Timestamp) -> SignedDuration {
        connection.created.map_or(SignedDuration::MAX, |created| now.duration_since(created))
    }
}

/// Returns true if a subject is as the act leaves it.
pub(crate) fn is_done(act: Act, state: Option<&State>) -> bool {
    match act {
        Act::Accept => state.is_some_and(|state| state.phase() == Phase::Live),
        Act::Reject => state == Some(&State::Rejected),
    }
}

/// When a subject that EC2 refused is tried again.
pub(crate) fn refused_until(now: Timestamp) -> Option<Timestamp> {
    now.checked_add(REFUSED_FOR).ok()
}
