//! What to do about one request. Pure, and the only place where a [`ActionToken`] is made.
//!
//! In doubt it refers: the request stays pending and a person is told. A rejection needs a policy of its own.

pub mod cases;
pub mod grant;
pub mod queue;

use std::marker::PhantomData;

use jiff::Timestamp;

use serde::{Deserialize, Serialize};

use crate::{
    decision::grant::Grant,
    model::{
        connection::Phase,
        facts::Facts,
        ids::{EndpointId, ServiceId},
    },
    policy::{
        Judgement, PolicySet, UnknownFact,
        evaluation::{Evaluation, Refer, evaluate},
    },
};

/// A decision, and what it rests on.
#[derive(Debug)]
pub struct Decision {
    /// What to do.
    pub action: Action,
    /// What it rests on.
    pub grounds: Grounds,
}

/// What a decision rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grounds {
    /// What the policy said, where it was asked.
    pub judgement: Option<Judgement>,
    /// What a person granted, where the policy alone would not have let it in.
    pub grant: Option<Grant>,
}

/// What to do about a request.
#[derive(Debug)]
pub enum Action {
    /// Let it in.
    Accept(ActionToken<ToAccept>),
    /// Turn it away.
    Reject(ActionToken<ToReject>),
    /// Leave it pending and tell a person why.
    Refer(Refer),
    /// Nothing waits for an answer.
    NoAction(NoAction),
}

/// Why nothing needs to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAction {
    /// It is connected already.
    Live,
    /// The consumer took it back, or it was answered with no.
    Gone,
}

/// Marks a permit to accept.
#[derive(Debug)]
pub enum ToAccept {}

/// Marks a permit to reject.
#[derive(Debug)]
pub enum ToReject {}

/// Proof that the policy allows one act on one connection. It cannot be made elsewhere nor copied, so nothing is
/// accepted or rejected without a decision, and each decision is used once.
#[derive(Debug)]
pub struct ActionToken<Act> {
    service: ServiceId,
    endpoint: EndpointId,
    act: PhantomData<Act>,
}

impl<Act> ActionToken<Act> {
    /// Private to this module on purpose.
    fn mint(facts: &Facts) -> Self {
        Self { service: facts.connection.service.clone(), endpoint: facts.connection.endpoint.clone(), act: PhantomData }
    }

    /// The service whose owner acts.
    #[must_use]
    pub fn service(&self) -> &ServiceId {
        &self.service
    }

    /// The endpoint it is about.
    #[must_use]
    pub fn endpoint(&self) -> &EndpointId {
        &self.endpoint
    }
}

/// A named person's no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The person, as STS names them.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// Proof that a person turns one connection away. Without a name and a reason there is none.
#[must_use]
pub fn refuse(refusal: &Refusal, facts: &Facts) -> Option<ActionToken<ToReject>> {
    let named = !refusal.by.trim().is_empty() && !refusal.reason.trim().is_empty();
    named.then(|| ActionToken::mint(facts))
}

/// Decides one request: by the policy, or, where that does not let it in, by what a person granted. A person's decision
/// stands beside the policy and not below it; what may end it is its own time, or the person's.
#[must_use]
pub fn decide(policy: &PolicySet, facts: &Facts, grants: &[Grant]) -> Decision {
    let phase = facts.connection.state.phase();
    if phase == Phase::Gone {
        return Decision { action: Action::NoAction(NoAction::Gone), grounds: Grounds::default() };
    }
    if let Some(claimed) = facts.disputed_owner() {
        return refer(Refer::Disputed { claimed: claimed.clone() });
    }
    let judgement = match policy.judge(facts) {
        Ok(judgement) => judgement,
        Err(fact) => return refer(Refer::Missing { fact }),
    };
    let mut grant = None;
    let action = match phase {
        Phase::Waiting => match (evaluate(&judgement), granted(policy, facts, grants)) {
            (Evaluation::Accept, _) => Action::Accept(ActionToken::mint(facts)),
            (Evaluation::Reject | Evaluation::Refer(_), GrantCoverage::Holds(by)) => {
                grant = Some(by.clone());
                Action::Accept(ActionToken::mint(facts))
            }
            (Evaluation::Reject | Evaluation::Refer(_), GrantCoverage::Unverified) => {
                Action::Refer(Refer::Unverified { needs: [UnknownFact::Organization].into() })
            }
            (Evaluation::Reject, GrantCoverage::No) => Action::Reject(ActionToken::mint(facts)),
            (Evaluation::Refer(why), GrantCoverage::No) => Action::Refer(why),
        },
        Phase::Live => Action::NoAction(NoAction::Live),
        Phase::Gone => Action::NoAction(NoAction::Gone),
        Phase::Unknown => Action::Refer(Refer::UnknownState { state: facts.connection.state.as_str().to_owned() }),
    };
    Decision { action, grounds: Grounds { judgement: Some(judgement), grant } }
}

/// What a person's grants come to, where the policy alone does not let a request in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantCoverage<'a> {
    /// This one covers it.
    Holds(&'a Grant),
    /// One covers it, and nobody knows whether the account is being shut down.
    Unverified,
    /// None does, or the account is not active: a grant does not count against that.
    No,
}

/// Whether a person let it in: for whoever waits and for whoever is said to wait for too long.
#[must_use]
pub fn granted<'a>(policy: &PolicySet, facts: &Facts, grants: &'a [Grant]) -> GrantCoverage<'a> {
    match Grant::covering(grants, &facts.connection, facts.now) {
        None => GrantCoverage::No,
        Some(_) if facts.membership.inactive().is_some() => GrantCoverage::No,
        Some(_) if policy.reads_organization() && facts.membership.known().is_err() => GrantCoverage::Unverified,
        Some(grant) => GrantCoverage::Holds(grant),
    }
}

fn refer(why: Refer) -> Decision {
    Decision { action: Action::Refer(why), grounds: Grounds::default() }
}
