//! What became of a person's decision about one subject, and the sentence that says so. Pure.

use jiff::Timestamp;
use warden::{
    decision::Hold,
    ledger::{
        commit::ServiceItems,
        record::{Act, Record, Verdict},
    },
    model::{
        connection::{Connection, Phase, State},
        printable::printable,
        subject::Subject,
    },
};

use crate::wording;

/// What is known after a decision was carried out.
#[derive(Debug, Default)]
pub(super) struct After {
    /// The records that were written.
    pub(super) records: Vec<Record>,
    /// Something is left to do, and another worker or the pace of acts delays it.
    pub(super) delayed: bool,
    pub(super) items: ServiceItems,
    pub(super) connections: Vec<Connection>,
    /// The hold of the service or of the stack.
    pub(super) hold: Option<Hold>,
}

/// What became of a decision about one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// EC2 did it.
    Done,
    /// EC2 refused it, with its code and message if this command called EC2.
    Refused(Option<String>),
    /// The subject no longer exists, or is in a final state.
    Gone(Option<State>),
    Held(Hold),
    /// It was to be rejected, and another decision came first.
    Connected,
    /// Another worker is at work, or it is too early for the next act.
    Delayed,
    /// The facts do not suffice: AWS Organizations does not answer, or EC2 describes an unknown state.
    Undecided,
}

impl After {
    /// Returns true if a record of this command says that the act on a subject is done.
    pub(super) fn is_recorded(&self, subject: &Subject, act: Act) -> bool {
        self.records.iter().any(|record| record.subject() == subject && record.verdict == act.done())
    }

    pub(super) fn fate(&self, subject: &Subject, act: Act, now: Timestamp) -> Fate {
        let state = self.connections.iter().find(|one| one.subject == *subject).map(|one| &one.state);
        let is_described = match act {
            Act::Accept => state.is_some_and(|state| state.phase() == Phase::Live),
            Act::Reject => state == Some(&State::Rejected),
        };
        if self.is_recorded(subject, act) || self.items.state.recent_act(subject, now) == Some(act) || is_described {
            return Fate::Done;
        }
        let failed = self.records.iter().rev().find(|record| record.subject() == subject).and_then(|record| record.failure.as_ref());
        if let Some(failure) = failed {
            return Fate::Refused(Some(format!("{}: {}", printable(&failure.code, 80), printable(&failure.message, 400))));
        }
        match (state, &self.hold, self.items.pending.get(subject)) {
            (None, ..) => Fate::Gone(None),
            (Some(state), ..) if state.phase() == Phase::Gone => Fate::Gone(Some(state.clone())),
            (Some(_), Some(hold), _) => Fate::Held(hold.clone()),
            (Some(_), None, Some(pending)) if pending.told.starts_with(Verdict::Failed.as_str()) => Fate::Refused(None),
            (Some(_), None, _) if self.delayed => Fate::Delayed,
            (Some(state), None, _) if act == Act::Reject && state.phase() == Phase::Live => Fate::Connected,
            (Some(_), None, _) => Fate::Undecided,
        }
    }
}

