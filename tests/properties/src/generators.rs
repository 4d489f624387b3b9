//! Scenarios of every kind: worlds, policies of the grammar, steps, and faults.

mod faults;
mod policies;
mod races;

use proptest::{collection::vec, option, prelude::*, sample::select};

pub use policies::{policies, policy};
pub use races::{duel, race};

use crate::scenario::{
    ACCOUNTS, Delivery, Ending, Forgery, Member, NAMES, NewEndpoint, Omission, PersonAction, Scenario, Service, Step, World,
};

/// The kinds of steps in a scenario.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    steps_max: usize,
    /// Concurrent invocations, stale reads, and facts that EC2 omits later than at the creation.
    concurrent: bool,
    faults: bool,
}

/// Everything.
pub const CONCURRENT: Profile = Profile { steps_max: 36, concurrent: true, faults: true };
/// One invocation after another: no read is stale, and no two invocations accept for the last place.
pub const SEQUENTIAL: Profile = Profile { concurrent: false, ..CONCURRENT };
/// Without faults.
pub const FAULTLESS: Profile = Profile { steps_max: 12, faults: false, ..SEQUENTIAL };

pub fn scenario(profile: Profile) -> impl Strategy<Value = Scenario> {
    (world(), vec(policies(), 1..=3), vec(request(), 1..4), vec(step(profile), 1..profile.steps_max))
        .prop_map(|(world, policies, requests, steps)| Scenario { world, policies, steps: requests.into_iter().chain(steps).collect() })
}

fn world() -> impl Strategy<Value = World> {
    let service = (select(NAMES.to_vec()), rarely(), rarely(), any::<bool>(), rarely()).prop_map(
        |(name, gateway, accepts_all, own_topic, observed)| Service {
            name,
            gateway,
            acceptance_required: !accepts_all,
            own_topic,
            observed,
        },
    );
    (
        vec(service, 1..=3),
        vec(member(), ACCOUNTS.len()),
        prop::bool::weighted(0.25),
        prop::bool::weighted(0.15),
        select(vec![1usize, 1, 2, 3, 5]),
        select(vec![0i64, 0, 0, 45]),
    )
        .prop_map(|(services, members, redis_only, observe, page_size, hidden_seconds)| World {
            services,
            members,
            redis_only,
            observe,
            page_size,
            hidden_seconds,
        })
}

fn rarely() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.1)
}

/// Few accounts and services make most requests, so that requests interact.
fn account() -> impl Strategy<Value = usize> {
    prop_oneof![4 => Just(0usize), 3 => Just(1), 2 => Just(2), 1 => Just(3)]
}

fn service() -> impl Strategy<Value = usize> {
    prop_oneof![5 => Just(0usize), 2 => Just(1), 1 => Just(2)]
}

fn member() -> impl Strategy<Value = Member> {
    prop_oneof![2 => Just(Member::Outside), 4 => (0usize..2).prop_map(Member::Active), 1 => (0usize..2).prop_map(Member::Suspended)]
}

fn request() -> impl Strategy<Value = Step> {
    let omitted = option::weighted(0.3, select(vec![Omission::Region, Omission::AddressType]));
    (account(), service(), rarely(), rarely(), omitted).prop_map(|(account, service, remote, dualstack, omitted)| {
        Step::Request(NewEndpoint { account, service, remote, dualstack, omitted })
    })
}

fn step(profile: Profile) -> BoxedStrategy<Step> {
    let invoke =
        (0usize..2, delivery(), ending(profile)).prop_map(|(environment, event, ending)| Step::Invoke { environment, event, ending });
    let mut steps: Vec<(u32, BoxedStrategy<Step>)> = vec![
        (6, request().boxed()),
        (10, invoke.boxed()),
        (1, ending(profile).prop_map(Step::Audit).boxed()),
        (2, (ending(profile), rarely()).prop_map(|(ending, again)| Step::Notify { ending, again }).boxed()),
        (5, person_action().prop_map(Step::Person).boxed()),
        (1, (0usize..8).prop_map(Step::Delete).boxed()),
        (1, (account(), member()).prop_map(|(account, member)| Step::Reorganize(account, member)).boxed()),
        (1, (service(), 0usize..2).prop_map(|(service, name)| Step::Rename { service, name }).boxed()),
        (3, select(vec![5, 40, 100, 130, 400, 400, 1300]).prop_map(|seconds| Step::Pass { seconds }).boxed()),
    ];
    if profile.faults {
        steps.push((7, faults::fault(profile.concurrent).prop_map(|(call, fault)| Step::Fault(call, fault)).boxed()));
    }
    if profile.concurrent {
        let omission = select(vec![Omission::Owner, Omission::Created, Omission::State, Omission::Region, Omission::AddressType]);
        steps.push((4, (0usize..2, 1usize..6).prop_map(|(environment, awaits)| Step::Continue { environment, awaits }).boxed()));
        steps.push((1, Just(Step::KeepMoment).boxed()));
        steps.push((1, (0usize..8, omission).prop_map(|(n, omission)| Step::Omit(n, omission)).boxed()));
    }
    proptest::strategy::Union::new_weighted(steps).boxed()
}

fn delivery() -> impl Strategy<Value = Delivery> {
    let forgery = prop_oneof![
        12 => Just(Forgery::None),
        2 => account().prop_map(Forgery::Owner),
        1 => account().prop_map(Forgery::Role),
        1 => account().prop_map(Forgery::Envelope),
        1 => any::<bool>().prop_map(|names_service| Forgery::WithoutIds { names_service }),
    ];
    prop_oneof![1 => Just(Delivery::Queued), 2 => Just(Delivery::Sweep), 3 => (0usize..12, forgery).prop_map(|(n, forgery)| Delivery::Sent(n, forgery))]
}

fn ending(profile: Profile) -> BoxedStrategy<Ending> {
    let crash = || (1usize..30).prop_map(Ending::Crashes);
    match (profile.faults, profile.concurrent) {
        (false, _) => Just(Ending::Completes).boxed(),
        (true, false) => prop_oneof![4 => Just(Ending::Completes), 1 => crash()].boxed(),
        (true, true) => prop_oneof![4 => Just(Ending::Completes), 1 => crash(), 2 => (1usize..16).prop_map(Ending::Pauses)].boxed(),
    }
}

fn person_action() -> impl Strategy<Value = PersonAction> {
    let minutes = || option::weighted(0.7, 1i64..8);
    prop_oneof![
        2 => (0usize..8).prop_map(PersonAction::Accept),
        1 => (0usize..8).prop_map(PersonAction::Reject),
        3 => (0usize..4, minutes()).prop_map(|(n, minutes)| PersonAction::GrantEndpoint(n, minutes)),
        2 => (account(), service(), minutes())
            .prop_map(|(account, service, minutes)| PersonAction::GrantAccount { account, service, minutes }),
        1 => (0usize..3).prop_map(PersonAction::Revoke),
        1 => (0usize..8).prop_map(PersonAction::Refuse),
        1 => (0usize..8).prop_map(PersonAction::Disconnect),
        1 => option::weighted(0.6, service()).prop_map(PersonAction::Pause),
        1 => option::weighted(0.6, service()).prop_map(PersonAction::Resume),
        1 => (0usize..3).prop_map(PersonAction::Publish),
    ]
}
