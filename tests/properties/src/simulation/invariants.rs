//! The invariants: after each step, each change in the world and each new record follows from what the actor was told.

use warden::{decision::grant::Grant, ledger::record::Verdict};

use super::{Actor, Request, Simulation, Violation, covers, evidence::Evidence, is_live, now};
use crate::{ports::lock, reference::Answer, scenario::ACCOUNTS};

impl Simulation<'_> {
    /// Checks the changes since the last check.
    pub(super) fn check_changes(&mut self, actor: Actor) {
        let mut changed: Vec<(usize, String)> = Vec::new();
        for (n, request) in self.requests.iter().enumerate() {
            let state = self.state(&request.endpoint);
            if state != request.state {
                changed.push((n, state));
            }
        }
        if let Actor::Approve(environment) = actor {
            let log = lock(&self.environments[environment].ec2.log);
            changed.sort_by_key(|(n, _)| log.asked.iter().rposition(|id| id.as_str() == self.requests[*n].endpoint));
        }
        for (n, state) in changed {
            self.check_state(actor, n, &state);
            let request = &mut self.requests[n];
            request.was_live |= is_live(&state);
            request.was_rejected |= state == "rejected";
            request.state = state;
        }
        for key in self.ledger.keys_after(self.records_checked) {
            self.records_checked += 1;
            let Some(record) = self.ledger.record(&key) else { continue };
            let n = self.requests.iter().position(|request| request.endpoint == record.endpoint().as_str()).unwrap();
            self.check_record(actor, n, record.verdict);
        }
    }

    fn check_state(&mut self, actor: Actor, n: usize, to: &str) {
        let Actor::Approve(environment) = actor else { return };
        let request = self.requests[n].clone();
        if to == "pending" && !request.is_live() {
            if !self.allows(environment, &request, Answer::Accept) {
                self.violate(Violation::Safety, &request, "was accepted, and neither a policy nor a person allows it");
            }
            self.requests[n].accepted_beside = Some(self.beside(&request));
            let mut log = lock(&self.environments[environment].ec2.log);
            let lists = log.lists.len();
            log.accepted.push((lists, request.endpoint.parse().unwrap()));
        }
        // EC2 rejects also a connection that a person accepts at that moment. No condition in the call can prevent that.
        if to == "rejected" && !self.allows(environment, &request, Answer::Reject) {
            let what = if request.is_live() { "was connected and was rejected" } else { "was rejected, and no policy rejects it" };
            self.violate(Violation::Safety, &request, what);
        }
    }

    fn check_record(&mut self, actor: Actor, n: usize, verdict: Verdict) {
        let request = self.requests[n].clone();
        let happened = match verdict {
            Verdict::Accepted | Verdict::Found => request.was_live,
            Verdict::Rejected => request.was_rejected,
            _ => true,
        };
        if !happened {
            self.violate(Violation::PartialSuccess, &request, &format!("is recorded as {verdict}, and is {}", request.state));
        }
        let Actor::Approve(environment) = actor else { return };
        let answer = match verdict {
            Verdict::Accepted => Answer::Accept,
            Verdict::Rejected => Answer::Reject,
            _ => return,
        };
        let Some(invocation) = &self.environments[environment].running else { return };
        let is_valid = |grant: &Grant| invocation.nows.iter().any(|now| grant.until.is_none_or(|until| *now < until));
        let granted = invocation.granted.iter().any(|grant| covers(grant, &request) && is_valid(grant));
        let role = invocation.claim.as_ref().and_then(|claim| claim.proves(&request.endpoint, ACCOUNTS[request.account]));
        if !(self.allows(environment, &request, answer) || (answer == Answer::Accept && granted)) {
            self.violate(Violation::Safety, &request, &format!("is recorded as {verdict}, and nothing allows that"));
        }
        if answer == Answer::Accept {
            self.requests[n].role = role;
        }
    }

    fn violate(&mut self, law: Violation, request: &Request, what: &str) {
        self.violations.push((law, format!("{} of {} at {} {what}", request.endpoint, ACCOUNTS[request.account], now())));
    }

    /// Returns true if anything that the running invocation was told allows an answer.
    fn allows(&self, environment: usize, request: &Request, answer: Answer) -> bool {
        let environment = &self.environments[environment];
        let Some(invocation) = &environment.running else { return false };
        let log = lock(&environment.ec2.log);
        let evidence = Evidence { simulation: self, invocation, log: &log };
        !self.scenario.world.observe && (0..log.lists.len()).any(|n| evidence.allows(request, n, answer))
    }
}
