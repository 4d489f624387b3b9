//! Answers one service: reads, decides on the next step, carries it out, until nothing is left to do.

use std::time::Instant;

use jiff::Timestamp;
use warden::{
    deadline::Deadline,
    decision::Hold,
    ledger::{
        commit::{Commit, CommitOutcome},
        record::Record,
    },
    model::{ids::ServiceId, mode::Mode, origin::Origin, service::Service, subject::Subject},
    policy::Judgement,
    ports::{Accept, ActOutcome, CallError, ConnectionFilter, Describe, Directory, Observe, Reject, ServiceLedger, StackLedger},
};

use crate::{
    confirm::{Confirmation, confirmation, confirmation_of},
    gather::Hints,
    plan::{Chunk, Rules, Step, Tokens},
    worker::{AnswerError, Answered, Approve},
};

/// How a service was left.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// Nothing is left to do. These subjects, which messages named, EC2 does not know.
    Done(Vec<Subject>),
    /// Nothing can be done before this.
    Until(Timestamp),
    /// The service is none of the warden's business.
    NotOurs,
}

impl<E, A, L, Q, G> Approve<E, A, L, Q, G>
where
    E: Describe + Sync,
    A: Accept + Reject + Sync,
    L: ServiceLedger + StackLedger + Sync,
    Q: Sync,
    G: Directory + Sync,
{
    /// Answers one service without a message of the queue, as the command line does after a person's decision.
    ///
    /// # Errors
    /// When a call fails or the ledger cannot be read.
    pub async fn answer_service(&self, service: &ServiceId, origin: &Origin, deadline: Deadline) -> Result<Answered, AnswerError> {
        let mut records = Vec::new();
        let left = self.answer(service, &Hints::default(), origin, deadline, &mut records).await?;
        let until = match left {
            Left::Until(until) => Some(until),
            Left::Done(_) | Left::NotOurs => None,
        };
        Ok(Answered { records, until })
    }

    /// Answers every pending request of a service. Adds the records that it writes to `written`.
    pub(crate) async fn answer(
        &self,
        service: &ServiceId,
        hints: &Hints,
        origin: &Origin,
        deadline: Deadline,
        written: &mut Vec<Record>,
    ) -> Result<Left, AnswerError> {
        let mut hold: Option<Hold> = None;
        loop {
            if deadline.near() {
                return Ok(Left::Until((self.clock)()));
            }
            let Some(mut gathered) = self.gather(service, hints).await? else { return Ok(Left::NotOurs) };
            gathered.people.hold = hold.clone().or(gathered.people.hold);
            let missing = hints.subjects.iter().filter(|subject| gathered.connections.iter().all(|one| one.subject != **subject));
            let missing: Vec<Subject> = missing.cloned().collect();
            let mode = self.mode_of(&gathered.service);
            let rules = || Rules {
                policy: &self.policy,
                mode,
                factory: &self.factory,
                origin,
                patience: self.patience,
                people_only: self.people_only,
                now: (self.clock)(),
            };
            let begin = Instant::now();
            let step = loop {
                match gathered.next_step(&rules()) {
                    Ok(step) => break step,
                    Err(accounts) => self.ask(&mut gathered, accounts, begin).await,
                }
            };
            let (commit, outcome) = match step {
                Step::Done => return Ok(Left::Done(missing)),
                Step::Wait(until) => return Ok(Left::Until(until)),
                Step::Write(commit) => {
                    let outcome = self.write(service, &commit, written).await?;
                    (*commit, outcome)
                }
                // The reads took long: an act that begins now could outlive this invocation.
                Step::Act(_) if deadline.near() => return Ok(Left::Until((self.clock)())),
                Step::Act(chunk) => {
                    let Chunk { intent, tokens, rest } = *chunk;
                    match self.ledger.commit(service, &intent).await? {
                        CommitOutcome::Written => {
                            let answer = match mode {
                                Mode::Active => act(&self.act, service, tokens).await,
                                Mode::Observe => act(&Observe, service, tokens).await,
                            };
                            match self.confirm(service, answer, &intent, rest, &gathered.items, written).await? {
                                Some(confirmed) => confirmed,
                                None => return Ok(Left::Until((self.clock)() + warden::ledger::service_state::INTENT_AGE_MAX)),
                            }
                        }
                        lost => (intent, lost),
                    }
                }
            };
            match outcome {
                CommitOutcome::Written if !commit.open => return Ok(Left::Done(missing)),
                CommitOutcome::OnHold => hold = self.ledger.stack_hold().await?,
                CommitOutcome::Written | CommitOutcome::Lost => {}
            }
        }
    }

    /// The mode of a service. What a person orders is carried out in each mode.
    fn mode_of(&self, service: &Service) -> Mode {
        if self.people_only { self.mode } else { self.mode.of_service(service) }
    }

    /// Confirms what came of an act. Returns `None` if that is unknown.
    async fn confirm(
        &self,
        service: &ServiceId,
        answer: Result<ActOutcome, CallError>,
        intent: &Commit,
        rest: bool,
        items: &warden::ledger::commit::ServiceItems,
        written: &mut Vec<Record>,
    ) -> Result<Option<(Commit, CommitOutcome)>, AnswerError> {
        if let Err(error) = &answer {
            tracing::warn!(error = error as &dyn std::error::Error, message = error.message, %service, "EC2 did not take the call");
        }
        let confirm = match confirmation(intent, answer, items, (self.clock)()) {
            Confirmation::LeaveOpen => return Ok(None),
            Confirmation::Write(commit) => *commit,
            Confirmation::Describe(unsuccessful) => {
                let connections = self.ec2.connections(ConnectionFilter::Service(service)).await?;
                confirmation_of(intent, &unsuccessful, &connections, items, (self.clock)())
            }
        };
        // If no decision of a person came in between, and nothing else is left, the service is closed in the same write.
        let closing = Commit { open: rest || confirm.open, heeds_decisions: true, ..confirm.clone() };
        match self.write(service, &closing, written).await? {
            CommitOutcome::Lost => {
                let confirm = Commit { open: true, ..confirm };
                let outcome = self.write(service, &confirm, written).await?;
                Ok(Some((confirm, outcome)))
            }
            outcome => Ok(Some((closing, outcome))),
        }
    }

    /// Writes, and logs what is on the record now.
    async fn write(&self, service: &ServiceId, commit: &Commit, written: &mut Vec<Record>) -> Result<CommitOutcome, AnswerError> {
        let outcome = self.ledger.commit(service, commit).await?;
        if outcome == CommitOutcome::Written {
            commit.records.iter().for_each(log);
            written.extend(commit.records.iter().cloned());
        }
        Ok(outcome)
    }
}

/// Acts once. In observe mode, `port` is [`Observe`].
async fn act<A: Accept + Reject + Sync>(port: &A, service: &ServiceId, tokens: Tokens) -> Result<ActOutcome, CallError> {
    match tokens {
        Tokens::Accept(tokens) => port.accept(service, tokens).await,
        Tokens::Reject(tokens) => port.reject(service, tokens).await,
    }
}

/// One line per decision, with what a search looks for.
fn log(record: &Record) {
    let policies = |judgement: &Judgement| judgement.policies().map(|policy| policy.id.as_str()).collect::<Vec<_>>().join(",");
    tracing::info!(
        service = %record.service(),
        subject = %record.subject(),
        account = record.account().map(tracing::field::display),
        verdict = record.verdict.as_str(),
        reason = record.refer.as_ref().map(|refer| refer.kind()),
        policies = record.judgement.as_ref().map(policies),
        failure = record.failure.as_ref().map(|failure| failure.code.as_str()),
        recovered = record.recovered,
        policy_digest = record.policy_digest,
        origin = record.origin.id,
        "decided"
    );
}
