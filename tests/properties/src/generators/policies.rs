//! Policies of the grammar.

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::{account, service};
use crate::{
    grammar::{Action, Condition, Effect, Policies, Policy, Principal},
    scenario::NAMES,
};

/// A set with small caps: a permit holds below its cap, a forbid from its cap on.
pub fn policies() -> impl Strategy<Value = Policies> {
    let accept = select(vec![Action::Accept; 8]).prop_union(select(vec![Action::Both])).boxed();
    let forbidden = select(vec![Action::Accept, Action::Accept, Action::Both, Action::Reject]).boxed();
    let permit = policy(Effect::Permit, accept, condition(Condition::AccountBelow, Condition::ServiceBelow));
    let reject = policy(Effect::Permit, Just(Action::Reject).boxed(), uncounted());
    let forbid = policy(Effect::Forbid, forbidden, condition(Condition::AccountAtLeast, Condition::ServiceAtLeast));
    // A permit for all, in half of the sets: where little is accepted, little can go wrong.
    let cap = select(vec![Condition::ServiceBelow(1), Condition::AccountBelow(1), Condition::ServiceBelow(2)]);
    let broad = option::weighted(0.4, cap).prop_map(|cap| Policy::about_all(Effect::Permit, Action::Accept, cap.into_iter().collect()));
    // A policy for all about a fact that EC2 may omit, in a third of the sets: in most others, it does not decide.
    let optional = (select(vec![Effect::Permit, Effect::Forbid]), may_be_omitted())
        .prop_map(|(effect, condition)| Policy::about_all(effect, Action::Accept, vec![condition]));
    let others = vec(prop_oneof![6 => permit, 1 => reject, 2 => forbid], 1..=3);
    let for_all = (option::weighted(0.5, broad), option::weighted(0.3, optional));
    (for_all, others, vec(account(), 0..=3)).prop_map(|((broad, optional), others, mut team)| {
        team.sort_unstable();
        team.dedup();
        Policies { policies: broad.into_iter().chain(optional).chain(others).collect(), team }
    })
}

pub fn policy(
    effect: Effect,
    action: BoxedStrategy<Action>,
    condition: impl Strategy<Value = Condition> + Clone,
) -> impl Strategy<Value = Policy> {
    let principal = prop_oneof![
        4 => Just(Principal::Any),
        2 => account().prop_map(Principal::Account),
        2 => Just(Principal::Team),
        3 => (0usize..2).prop_map(Principal::Unit),
    ];
    let when = prop_oneof![3 => Just(Vec::new()), 2 => vec(condition, 1..=2)];
    (action, principal, option::weighted(0.2, service()), when, option::weighted(0.1, uncounted()))
        .prop_map(move |(action, principal, service, when, unless)| Policy { effect, action, principal, service, when, unless })
}

fn condition(account: fn(i64) -> Condition, service: fn(i64) -> Condition) -> impl Strategy<Value = Condition> + Clone {
    prop_oneof![
        4 => uncounted(),
        3 => (1i64..3).prop_map(account),
        3 => (1i64..4).prop_map(service),
        1 => (-1i64..3).prop_map(Condition::FailsAbove),
    ]
}

/// A condition that does not count connections.
fn uncounted() -> impl Strategy<Value = Condition> + Clone {
    prop_oneof![
        3 => select(NAMES.to_vec()).prop_map(Condition::Named),
        2 => (1i64..60).prop_map(Condition::Until),
        1 => (1i64..30).prop_map(Condition::From),
        2 => (0usize..4).prop_map(Condition::Endpoint),
        2 => may_be_omitted(),
        2 => Just(Condition::Role),
    ]
}

fn may_be_omitted() -> impl Strategy<Value = Condition> + Clone {
    select(vec![Condition::SameRegion, Condition::CrossRegion, Condition::Ipv4])
}
