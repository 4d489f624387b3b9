//! What must never be seen: after every step, what changed in the world and on the ledger is held against what whoever did
//! it had been told.

use warden::{decision::grant::Grant, ledger::record::Verdict};

use super::{Breach, By, House, Request, covers, grounds::Grounds, is_live, now};
use crate::{ports::lock, reference::Answer, story::ACCOUNTS};

impl House<'_> {
    /// What changed since the last look, and whether it may have.
    pub(super) fn look(&mut self, by: By) {
        let mut changed: Vec<(usize, String)> = Vec::new();
        for (n, request) in self.requests.iter().enumerate() {
            let state = self.state(&request.endpoint);
            if state != request.state {
                changed.push((n, state));
            }
        }
        if let By::Lambda(lambda) = by {
            let log = lock(&self.lambdas[lambda].ec2.log);
            changed.sort_by_key(|(n, _)| log.asked.iter().rposition(|id| id.as_str() == self.requests[*n].endpoint));
        }
        for (n, state) in changed {
            self.judge_change(by, n, &state);
            let request = &mut self.requests[n];
            request.was_live |= is_live(&state);
            request.was_rejected |= state == "rejected";
            request.state = state;
        }
        for key in self.ledger.keys_after(self.recorded) {
            self.recorded += 1;
            let Some(record) = self.ledger.record(&key) else { continue };
            let n = self.requests.iter().position(|request| request.endpoint == record.endpoint().as_str()).unwrap();
            self.judge_record(by, n, record.verdict);
        }
    }

    fn judge_change(&mut self, by: By, n: usize, to: &str) {
        let By::Lambda(lambda) = by else { return };
        let request = self.requests[n].clone();
        if to == "pending" && !request.is_live() {
            if !self.may(lambda, &request, Answer::Accept) {
                self.breach(Breach::Safety, &request, "was let in, and neither the policy nor a person let it in");
            }
            let beside = self.beside(&request);
            self.requests[n].let_in = Some(beside);
            let mut log = lock(&self.lambdas[lambda].ec2.log);
            let read = log.lists.len();
            log.let_in.push((read, request.endpoint.parse().unwrap()));
        }
        // EC2 cannot be asked to reject only who still waits: whom a person lets in at that moment is cut off.
        if to == "rejected" && !self.may(lambda, &request, Answer::Reject) {
            let what = if request.is_live() { "was cut off" } else { "was turned away, and no policy turns it away" };
            self.breach(Breach::Safety, &request, what);
        }
    }

    fn judge_record(&mut self, by: By, n: usize, verdict: Verdict) {
        let request = self.requests[n].clone();
        let happened = match verdict {
            Verdict::Accepted | Verdict::Found => request.was_live,
            Verdict::Rejected => request.was_rejected,
            _ => true,
        };
        if !happened {
            self.breach(Breach::Partial, &request, &format!("is on the record as {verdict}, and is {}", request.state));
        }
        let By::Lambda(lambda) = by else { return };
        let answer = match verdict {
            Verdict::Accepted => Answer::Accept,
            Verdict::Rejected => Answer::Reject,
            _ => return,
        };
        let Some(invocation) = &self.lambdas[lambda].at_work else { return };
        let held = |grant: &Grant| invocation.nows.iter().any(|now| grant.until.is_none_or(|until| *now < until));
        let by_person = invocation.granted.iter().any(|grant| covers(grant, &request) && held(grant));
        let role = invocation.claim.as_ref().and_then(|claim| claim.proves(&request.endpoint, ACCOUNTS[request.account]));
        if !(self.may(lambda, &request, answer) || (answer == Answer::Accept && by_person)) {
            self.breach(Breach::Safety, &request, &format!("is on the record as {verdict}, without any ground"));
        }
        if answer == Answer::Accept {
            self.requests[n].role = role;
        }
    }

    fn breach(&mut self, law: fn(String) -> Breach, request: &Request, what: &str) {
        self.breaches.push(law(format!("{} of {} at {} {what}", request.endpoint, ACCOUNTS[request.account], now())));
    }

    /// Whether what an invocation was told allows an answer. Everything that it was told counts: it may have gone by any of it.
    fn may(&self, lambda: usize, request: &Request, answer: Answer) -> bool {
        let environment = &self.lambdas[lambda];
        let Some(invocation) = &environment.at_work else { return false };
        if self.story.world.observe {
            return false;
        }
        let log = lock(&environment.ec2.log);
        let grounds = Grounds { house: self, invocation, log: &log };
        (0..log.lists.len()).any(|n| grounds.allow(request, n, answer))
    }
}