impl Fate {
    /// Returns the sentence about a subject. `result` is the word for what the person wants it to be.
    pub(super) fn sentence(&self, subject: &Subject, result: &str) -> String {
        match self {
            Self::Done => format!("{subject} is {result}."),
            Self::Refused(Some(why)) => format!("{subject} is not {result}: EC2 returned {why}. The warden tries again."),
            Self::Refused(None) => format!("{subject} is not {result}: EC2 refused it minutes ago. The warden tries again."),
            Self::Gone(Some(state)) => {
                let noun = subject.kind().noun();
                format!("{subject} is {} and not pending any more: the consumer must create a new {noun}.", state.as_str())
            }
            Self::Gone(None) => format!("{subject} no longer exists."),
            Self::Held(hold) => {
                format!("{subject} is not {result} yet: every act is {}. The warden acts after the hold.", wording::hold(hold))
            }
            Self::Delayed => {
                format!("{subject} is not {result} yet: the warden is at work on the service. It acts at its next sweep at the latest.")
            }
            Self::Connected => {
                format!("{subject} is connected, because another decision came first: `warden revoke` disconnects it.")
            }
            Self::Undecided => {
                format!("{subject} is not {result} yet: `warden explain {subject}` shows why. Each sweep tries again.")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use warden::ledger::{
        pending::Pending,
        service_state::{RecentAct, ServiceState},
    };

    use super::*;

    fn now() -> Timestamp {
        "2026-06-01T12:00:00Z".parse().unwrap()
    }

    fn subject() -> Subject {
        "vpce-0c1308d7312217abc".parse().unwrap()
    }

    fn described(state: &str) -> After {
        let connection = json!({
            "service": "vpce-svc-03d5ebb7d9579a2b3", "subject": subject(), "owner": "111122223333", "state": state,
            "created": "2026-06-01T11:59:55Z", "region": "us-east-1", "ip_address_type": "ipv4",
        });
        After { connections: vec![serde_json::from_value(connection).unwrap()], ..After::default() }
    }

    fn record(verdict: &str, failure: serde_json::Value) -> Record {
        let service = "vpce-svc-03d5ebb7d9579a2b3";
        serde_json::from_value(json!({
            "schema": 2, "verdict": verdict, "judgement": null, "refer": null, "failure": failure, "policy_digest": "",
            "facts": {
                "service": {"id": service, "region": "us-east-1", "kind": "Interface", "acceptance_required": true, "tags": {}},
                "connection": described("pendingAcceptance").connections[0],
                "counts": {"ofAccount": 0, "ofService": 0}, "claim": null, "now": now(),
            },
            "origin": {"kind": "person", "id": "ana"}, "observe": false, "at": now(), "expires": now(), "function_version": "1",
        }))
        .unwrap()
    }

    fn hold() -> Hold {
        Hold { by: "ana".to_owned(), reason: "a move".to_owned(), at: now() }
    }

    /// What an approval prints.
    fn printed(after: &After) -> String {
        after.fate(&subject(), Act::Accept, now()).sentence(&subject(), "accepted").replace("vpce-0c1308d7312217abc", "X")
    }

    #[test]
    fn each_fate_has_its_sentence() {
        let failure = json!({"act": "accept", "code": "Throttled", "message": "slow\ndown"});
        let waiting = || described("pendingAcceptance");
        let recent = RecentAct { subject: subject(), account: None, act: Act::Accept, at: now() };
        let acted = ServiceItems { state: ServiceState { recent: vec![recent], ..ServiceState::default() }, ..ServiceItems::default() };
        let told = Pending { told: "failed/accept".to_owned(), at: now(), not_before: None };
        let refused = ServiceItems { pending: [(subject(), told)].into(), ..ServiceItems::default() };
        for (after, expected) in [
            (After { records: vec![record("accepted", json!(null))], ..waiting() }, "X is accepted."),
            (After { items: acted, ..waiting() }, "X is accepted."),
            (described("available"), "X is accepted."),
            (
                After { records: vec![record("failed", failure)], delayed: true, ..waiting() },
                "X is not accepted: EC2 returned Throttled: slow\\u{a}down. The warden tries again.",
            ),
            (After { items: refused, ..waiting() }, "X is not accepted: EC2 refused it minutes ago. The warden tries again."),
            (described("deleted"), "X is deleted and not pending any more: the consumer must create a new endpoint."),
            (After::default(), "X no longer exists."),
            (
                After { hold: Some(hold()), delayed: true, ..waiting() },
                "X is not accepted yet: every act is held by ana since 2026-06-01 12:00 UTC: a move. The warden acts after the hold.",
            ),
            (
                After { delayed: true, ..waiting() },
                "X is not accepted yet: the warden is at work on the service. It acts at its next sweep at the latest.",
            ),
            (waiting(), "X is not accepted yet: `warden explain X` shows why. Each sweep tries again."),
        ] {
            assert_eq!(printed(&after), expected);
        }
    }

    #[test]
    fn rejection_is_no_acceptance() {
        let after = After { records: vec![record("rejected", json!(null))], ..described("rejected") };
        assert_eq!(after.fate(&subject(), Act::Reject, now()), Fate::Done);
        assert_eq!(after.fate(&subject(), Act::Accept, now()), Fate::Gone(Some(State::Rejected)));
        assert_eq!(described("available").fate(&subject(), Act::Reject, now()), Fate::Connected);
    }
}
