//! Scenarios in which two workers and a person meet at one service.

use proptest::{collection::vec, option, prelude::*, sample::select};
use scenarios::Fault;

use crate::{
    grammar::{Action, Condition, Effect, Policies, Policy, Principal},
    scenario::{Call, Delivery, Ending, Forgery, NewEndpoint, PersonAction, Scenario, Step, World},
};

/// A few requests, small caps, and descriptions that are not up to date.
pub fn race() -> impl Strategy<Value = Scenario> {
    (vec(policies(), 2..=3), vec(request(), 1..4), vec(step(), 3..20)).prop_map(|(policies, requests, steps)| Scenario {
        world: World::of_one_service(),
        policies,
        steps: requests.into_iter().chain(steps).collect(),
    })
}

/// Two accounts and one place. The policies change while workers are on their way: each of them wants to accept another request.
pub fn duel() -> impl Strategy<Value = Scenario> {
    let policies = vec![one_place(Principal::Account(1)), one_place(Principal::Account(0))];
    let event = prop_oneof![1 => Just(Delivery::Sweep), 2 => (0usize..4).prop_map(|n| Delivery::Sent(n, Forgery::None))];
    let ending = prop_oneof![(2usize..16).prop_map(Ending::Pauses), Just(Ending::Completes)];
    let invoke = (0usize..2, event, ending).prop_map(|(environment, event, ending)| Step::Invoke { environment, event, ending });
    let step = prop_oneof![
        6 => invoke,
        3 => (0usize..2, 4usize..24).prop_map(|(environment, awaits)| Step::Continue { environment, awaits }),
        4 => (0usize..2).prop_map(|n| Step::Person(PersonAction::Publish(n))),
        2 => stale(),
        2 => Just(Step::Pass { seconds: 5 }),
    ];
    vec(step, 3..12).prop_map(move |steps| Scenario {
        world: World::of_one_service(),
        policies: policies.clone(),
        steps: [request_of(0), Step::KeepMoment, request_of(1)].into_iter().chain(steps).collect(),
    })
}

fn one_place(principal: Principal) -> Policies {
    let permit = Policy::about_all(Effect::Permit, Action::Accept, vec![Condition::ServiceBelow(1)]);
    Policies { policies: vec![Policy { principal, ..permit }], team: Vec::new() }
}

fn policies() -> impl Strategy<Value = Policies> {
    let cap = select(vec![Condition::ServiceBelow(1), Condition::ServiceBelow(1), Condition::AccountBelow(1), Condition::ServiceBelow(2)]);
    let principal = select(vec![Principal::Any, Principal::Any, Principal::Account(0), Principal::Account(1)]);
    let accept = (principal, option::weighted(0.8, cap))
        .prop_map(|(principal, cap)| Policy { principal, ..Policy::about_all(Effect::Permit, Action::Accept, cap.into_iter().collect()) });
    let reject = Just(Policy::about_all(Effect::Permit, Action::Reject, Vec::new()));
    prop_oneof![4 => accept.boxed(), 1 => reject.boxed()].prop_map(|policy| Policies { policies: vec![policy], team: Vec::new() })
}

fn request() -> impl Strategy<Value = Step> {
    (0usize..2).prop_map(request_of)
}

fn request_of(account: usize) -> Step {
    Step::Request(NewEndpoint { account, service: 0, remote: false, dualstack: false, omitted: None })
}

fn invoke() -> impl Strategy<Value = Step> {
    let event = prop_oneof![
        1 => Just(Delivery::Queued),
        2 => Just(Delivery::Sweep),
        4 => (0usize..6).prop_map(|n| Delivery::Sent(n, Forgery::None)),
    ];
    let ending =
        prop_oneof![3 => (1usize..24).prop_map(Ending::Pauses), 1 => Just(Ending::Completes), 1 => (1usize..24).prop_map(Ending::Crashes)];
    (0usize..2, event, ending).prop_map(|(environment, event, ending)| Step::Invoke { environment, event, ending })
}

fn stale() -> impl Strategy<Value = Step> {
    (0usize..4).prop_map(|ago| Step::Fault(Call::Ec2("DescribeVpcEndpointConnections"), Fault::Stale(ago)))
}

fn step() -> impl Strategy<Value = Step> {
    let person = prop_oneof![
        3 => (0usize..4).prop_map(PersonAction::Refuse),
        2 => (0usize..4).prop_map(|n| PersonAction::GrantEndpoint(n, None)),
        1 => (0usize..4).prop_map(PersonAction::Disconnect),
        2 => option::of(Just(0usize)).prop_map(PersonAction::Pause),
        2 => option::of(Just(0usize)).prop_map(PersonAction::Resume),
        2 => (0usize..2).prop_map(PersonAction::Publish),
    ];
    let lost = Step::Fault(Call::Ec2("AcceptVpcEndpointConnections"), Fault::After(""));
    prop_oneof![
        3 => request(),
        8 => invoke(),
        8 => (0usize..2, 1usize..6).prop_map(|(environment, awaits)| Step::Continue { environment, awaits }),
        4 => person.prop_map(Step::Person),
        2 => Just(Step::KeepMoment),
        3 => stale(),
        1 => Just(lost),
        1 => (0usize..4).prop_map(Step::Delete),
        3 => select(vec![5, 5, 70]).prop_map(|seconds| Step::Pass { seconds }),
    ]
}
