//! The part of the ledger that `approve` and people write: services, records and decisions.

use warden::{
    decision::{Hold, PersonDecisions, order::Change},
    ledger::{
        commit::{Commit, CommitOutcome, ServiceItems},
        decision_event::DecisionEvent,
        record::{Record, Verdict},
        service_state::{ServiceState, StateError},
    },
    model::{ids::ServiceId, subject::Subject},
    ports::{CallError, PersonLedger, ReadError, ServiceLedger, StackLedger},
};

use super::{Inner, MemoryLedger};
use crate::faults::Fault;

/// A schema that no version of the warden reads.
const NEWER_SCHEMA: u32 = 99;

impl ServiceLedger for MemoryLedger {
    async fn items(&self, service: &ServiceId) -> Result<ServiceItems, ReadError> {
        let read = || {
            let inner = self.lock();
            let items = inner.services.get(service).cloned().unwrap_or_default();
            Ok((items, inner.newer_states.contains(service)))
        };
        match self.faults.around("ServiceQuery", read).await? {
            (_, true) => Err(StateError::Newer(NEWER_SCHEMA).into()),
            (items, false) => Ok(items),
        }
    }

    async fn decisions(&self, service: &ServiceId) -> Result<PersonDecisions, CallError> {
        let read = || Ok(self.lock().decisions.get(service).cloned().unwrap_or_default());
        self.faults.around("DecisionsQuery", read).await
    }

    async fn commit(&self, service: &ServiceId, commit: &Commit) -> Result<CommitOutcome, CallError> {
        // A retry of the SDK has the same idempotency token: it changes nothing.
        let write = |fault| match fault {
            Fault::Conflict => Ok(CommitOutcome::Lost),
            _ => Ok(self.lock().commit(service, commit)),
        };
        self.faults.around_answer("Commit", write).await
    }
}

impl StackLedger for MemoryLedger {
    async fn open_services(&self) -> Result<Vec<ServiceId>, CallError> {
        let read = || Ok(self.lock().services.iter().filter(|(_, items)| items.open).map(|(service, _)| service.clone()).collect());
        self.faults.around("OpenServicesQuery", read).await
    }

    async fn stack_hold(&self) -> Result<Option<Hold>, CallError> {
        self.faults.around("GetItem", || Ok(self.lock().stack_hold.clone())).await
    }

    async fn is_recorded(&self, service: &ServiceId, subject: &Subject) -> Result<bool, CallError> {
        let explains = |record: &Record| {
            let same = record.service() == service && record.subject() == subject;
            same && matches!(record.verdict, Verdict::Accepted | Verdict::Found)
        };
        self.faults.around("RecordsQuery", || Ok(self.records().iter().any(explains))).await
    }
}

impl PersonLedger for MemoryLedger {
    async fn decide(&self, service: &ServiceId, changes: &[Change], expected: u64) -> Result<CommitOutcome, CallError> {
        let write = |fault| match fault {
            Fault::Conflict => Ok(CommitOutcome::Lost),
            _ => Ok(self.decide_now(service, changes, expected)),
        };
        self.faults.around_answer("Decide", write).await
    }

    async fn hold_stack(&self, hold: &Hold) -> Result<(), CallError> {
        let put = || {
            let mut inner = self.lock();
            inner.history.push(DecisionEvent::of(None, &Change::Hold(hold.clone())));
            inner.stack_hold = Some(hold.clone());
            Ok(())
        };
        self.faults.around("HoldStack", put).await
    }

    async fn resume_stack(&self, end: &Hold) -> Result<(), CallError> {
        let delete = || {
            let mut inner = self.lock();
            inner.history.push(DecisionEvent::of(None, &Change::Resume(end.clone())));
            inner.stack_hold = None;
            Ok(())
        };
        self.faults.around("ResumeStack", delete).await
    }
}

impl MemoryLedger {
    /// Writes changes of the decisions about a service, as a person's transaction does.
    pub fn decide_now(&self, service: &ServiceId, changes: &[Change], expected: u64) -> CommitOutcome {
        let mut inner = self.lock();
        if inner.services.entry(service.clone()).or_default().version.decisions != expected {
            return CommitOutcome::Lost;
        }
        inner.raise(service);
        for change in changes {
            inner.history.push(DecisionEvent::of(Some(service), change));
            let decisions = inner.decisions.entry(service.clone()).or_default();
            match change.clone() {
                Change::Grant { grant, .. } => {
                    decisions.grants.retain(|former| former.to != grant.to);
                    decisions.grants.push(grant);
                }
                Change::Refuse { subject, refusal } => drop(decisions.refusals.insert(subject, refusal)),
                Change::Hold(hold) => decisions.hold = Some(hold),
                Change::Resume(_) => decisions.hold = None,
            }
        }
        CommitOutcome::Written
    }
}

impl Inner {
    /// Raises the decision version, and opens the service for the next sweep.
    pub(super) fn raise(&mut self, service: &ServiceId) {
        let items = self.services.entry(service.clone()).or_default();
        items.version.decisions += 1;
        items.open = true;
    }

    fn commit(&mut self, service: &ServiceId, commit: &Commit) -> CommitOutcome {
        let Commit { expected, heeds_decisions, heeds_hold, state, open, records, pending, proofs } = commit.clone();
        let version = self.services.entry(service.clone()).or_default().version;
        if expected.sequence != version.sequence || (heeds_decisions && expected.decisions != version.decisions) {
            return CommitOutcome::Lost;
        }
        if heeds_hold && self.stack_hold.is_some() {
            return CommitOutcome::OnHold;
        }
        for record in records {
            self.put(&record, expected.sequence);
        }
        let items = self.services.entry(service.clone()).or_default();
        items.version.sequence += 1;
        items.open = open;
        // As it is stored: text.
        items.state = ServiceState::from_json(&serde_json::to_string(&state).unwrap()).unwrap();
        for (subject, note) in pending {
            match note {
                Some(note) => drop(items.pending.insert(subject, note)),
                None => drop(items.pending.remove(&subject)),
            }
        }
        items.proofs.extend(proofs.into_iter().map(|proof| (proof.subject.clone(), proof)));
        CommitOutcome::Written
    }

    /// Adds a record. If an earlier record has its key, the sequence number makes another one.
    fn put(&mut self, record: &Record, sequence: u64) {
        let mut key = record.key();
        if self.records.contains_key(&key) {
            key.sort = format!("{}#{sequence}", key.sort);
        }
        let text = record.to_json().unwrap();
        if !record.counted {
            self.stream(&format!("{:021}", self.order.len()), &key, "decision", &text, record.expires);
        }
        self.records.insert(key.clone(), text);
        self.order.push(key);
    }
}
