//! What to do about one request. Pure, and the only place where a [`Permit`] is made.
//!
//! In doubt it refers: the request stays pending and a person is told. A rejection needs a policy of its own.

use std::{collections::BTreeSet, marker::PhantomData};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    connection::Standing,
    facts::Facts,
    grant::Grant,
    ids::{AccountId, EndpointId, ServiceId},
    policy::{Judgement, MissingFact, OpenFact, Policy},
};

/// A decision, and what it rests on.
#[derive(Debug)]
pub struct Ruling {
    /// What to do.
    pub decision: Decision,
    /// What it rests on.
    pub basis: Basis,
}

/// What a decision rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Basis {
    /// What the policy said, where it was asked.
    pub judgement: Option<Judgement>,
    /// What a person granted, where the policy alone would not have let it in.
    pub grant: Option<Grant>,
}

/// What to do about a request.
#[derive(Debug)]
pub enum Decision {
    /// Let it in.
    Accept(Permit<ToAccept>),
    /// Turn it away.
    Reject(Permit<ToReject>),
    /// Leave it pending and tell a person why.
    Refer(Refer),
    /// Nothing waits for an answer.
    Leave(Leave),
}

/// Why nothing needs to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// It is connected already.
    Live,
    /// The consumer took it back, or it was answered with no.
    Gone,
}

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
        needs: BTreeSet<OpenFact>,
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

/// What a judgement comes to. It permits nothing: that takes a [`Permit`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Weighed {
    /// The policy lets it in.
    Accept,
    /// The policy turns it away.
    Reject,
    /// A person must decide.
    Refer(Refer),
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
pub struct Permit<Act> {
    service: ServiceId,
    endpoint: EndpointId,
    act: PhantomData<Act>,
}

impl<Act> Permit<Act> {
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
pub fn refuse(refusal: &Refusal, facts: &Facts) -> Option<Permit<ToReject>> {
    let named = !refusal.by.trim().is_empty() && !refusal.reason.trim().is_empty();
    named.then(|| Permit::mint(facts))
}

/// Decides one request: by the policy, or, where that does not let it in, by what a person granted. A person's decision
/// stands beside the policy and not below it; what may end it is its own time, or the person's.
#[must_use]
pub fn decide(policy: &Policy, facts: &Facts, grants: &[Grant]) -> Ruling {
    let standing = facts.connection.state.standing();
    if standing == Standing::Gone {
        return Ruling { decision: Decision::Leave(Leave::Gone), basis: Basis::default() };
    }
    if let Some(claimed) = facts.disputed_owner() {
        return refer(Refer::Disputed { claimed: claimed.clone() });
    }
    let judgement = match policy.judge(facts) {
        Ok(judgement) => judgement,
        Err(fact) => return refer(Refer::Missing { fact }),
    };
    let mut grant = None;
    let decision = match standing {
        Standing::Waiting => match (weigh(&judgement), granted(policy, facts, grants)) {
            (Weighed::Accept, _) => Decision::Accept(Permit::mint(facts)),
            (Weighed::Reject | Weighed::Refer(_), Granted::Holds(by)) => {
                grant = Some(by.clone());
                Decision::Accept(Permit::mint(facts))
            }
            (Weighed::Reject | Weighed::Refer(_), Granted::Unverified) => {
                Decision::Refer(Refer::Unverified { needs: [OpenFact::Organization].into() })
            }
            (Weighed::Reject, Granted::No) => Decision::Reject(Permit::mint(facts)),
            (Weighed::Refer(why), Granted::No) => Decision::Refer(why),
        },
        Standing::Live => Decision::Leave(Leave::Live),
        Standing::Gone => Decision::Leave(Leave::Gone),
        Standing::Unknown => Decision::Refer(Refer::UnknownState { state: facts.connection.state.as_str().to_owned() }),
    };
    Ruling { decision, basis: Basis { judgement: Some(judgement), grant } }
}

/// What a person's grants come to, where the policy alone does not let a request in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granted<'a> {
    /// This one covers it.
    Holds(&'a Grant),
    /// One covers it, and nobody knows whether the account is being shut down.
    Unverified,
    /// None does, or the account is not active: a grant does not count against that.
    No,
}

/// Whether a person let it in: for whoever waits and for whoever is said to wait for too long.
#[must_use]
pub fn granted<'a>(policy: &Policy, facts: &Facts, grants: &'a [Grant]) -> Granted<'a> {
    match Grant::covering(grants, &facts.connection, facts.now) {
        None => Granted::No,
        Some(_) if facts.membership.inactive().is_some() => Granted::No,
        Some(_) if policy.asks_for_organization() && facts.membership.known().is_err() => Granted::Unverified,
        Some(grant) => Granted::Holds(grant),
    }
}

fn refer(why: Refer) -> Ruling {
    Ruling { decision: Decision::Refer(why), basis: Basis::default() }
}

/// What a judgement comes to, for whoever waits and for whoever is connected already: the one rule.
#[must_use]
pub fn weigh(judgement: &Judgement) -> Weighed {
    let Judgement { accept, reject, inactive } = judgement;
    let sound = accept.errors.is_empty() && reject.errors.is_empty();
    let needs: BTreeSet<OpenFact> = accept.open.iter().chain(&reject.open).flat_map(|rule| rule.needs.iter().copied()).collect();
    let rejected = sound && needs.is_empty() && reject.allowed && !accept.allowed;
    match inactive {
        _ if rejected => Weighed::Reject,
        // Before all else that could lead to an acceptance, a person's grant included.
        Some(state) => Weighed::Refer(Refer::Inactive { state: state.clone() }),
        None if !sound => Weighed::Refer(Refer::PolicyError),
        None if !needs.is_empty() => Weighed::Refer(Refer::Unverified { needs }),
        None if accept.allowed && reject.allowed => Weighed::Refer(Refer::Contradiction),
        None if accept.allowed => Weighed::Accept,
        None if accept.rules.is_empty() => Weighed::Refer(Refer::NoPermit),
        None => Weighed::Refer(Refer::Forbidden),
    }
}
