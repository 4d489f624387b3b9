//! One request: look, decide, act, record.

use jiff::SignedDuration;
use warden::{
    decision::{Action, Decision, Grounds, NoAction, decide, grant::Grant},
    ledger::record::{Act, Outcome, Record, Verdict},
    model::{facts::Facts, origin::Origin},
    policy::{Judgement, evaluation::Refer},
    ports::{Accept, Describe, Directory, Ledger, PutOutcome, Reject},
    trigger::EndpointRef,
};

use crate::{AnswerError, Approve, Summary, act::Done, look::Seen};

/// A live connection younger than this may still be on another worker's way to the ledger. Shorter than the three
/// minutes over which Lambda retries an event.
const IN_FLIGHT_MAX: SignedDuration = SignedDuration::from_mins(2);

impl<D: Describe + Sync, A: Accept + Reject + Sync, L: Ledger + Sync, G: Directory + Sync> Approve<D, A, L, G> {
    /// Answers the request that a hint leads to.
    pub(crate) async fn request(&self, hint: EndpointRef, origin: &Origin, summary: &mut Summary) -> Result<(), AnswerError> {
        match self.look(hint).await? {
            Seen::Request(facts) => {
                let proven = facts.requester().is_some();
                let endpoint = facts.connection.endpoint.clone();
                let passing = self.decide_and_act(*facts, origin, summary).await?;
                // No later event and no sweep knows the role again: while what stands in the way may pass, this one is tried again.
                if proven && passing { Err(AnswerError::ProofNotUsed(endpoint)) } else { Ok(()) }
            }
            Seen::NotOurs(endpoint, why) => {
                tracing::info!(%endpoint, why, "event ignored");
                summary.ignored += 1;
                Ok(())
            }
        }
    }

    /// True: something stands in the way that may pass.
    async fn decide_and_act(&self, mut facts: Facts, origin: &Origin, summary: &mut Summary) -> Result<bool, AnswerError> {
        let decision = self.decision(&mut facts).await?;
        let service = &facts.service.id;
        let endpoint = [facts.connection.endpoint.clone()];
        let mut done = match decision.action {
            Action::Refer(why) => {
                let passing = matches!(why, Refer::Unverified { .. });
                return self.write(facts, decision.grounds, why.into(), origin, summary).await.map(|()| passing);
            }
            Action::NoAction(NoAction::Gone) => {
                leave(&facts, summary);
                return Ok(false);
            }
            Action::NoAction(NoAction::Live) => return self.live(facts, decision.grounds, origin, summary).await.map(|()| false),
            Action::Accept(permit) => {
                let effect = self.act.accept(service, vec![permit]).await;
                self.outcomes(Act::Accept, service, &endpoint, effect).await
            }
            Action::Reject(permit) => {
                let effect = self.act.reject(service, vec![permit]).await;
                self.outcomes(Act::Reject, service, &endpoint, effect).await
            }
        };
        match done.pop_first() {
            Some((_, Done::Settled(outcome))) => {
                let passing = outcome.failure.is_some();
                self.write(facts, decision.grounds, outcome, origin, summary).await.map(|()| passing)
            }
            Some((_, Done::Gone)) | None => {
                leave(&facts, summary);
                Ok(false)
            }
        }
    }

    /// What a person granted is looked up only where the policy alone would not let the request in.
    async fn decision(&self, facts: &mut Facts) -> Result<Decision, AnswerError> {
        let decision = decide(&self.policy, facts, &[]);
        match decision.action {
            Action::Accept(_) | Action::NoAction(_) => Ok(decision),
            Action::Reject(_) | Action::Refer(_) => {
                let grants = self.ledger.grants(&facts.connection.service).await?;
                self.members.complete_for_grant(&self.policy, facts, &grants).await;
                Ok(decide(&self.policy, facts, &grants))
            }
        }
    }

    /// A connection that nobody needs to accept: on the record already, or found.
    async fn live(&self, facts: Facts, grounds: Grounds, origin: &Origin, summary: &mut Summary) -> Result<(), AnswerError> {
        let connection = &facts.connection;
        let verdicts = self.ledger.verdicts(&connection.service, &connection.endpoint).await?;
        if verdicts.iter().any(|verdict| matches!(verdict, Verdict::Accepted | Verdict::Found)) {
            summary.known += 1;
            return Ok(());
        }
        // A person grants first and accepts then: what is connected on a grant was let in by that person.
        let grants = self.ledger.grants(&connection.service).await?;
        if let Some(grant) = Grant::covering(&grants, connection, facts.now) {
            let grounds = Grounds { grant: Some(grant.clone()), ..grounds };
            return self.write(facts, grounds, Verdict::Accepted.into(), origin, summary).await;
        }
        let fresh = connection.created.is_some_and(|created| facts.now.duration_since(created) < IN_FLIGHT_MAX);
        if fresh && facts.service.acceptance_required {
            return Err(AnswerError::MaybeInFlight(connection.endpoint.clone()));
        }
        self.write(facts, grounds, Verdict::Found.into(), origin, summary).await
    }

    /// Puts one answer on the record, and logs it if it is news.
    pub(crate) async fn write(
        &self,
        facts: Facts,
        grounds: Grounds,
        outcome: Outcome,
        origin: &Origin,
        summary: &mut Summary,
    ) -> Result<(), AnswerError> {
        let record = self.scribe.record(facts, grounds, outcome, &self.policy, origin.clone());
        match self.ledger.put(&record).await? {
            PutOutcome::Written => {
                log(&record);
                summary.written.push(record.verdict);
            }
            PutOutcome::AlreadyThere => summary.known += 1,
        }
        Ok(())
    }
}

fn leave(facts: &Facts, summary: &mut Summary) {
    tracing::info!(endpoint = %facts.connection.endpoint, state = facts.connection.state.as_str(), "nothing waits for an answer");
    summary.left_alone += 1;
}

/// One line per decision, with what a search would look for.
fn log(record: &Record) {
    let rules = |judgement: &Judgement| {
        let all = judgement.accept.policies.iter().chain(&judgement.reject.policies);
        all.map(|rule| rule.id.as_str()).collect::<Vec<_>>().join(",")
    };
    tracing::info!(
        service = %record.service(),
        endpoint = %record.endpoint(),
        account = record.account().map(tracing::field::display),
        verdict = record.verdict.as_str(),
        policies = record.judgement.as_ref().map(rules),
        failure = record.failure.as_ref().map(|failure| failure.code.as_str()),
        policy_digest = record.policy_digest,
        origin = record.origin.id,
        "decided"
    );
}
