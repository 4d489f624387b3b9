//! Injected faults: errors in place of answers, and announcements that are lost.

use std::time::Instant;

use serde_json::{Value, json};

use super::request::ApiRequest;
use crate::world::{Ec2Error, Ec2Result, Effect};

/// An error, and the calls that it fails.
#[derive(Debug)]
pub(super) struct Fault {
    /// `None`: every call of EC2.
    pub(super) action: Option<String>,
    /// `None`: every account. EC2 throttles each account by itself.
    pub(super) account: Option<String>,
    pub(super) error: Ec2Error,
    pub(super) remaining: Remaining,
    pub(super) calls_failed: usize,
}

/// The remaining extent of a fault.
#[derive(Debug)]
pub(super) enum Remaining {
    Calls(usize),
    Until(Instant),
}

/// All faults.
#[derive(Debug, Default)]
pub(super) struct Faults {
    on_calls: Vec<Fault>,
    lose_next: usize,
    /// One announcement in this many is lost; 0 for none.
    lose_every: usize,
    announced: usize,
}

impl Faults {
    /// Adds a fault. It replaces the fault for the same action and account.
    pub(super) fn add(&mut self, fault: Fault) {
        self.on_calls.retain(|other| (&other.action, &other.account) != (&fault.action, &fault.account));
        self.on_calls.push(fault);
    }

    /// Fails a call that a fault is for.
    pub(super) fn check(&mut self, request: &ApiRequest) -> Ec2Result<()> {
        for fault in self.on_calls.iter_mut().filter(|fault| fault.is_for(request)) {
            if fault.remaining.take() {
                fault.calls_failed += 1;
                return Err(fault.error.clone());
            }
        }
        Ok(())
    }

    pub(super) fn lose_next(&mut self, count: usize) {
        self.lose_next = count;
    }

    pub(super) fn lose_every(&mut self, count: usize) {
        (self.lose_every, self.announced) = (count, 0);
    }

    /// Returns true if these messages are lost. Only a new endpoint's announcement is: it alone has a CloudTrail event.
    pub(super) fn loses(&mut self, effects: &[Effect]) -> bool {
        if !effects.iter().any(|effect| matches!(effect, Effect::CloudTrail { .. })) {
            return false;
        }
        if self.lose_next > 0 {
            self.lose_next -= 1;
            return true;
        }
        self.announced += 1;
        self.lose_every > 0 && self.announced.is_multiple_of(self.lose_every)
    }

    /// The faults on calls, each with the number of calls that it failed.
    pub(super) fn list(&self) -> Value {
        let fault =
            |fault: &Fault| json!({"action": fault.action, "account": fault.account, "code": fault.error.code, "met": fault.calls_failed});
        self.on_calls.iter().map(fault).collect()
    }
}

impl Fault {
    fn is_for(&self, request: &ApiRequest) -> bool {
        self.action.as_ref().map_or(request.api == "ec2", |action| *action == request.call.action)
            && self.account.as_ref().is_none_or(|account| *account == request.call.account)
    }
}

impl Remaining {
    /// Uses up one call. Returns false if the fault is over.
    fn take(&mut self) -> bool {
        match self {
            Self::Calls(0) => false,
            Self::Calls(calls) => {
                *calls -= 1;
                true
            }
            Self::Until(end) => Instant::now() < *end,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announcement() -> [Effect; 1] {
        let id = || "x".to_owned();
        [Effect::CloudTrail { account: id(), event_detail: Value::Null, region: id() }]
    }

    #[test]
    fn every_third_announcement_is_lost() {
        let mut faults = Faults::default();
        faults.lose_every(3);
        assert_eq!([(); 7].map(|()| faults.loses(&announcement())), [false, false, true, false, false, true, false]);
        faults.lose_every(0);
        assert_eq!([(); 3].map(|()| faults.loses(&announcement())), [false; 3]);
    }

    #[test]
    fn other_messages_are_not_lost() {
        let mut faults = Faults::default();
        faults.lose_every(1);
        assert!(!faults.loses(&[]));
    }
}
