//! What a decision leads to.
//!
//! No token, no act: a call that accepts or rejects takes [`ActionToken`]s, which have private fields, cannot be copied and are
//! minted in this room alone.

use std::marker::PhantomData;

use crate::{
    decision::{grant::Grant, people::Refusal},
    model::{facts::Facts, ids::ServiceId, subject::Subject},
    policy::{Judgement, evaluation::Refer},
};

/// A decision, and its grounds.
#[derive(Debug)]
pub struct Decision {
    /// The action to take.
    pub action: Action,
    /// The grounds.
    pub grounds: Grounds,
}

/// The grounds of a decision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grounds {
    /// The policy set's judgement, if the set was asked.
    pub judgement: Option<Judgement>,
    /// The grant that accepts the request, if no policy does.
    pub grant: Option<Grant>,
    /// The refusal that rejects the request, if a person did.
    pub refusal: Option<Refusal>,
}

/// What to do about a request.
#[derive(Debug)]
pub enum Action {
    /// Accept the connection.
    Accept(ActionToken<ToAccept>),
    /// Reject the connection.
    Reject(ActionToken<ToReject>),
    /// Leave the request pending and tell a person why.
    Refer(Refer),
    /// Nothing: the request is not pending.
    NoAction(NoAction),
}

/// Why a request needs no action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAction {
    /// The subject is connected.
    Live,
    /// The consumer deleted the request, or it was rejected.
    Gone,
}

/// Marks a token to accept.
#[derive(Debug)]
pub enum ToAccept {}

/// Marks a token to reject.
#[derive(Debug)]
pub enum ToReject {}

/// Permission for one act on one connection. It cannot be copied: each decision is carried out at most once.
#[derive(Debug)]
pub struct ActionToken<Act> {
    service: ServiceId,
    subject: Subject,
    act: PhantomData<Act>,
}

impl<Act> ActionToken<Act> {
    pub(super) fn mint(facts: &Facts) -> Self {
        Self { service: facts.connection.service.clone(), subject: facts.connection.subject.clone(), act: PhantomData }
    }

    /// The service.
    #[must_use]
    pub fn service(&self) -> &ServiceId {
        &self.service
    }

    /// The subject of the connection.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }
}
