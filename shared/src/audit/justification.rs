//! The justification of a connection: the policies or the grant that it rests on.

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    decision::{Hold, grant::Grant},
    ledger::history::SubjectHistory,
    model::{
        connection::{Phase, State},
        facts::Facts,
    },
    policy::{
        Judgement, MissingFact, PolicyId, PolicySet, UnknownFact,
        evaluation::{Evaluation, Refer, evaluate},
    },
};

/// The policies or the grant that a connection rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "by")]
pub enum Justification {
    /// Policies that accept the connection now.
    Policy {
        /// Their ids.
        policies: Vec<PolicyId>,
    },
    /// A person's grant.
    Grant {
        /// The person.
        person: String,
        /// The reason that the person gave.
        reason: String,
        /// The end of the grant, if it has one.
        until: Option<Timestamp>,
    },
    /// Nothing: the connection is live, and neither a policy nor a grant accepts it.
    Nothing,
    /// The request is pending, or the connection is gone.
    NotConnected,
    /// The connection could not be judged.
    Unknown {
        /// The reason.
        why: String,
    },
}

/// The ledger's entries that matter for one connection.
#[derive(Debug, Clone, Copy)]
pub struct LedgerContext<'a> {
    /// The entries about the connection, if there are any.
    pub history: Option<&'a SubjectHistory>,
    /// The grants on the service.
    pub grants: &'a [Grant],
    /// True if some of that could not be read. Then the connection is neither unjustified nor unrecorded.
    pub incomplete: bool,
    /// The hold of the service or of the stack.
    pub hold: Option<&'a Hold>,
    /// True if it is unknown whether there is a hold.
    pub hold_unknown: bool,
    /// The time since which the audit has known the policy set. A sweep needs time to apply a new set.
    pub policy_since: Timestamp,
    /// The time since which every audit has found the request allowed.
    pub allowed_since: Option<Timestamp>,
}

/// A judgement with its evaluation.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) judgement: Judgement,
    pub(super) evaluation: Evaluation,
}

impl Judged {
    pub(super) fn of(policy: &PolicySet, facts: &Facts) -> Result<Self, MissingFact> {
        let judgement = policy.judge(facts)?;
        Ok(Self { evaluation: evaluate(&judgement), judgement })
    }
}

impl Justification {
    pub(super) fn of(policy: &PolicySet, facts: &Facts, ledger: LedgerContext<'_>, judged: &Result<Judged, MissingFact>) -> Self {
        match (facts.connection.state.phase(), judged) {
            (Phase::Unknown, _) => unknown("its state is unknown"),
            (Phase::Gone, _) => Self::NotConnected,
            (Phase::Live | Phase::Waiting, Err(missing)) => unknown(&missing.to_string()),
            (Phase::Waiting, Ok(_)) => Self::NotConnected,
            (Phase::Live, Ok(judged)) => of_live(policy, facts, ledger, judged),
        }
    }
}

/// A connection is never unjustified if the policy or the ledger could not be read in full.
fn of_live(policy: &PolicySet, facts: &Facts, ledger: LedgerContext<'_>, judged: &Judged) -> Justification {
    let Judged { judgement, evaluation } = judged;
    match (evaluation, Grant::covering(ledger.grants, &facts.connection, facts.now)) {
        (Evaluation::Accept, _) => {
            Justification::Policy { policies: judgement.accept.policies.iter().map(|policy| policy.id.clone()).collect() }
        }
        // No grant applies to an account that is not active.
        _ if judgement.inactive.is_some() => Justification::Nothing,
        (_, Some(grant)) => Justification::Grant { person: grant.by.clone(), reason: grant.reason.clone(), until: grant.until },
        (Evaluation::Refer(Refer::PolicyError), None) if judgement.accept.allowed => unknown("a policy could not be evaluated"),
        (Evaluation::Refer(Refer::Unverified { needs }), None) if needs.contains(&UnknownFact::Organization) => {
            unknown(&format!("a policy depends on {}, which is unknown", UnknownFact::Organization.label()))
        }
        (_, None) if ledger.incomplete => unknown("some of the ledger's entries could not be read"),
        // The record of the role's proof may not be written yet.
        (_, None) if facts.connection.state == State::Pending && policy.reads_role() => unknown("it was accepted a moment ago"),
        (_, None) => Justification::Nothing,
    }
}

fn unknown(why: &str) -> Justification {
    Justification::Unknown { why: why.to_owned() }
}
