//! The invariants: after each await, each intent, each change in the world and each new record follows from what the actor was
//! told.

use std::collections::BTreeSet;

use warden::ledger::record::{Act, Verdict};

use super::{Actor, Request, Simulation, Violation, count, evidence::Evidence, is_live, now};
use crate::ports::lock;

/// An act whose intent is on the ledger, by the worker that wrote it.
#[derive(Debug, Clone)]
pub(super) struct Intended {
    pub(super) act: Act,
    pub(super) endpoint: String,
    /// The acceptances that precede it in the intent.
    preceding: BTreeSet<String>,
    people: super::People,
    /// What is wrong with it.
    violation: Option<Violation>,
}

impl Simulation<'_> {
    /// The number of writes of workers on the ledger.
    pub(super) fn writes(&self) -> u64 {
        self.services.iter().map(|service| self.ledger.service(service).version.sequence).sum()
    }

    /// Judges the intent that a worker wrote a moment ago.
    pub(super) fn take_intent(&mut self, environment: usize) {
        let intent = lock(&self.environments[environment].ec2.log).intent.take();
        if let Some((act, subjects)) = intent {
            let mut preceding = BTreeSet::new();
            for subject in subjects {
                let endpoint = subject.as_str().to_owned();
                let Some(request) = self.requests.iter().find(|request| request.endpoint == endpoint).cloned() else { continue };
                let mut intended = Intended {
                    act,
                    endpoint: endpoint.clone(),
                    preceding: preceding.clone(),
                    people: self.people.clone(),
                    violation: None,
                };
                intended.violation = self.violation_of(environment, &request, &intended);
                if intended.violation.is_none() {
                    self.intended.insert((endpoint.clone(), act.done().as_str()));
                }
                if act == Act::Accept {
                    preceding.insert(endpoint);
                }
                self.environments[environment].running.iter_mut().for_each(|invocation| invocation.intended.push(intended.clone()));
            }
        }
    }

    fn violation_of(&self, environment: usize, request: &Request, intended: &Intended) -> Option<Violation> {
        if intended.people.holds(&request.service) {
            return Some(Violation::Hold);
        }
        if self.allows(environment, request, intended, (0, 0)) {
            return None;
        }
        let is_overruled = self.with_evidence(environment, intended, |evidence| evidence.is_overruled(intended.act, request));
        Some(if is_overruled { Violation::Overruled } else { Violation::Safety })
    }

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
            let running = self.environments[environment].running.as_ref();
            let place = |endpoint: &str| running.and_then(|run| run.intended.iter().rposition(|intended| intended.endpoint == endpoint));
            changed.sort_by_key(|(n, _)| place(&self.requests[*n].endpoint));
        }
        for (n, state) in changed {
            self.check_state(actor, n, &state);
            let request = &mut self.requests[n];
            request.was_live |= is_live(&state);
            request.was_rejected |= state == "rejected";
            request.is_own &= is_live(&state);
            request.is_own_rejection &= state == "rejected";
            request.recorded = request.recorded.filter(|_| is_live(&request.state) && is_live(&state));
            request.state = state;
        }
        for key in self.ledger.keys_after(self.records_checked) {
            self.records_checked += 1;
            let Some(record) = self.ledger.record(&key) else { continue };
            let n = self.requests.iter().position(|request| request.endpoint == record.subject().as_str());
            if let Some(n) = n {
                self.check_record(actor, n, record.verdict);
            }
        }
    }

    fn check_state(&mut self, actor: Actor, n: usize, to: &str) {
        let Actor::Approve(environment) = actor else { return };
        let request = self.requests[n].clone();
        // EC2 rejects also a connection that a person accepts at that moment. No condition in the call can prevent that.
        let act = match to {
            "pending" if !request.is_live() => Act::Accept,
            "rejected" => Act::Reject,
            _ => return,
        };
        let running = self.environments[environment].running.as_ref();
        let intended = running.and_then(|run| run.intended.iter().rfind(|one| one.endpoint == request.endpoint && one.act == act)).cloned();
        let violation = match &intended {
            None => Some(Violation::Safety),
            Some(intended) if intended.violation.is_some() => intended.violation,
            Some(intended) if act == Act::Accept && !self.allows(environment, &request, intended, self.own_beside(&request)) => {
                Some(Violation::Cap)
            }
            Some(_) => None,
        };
        if let Some(violation) = violation {
            self.violate(violation, &request, &format!("was {}, and neither a policy nor a person allows it", act.done()));
        }
        let beside = self.beside(&request);
        let request = &mut self.requests[n];
        match act {
            Act::Accept => {
                request.accepted_beside = Some(beside);
                request.is_own = request.state == "pendingAcceptance";
            }
            Act::Reject => (request.rejected_by_warden, request.is_own_rejection) = (true, true),
        }
    }

    /// The other connections that the warden accepted, of its account and of all accounts.
    fn own_beside(&self, request: &Request) -> (i64, i64) {
        let others = || self.requests.iter().filter(|one| one.service == request.service && one.endpoint != request.endpoint && one.is_own);
        (count(others().filter(|one| one.account == request.account && !one.omits_owner)), count(others()))
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
        if happened && self.requests[n].recorded == Some(verdict) {
            self.violate(Violation::Twice, &request, &format!("is recorded as {verdict} again"));
        }
        if matches!(verdict, Verdict::Accepted | Verdict::Rejected) {
            self.requests[n].recorded = Some(verdict);
        }
        if !matches!((actor, verdict), (Actor::Approve(_), Verdict::Accepted | Verdict::Rejected)) {
            return;
        }
        // A person grants and accepts: the grant explains the connection.
        let granted = verdict == Verdict::Accepted && self.was_granted(&request);
        if !granted && !self.intended.contains(&(request.endpoint.clone(), verdict.as_str())) {
            self.violate(Violation::Safety, &request, &format!("is recorded as {verdict}, and nothing allows that"));
        }
    }

    fn violate(&mut self, law: Violation, request: &Request, what: &str) {
        self.violations.push((law, format!("{} of {} at {} {what}", request.endpoint, super::ACCOUNTS[request.account], now())));
    }

    /// Returns true if what the worker was told allows an act, while at least so many others are connected.
    fn allows(&self, environment: usize, request: &Request, intended: &Intended, least: (i64, i64)) -> bool {
        !self.is_observed(request)
            && self.with_evidence(environment, intended, |evidence| evidence.allows(intended.act, request, &intended.preceding, least))
    }

    fn with_evidence(&self, environment: usize, intended: &Intended, holds: impl Fn(&Evidence<'_>) -> bool) -> bool {
        let environment = &self.environments[environment];
        let Some(invocation) = &environment.running else { return false };
        let log = lock(&environment.ec2.log);
        holds(&Evidence { simulation: self, invocation, log: &log, people: &intended.people })
    }
}
