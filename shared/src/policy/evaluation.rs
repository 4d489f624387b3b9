//! Evaluates a judgement: accept, reject, or refer to a person.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    model::ids::AccountId,
    policy::{
        facts::UnknownFact,
        judgement::{Judgement, MissingFact},
    },
};

/// The reason why a person must decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "why")]
pub enum Refer {
    /// No policy allows the request: the default.
    NoPermit,
    /// A `forbid` matches the request.
    Forbidden,
    /// The policy set allows both to accept and to reject.
    Contradiction,
    /// A policy failed to evaluate, so its effect is unknown.
    PolicyError,
    /// EC2 did not state a fact that every judgement needs.
    Missing {
        /// The fact.
        fact: MissingFact,
    },
    /// A policy could change the answer if a fact were known.
    Unverified {
        /// The unknown facts.
        needs: BTreeSet<UnknownFact>,
    },
    /// The account is not active in its organization: suspended, closing or closed.
    Inactive {
        /// The account's state, as AWS Organizations spells it.
        state: String,
    },
    /// The connection is in a state that AWS does not document.
    UnknownState {
        /// The state, as EC2 spells it.
        state: String,
    },
    /// The attachment also has established connections, which a rejection would end.
    ConnectedInPart,
    /// The event names another owner than EC2 does: it is forged, or a component is broken.
    Disputed {
        /// The owner that the event named.
        claimed: AccountId,
    },
    /// A person put the service, or the whole stack, on hold.
    Held {
        /// The person.
        by: String,
        /// The reason.
        reason: String,
    },
    /// A decision of a person on the ledger cannot be read. It may be a grant.
    UnreadableDecision {
        /// The keys of the ledger's items.
        items: Vec<String>,
    },
}

impl Refer {
    /// Returns the kind of the reason, for keys and filters.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NoPermit => "no-permit",
            Self::Forbidden => "forbidden",
            Self::Contradiction => "contradiction",
            Self::PolicyError => "policy-error",
            Self::Missing { .. } => "missing",
            Self::Unverified { .. } => "unverified",
            Self::Inactive { .. } => "inactive",
            Self::UnknownState { .. } => "unknown-state",
            Self::ConnectedInPart => "connected-in-part",
            Self::Disputed { .. } => "disputed",
            Self::Held { .. } => "held",
            Self::UnreadableDecision { .. } => "unreadable-decision",
        }
    }

    /// Returns true if the reason may disappear without a person: a proof arrives, or AWS Organizations answers.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unverified { .. })
    }
}

/// The evaluation of a judgement. It permits no act: an act takes a token of `decision`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evaluation {
    /// The policy set accepts the request.
    Accept,
    /// The policy set rejects the request.
    Reject,
    /// A person must decide.
    Refer(Refer),
}

/// Evaluates a judgement, for pending requests and for live connections alike.
#[must_use]
pub fn evaluate(judgement: &Judgement) -> Evaluation {
    let Judgement { accept, reject, inactive } = judgement;
    let sound = accept.errors.is_empty() && reject.errors.is_empty();
    let needs: BTreeSet<UnknownFact> = judgement.residual().flat_map(|policy| policy.needs.iter().copied()).collect();
    let rejected = sound && needs.is_empty() && reject.allowed && !accept.allowed;
    match inactive {
        _ if rejected => Evaluation::Reject,
        // Takes precedence over every acceptance, also by a grant.
        Some(state) => Evaluation::Refer(Refer::Inactive { state: state.clone() }),
        None if !sound => Evaluation::Refer(Refer::PolicyError),
        None if !needs.is_empty() => Evaluation::Refer(Refer::Unverified { needs }),
        None if accept.allowed && reject.allowed => Evaluation::Refer(Refer::Contradiction),
        None if accept.allowed => Evaluation::Accept,
        None if accept.policies.is_empty() => Evaluation::Refer(Refer::NoPermit),
        None => Evaluation::Refer(Refer::Forbidden),
    }
}
