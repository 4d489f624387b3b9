//! The laws, each over 256 scenarios or `PROPTEST_CASES`, and the mutants that they catch.
//!
//! A failure prints the scenario. `proptest-regressions` keeps its seed, which runs first from then on.

use std::fmt::Write;

use properties::{
    grammar::{Action, Condition, Effect, Policies, Policy, Principal},
    laws::{self, Law},
    mutants,
    scenario::{Call, Delivery, Ending, Forgery, NewEndpoint, PersonAction, Scenario, Step, World},
    simulation::Simulation,
};
use proptest::test_runner::{Config, FileFailurePersistence, RngAlgorithm, TestRng, TestRunner};
use scenarios::Fault;

fn holds(law: Law, regressions: &'static str) {
    let persistence = Box::new(FileFailurePersistence::Direct(regressions));
    let config = Config { failure_persistence: Some(persistence), max_shrink_iters: 20_000, ..Config::default() };
    if let Err(why) = law(None, &mut TestRunner::new(config)) {
        panic!("{why}");
    }
}

#[test]
fn law_1_safety() {
    holds(laws::safety, "proptest-regressions/safety.txt");
}

#[test]
fn law_2_idempotence() {
    holds(laws::idempotence, "proptest-regressions/idempotence.txt");
}

#[test]
fn law_2_acts_are_recorded_once() {
    holds(laws::acts_are_recorded_once, "proptest-regressions/acts_are_recorded_once.txt");
}

#[test]
fn law_3_forbid_only_narrows() {
    holds(laws::forbid_only_narrows, "proptest-regressions/forbid_only_narrows.txt");
}

#[test]
fn law_4_nothing_is_lost() {
    holds(laws::nothing_is_lost, "proptest-regressions/nothing_is_lost.txt");
}

#[test]
fn law_5_silence() {
    holds(laws::silence, "proptest-regressions/silence.txt");
}

#[test]
fn law_7_partial_success() {
    holds(laws::partial_success, "proptest-regressions/partial_success.txt");
}

#[test]
fn law_8_caps() {
    holds(laws::caps_are_kept, "proptest-regressions/caps.txt");
}

/// The older request is in an old description, and the accepted one is not.
#[test]
fn cap_counts_what_ec2_does_not_list_yet() {
    let only = |account| {
        let permit = Policy::about_all(Effect::Permit, Action::Accept, vec![Condition::ServiceBelow(1)]);
        Policies { policies: vec![Policy { principal: Principal::Account(account), ..permit }], team: Vec::new() }
    };
    let request = |account| Step::Request(NewEndpoint { account, service: 0, remote: false, dualstack: false, omitted: None });
    let invoke = |event| Step::Invoke { environment: 0, event, ending: Ending::Completes };
    let steps = vec![
        request(0),
        Step::KeepMoment,
        request(1),
        invoke(Delivery::Sweep),
        Step::Person(PersonAction::Publish(1)),
        Step::Pass { seconds: 5 },
        Step::Fault(Call::Ec2("DescribeVpcEndpointConnections"), Fault::Stale(0)),
        invoke(Delivery::Sent(3, Forgery::None)),
    ];
    let scenario = Scenario { world: World::of_one_service(), policies: vec![only(1), only(0)], steps };
    for (flaw, connected) in [(None, 1), (Some(mutants::Flaw::ForgetsRecentActs), 2)] {
        let mut simulation = Simulation::new(flaw, &scenario);
        simulation.run();
        assert_eq!(simulation.violations.is_empty(), flaw.is_none(), "{:?}", simulation.violations);
        assert_eq!(simulation.requests.iter().filter(|request| request.is_live()).count(), connected);
    }
}

#[test]
fn law_9_fairness() {
    holds(laws::fairness, "proptest-regressions/fairness.txt");
}

#[test]
fn law_10_decisions_of_people() {
    holds(laws::people_are_heeded, "proptest-regressions/people.txt");
}

#[test]
fn mutants_are_caught_by_their_laws() {
    let (mut table, mut missed): (_, Vec<mutants::Flaw>) = (String::new(), Vec::new());
    for (flaw, name, law) in mutants::TABLE {
        // The same scenarios in each run, and enough for mutants that only rare scenarios reveal.
        let config = Config { cases: 1024, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
        let caught = law(Some(*flaw), &mut runner).err();
        let how: String = caught.as_deref().and_then(|why| why.lines().next()).unwrap_or("MISSED").chars().take(100).collect();
        writeln!(table, "{name:22} {:26} scenario {:>3}: {how}", format!("{flaw:?}"), laws::runs()).unwrap();
        missed.extend(caught.is_none().then_some(flaw));
    }
    println!("{table}");
    assert!(missed.is_empty(), "{missed:?}\n{table}");
}
