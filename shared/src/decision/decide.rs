//! Decides one request by the policy set and by what people decided.

use crate::{
    decision::{
        action::{Action, ActionToken, Decision, Grounds, NoAction, ToReject},
        grant::Grant,
        people::{PersonDecisions, Refusal},
    },
    model::{connection::Phase, facts::Facts},
    policy::{
        PolicySet, UnknownFact,
        evaluation::{Evaluation, Refer, evaluate},
    },
};

/// Mints the token of a person's refusal. Returns `None` if the refusal has no name or no reason.
#[must_use]
pub fn refuse(refusal: &Refusal, facts: &Facts) -> Option<ActionToken<ToReject>> {
    let named = !refusal.by.trim().is_empty() && !refusal.reason.trim().is_empty();
    named.then(|| ActionToken::mint(facts))
}

/// Decides one request by everything that people decided about the service, and by the policy set.
///
/// The latest decision of a person wins. While a decision cannot be read, it may be a grant: nothing is rejected then, and
/// only the policy set accepts.
#[must_use]
pub fn decide_with_people(policy: &PolicySet, facts: &Facts, people: &PersonDecisions) -> Decision {
    let phase = facts.connection.state.phase();
    let applies = |refusal: &&Refusal| phase == Phase::Waiting || (phase == Phase::Live && refusal.disconnects);
    let refusal = people.refusal(&facts.connection, facts.now).filter(applies);
    let unreadable = || Refer::UnreadableDecision { items: people.unreadable.clone() };
    if refusal.is_some() && !people.unreadable.is_empty() {
        return if phase == Phase::Live { no_action(NoAction::Live) } else { refer(unreadable()) };
    }
    // Only an order that was shown the established connections ends them.
    let in_part = facts.connection.connected_in_part;
    if refusal.is_some_and(|refusal| in_part && !refusal.disconnects) {
        return refer(Refer::ConnectedInPart);
    }
    if let Some((refusal, token)) = refusal.and_then(|refusal| Some((refusal, refuse(refusal, facts)?))) {
        let grounds = Grounds { refusal: Some(refusal.clone()), ..Grounds::default() };
        return Decision { action: Action::Reject(token), grounds };
    }
    let decision = decide(policy, facts, &people.grants);
    match decision.action {
        Action::Reject(_) | Action::Refer(Refer::NoPermit | Refer::Forbidden | Refer::Contradiction) if !people.unreadable.is_empty() => {
            Decision { action: Action::Refer(unreadable()), ..decision }
        }
        _ => decision,
    }
}

/// Decides one request by the policy set, or by a person's grant if the set does not accept it. A grant stands beside the
/// set and not below it: it ends at its own time, or when a person ends it.
#[must_use]
pub fn decide(policy: &PolicySet, facts: &Facts, grants: &[Grant]) -> Decision {
    let phase = facts.connection.state.phase();
    if phase == Phase::Gone {
        return no_action(NoAction::Gone);
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
            (Evaluation::Reject, GrantCoverage::No) if facts.connection.connected_in_part => Action::Refer(Refer::ConnectedInPart),
            (Evaluation::Reject, GrantCoverage::No) => Action::Reject(ActionToken::mint(facts)),
            (Evaluation::Refer(why), GrantCoverage::No) => Action::Refer(why),
        },
        Phase::Live => Action::NoAction(NoAction::Live),
        Phase::Gone => Action::NoAction(NoAction::Gone),
        Phase::Unknown => Action::Refer(Refer::UnknownState { state: facts.connection.state.as_str().to_owned() }),
    };
    Decision { action, grounds: Grounds { judgement: Some(judgement), grant, refusal: None } }
}

/// The grants of a request that the policy set does not accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantCoverage<'a> {
    /// This grant covers the request.
    Holds(&'a Grant),
    /// A grant covers the request, but it is unknown if the account is active.
    Unverified,
    /// No grant covers the request, or the account is not active.
    No,
}

/// Finds the grant that accepts a request: for pending requests, and for those that are said to be pending too long.
#[must_use]
pub fn granted<'a>(policy: &PolicySet, facts: &Facts, grants: &'a [Grant]) -> GrantCoverage<'a> {
    match Grant::covering(grants, &facts.connection, facts.now) {
        None => GrantCoverage::No,
        Some(_) if facts.membership.inactive().is_some() => GrantCoverage::No,
        Some(_) if policy.reads_organization() && !facts.membership.is_known() => GrantCoverage::Unverified,
        Some(grant) => GrantCoverage::Holds(grant),
    }
}

fn no_action(why: NoAction) -> Decision {
    Decision { action: Action::NoAction(why), grounds: Grounds::default() }
}

fn refer(why: Refer) -> Decision {
    Decision { action: Action::Refer(why), grounds: Grounds::default() }
}
