//! What a judgement means: the one rule for waiting requests and for live connections.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    model::ids::AccountId,
    policy::{
        facts::UnknownFact,
        judgement::{Judgement, MissingFact},
    },
};

/// Why a person must decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "why")]
pub enum Refer {
    /// No policy allows it: the default.
    NoPermit,
    /// A `forbid` turned it away.
    Forbidden,
    /// The policy says both accept and reject.
    Contradiction,
    /// A policy could not be evaluated, so what it would have said is unknown.
    PolicyError,
    /// EC2 left out something that every judgement needs.
    Missing {
        /// What it was.
        fact: MissingFact,
    },
    /// A policy could have changed the answer, had a fact been known.
    Unverified {
        /// What is not known.
        needs: BTreeSet<UnknownFact>,
    },
    /// The account is not active in its organization: suspended, closing or closed.
    Inactive {
        /// As the wire spelled it.
        state: String,
    },
    /// The state is none that AWS documents.
    UnknownState {
        /// As the wire spelled it.
        state: String,
    },
    /// The event named another owner than EC2 does: somebody errs, or lies.
    Disputed {
        /// Whom the event named.
        claimed: AccountId,
    },
}

/// What a judgement comes to. It permits nothing: an act takes an `ActionToken` of the decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evaluation {
    /// The policy lets it in.
    Accept,
    /// The policy turns it away.
    Reject,
    /// A person must decide.
    Refer(Refer),
}

/// What a judgement comes to, for whoever waits and for whoever is connected already: the one rule.
#[must_use]
pub fn evaluate(judgement: &Judgement) -> Evaluation {
    let Judgement { accept, reject, inactive } = judgement;
    let sound = accept.errors.is_empty() && reject.errors.is_empty();
    let needs: BTreeSet<UnknownFact> = judgement.residual().flat_map(|policy| policy.needs.iter().copied()).collect();
    let rejected = sound && needs.is_empty() && reject.allowed && !accept.allowed;
    match inactive {
        _ if rejected => Evaluation::Reject,
        // Before all else that could lead to an acceptance, a person's grant included.
        Some(state) => Evaluation::Refer(Refer::Inactive { state: state.clone() }),
        None if !sound => Evaluation::Refer(Refer::PolicyError),
        None if !needs.is_empty() => Evaluation::Refer(Refer::Unverified { needs }),
        None if accept.allowed && reject.allowed => Evaluation::Refer(Refer::Contradiction),
        None if accept.allowed => Evaluation::Accept,
        None if accept.policies.is_empty() => Evaluation::Refer(Refer::NoPermit),
        None => Evaluation::Refer(Refer::Forbidden),
    }
}
