//! What goes wrong with calls and announcements: an error in place of an answer, for so many calls or for so long; a message
//! that never arrives.

use std::time::Instant;

use serde_json::{Value, json};

use super::asked::Asked;
use crate::world::{Ec2Error, Effect};

/// An error, and which calls get it.
#[derive(Debug)]
pub(super) struct Fault {
    /// By name; without one, every call to EC2.
    pub(super) action: Option<String>,
    /// Whose; without one, everybody's. EC2 throttles each account by itself.
    pub(super) account: Option<String>,
    pub(super) error: Ec2Error,
    pub(super) left: Left,
    /// How many calls got it.
    pub(super) met: usize,
}

/// What is left of a fault.
#[derive(Debug)]
pub(super) enum Left {
    Calls(usize),
    Until(Instant),
}

/// All that lie on calls, and what becomes of announcements.
#[derive(Debug, Default)]
pub(super) struct Faults {
    on_calls: Vec<Fault>,
    lose_next: usize,
    /// Every so many-th is lost; 0 for none.
    lose_every: usize,
    announced: usize,
}

impl Faults {
    /// Lays a fault on calls, in place of the one that lay on the same.
    pub(super) fn lay(&mut self, fault: Fault) {
        self.on_calls.retain(|other| (&other.action, &other.account) != (&fault.action, &fault.account));
        self.on_calls.push(fault);
    }

    /// What a call comes to meet.
    pub(super) fn meet(&mut self, call: &Asked) -> Result<(), Ec2Error> {
        for fault in self.on_calls.iter_mut().filter(|fault| fault.is_for(call)) {
            if fault.left.take() {
                fault.met += 1;
                return Err(fault.error.clone());
            }
        }
        Ok(())
    }

    pub(super) fn lose_next(&mut self, count: usize) {
        self.lose_next = count;
    }

    pub(super) fn lose_every(&mut self, nth: usize) {
        (self.lose_every, self.announced) = (nth, 0);
    }

    /// Whether what a creation announces is to be lost.
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

    /// What was laid on calls, and how many met it.
    pub(super) fn listed(&self) -> Value {
        let one = |fault: &Fault| json!({"action": fault.action, "account": fault.account, "code": fault.error.code, "met": fault.met});
        self.on_calls.iter().map(one).collect()
    }
}

impl Fault {
    fn is_for(&self, call: &Asked) -> bool {
        self.action.as_ref().map_or(call.api == "ec2", |action| *action == call.action)
            && self.account.as_ref().is_none_or(|account| *account == call.account)
    }
}

impl Left {
    fn take(&mut self) -> bool {
        match self {
            Self::Calls(0) => false,
            Self::Calls(left) => {
                *left -= 1;
                true
            }
            Self::Until(end) => Instant::now() < *end,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn creation() -> [Effect; 1] {
        let id = || "x".to_owned();
        [Effect::CloudTrail { account: id(), event_detail: Value::Null, region: id() }]
    }

    #[test]
    fn every_third_creation_goes_unannounced() {
        let mut faults = Faults::default();
        faults.lose_every(3);
        assert_eq!([(); 7].map(|()| faults.loses(&creation())), [false, false, true, false, false, true, false]);
        faults.lose_every(0);
        assert_eq!([(); 3].map(|()| faults.loses(&creation())), [false; 3]);
    }

    #[test]
    fn what_no_creation_announces_is_not_counted() {
        let mut faults = Faults::default();
        faults.lose_every(1);
        assert!(!faults.loses(&[]));
    }
}
