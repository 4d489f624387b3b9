//! Laws 1, 7, 8 and 10: safety, partial success, caps, and the decisions of people.

use proptest::{prelude::*, test_runner::TestRunner};

use scenarios::Fault;

use super::{check, none};
use crate::{
    generators::{CONCURRENT, duel, race, scenario},
    mutants::Flaw,
    scenario::{Scenario, Step},
    simulation::{Simulation, Violation},
};

/// 1. Each acceptance and each rejection rests on a policy that was evaluated without errors over described facts, or on a
///    recorded person. No connected endpoint is rejected.
pub fn safety(flaw: Option<Flaw>, runner: &mut TestRunner) -> Result<(), String> {
    no_violation(Violation::Safety, flaw, runner)
}

/// 7. Partial success is not success: each act on record happened.
pub fn partial_success(flaw: Option<Flaw>, runner: &mut TestRunner) -> Result<(), String> {
    no_violation(Violation::PartialSuccess, flaw, runner)
}

/// 8. In no order of the steps of two workers do the warden's own acts exceed a cap, though EC2's descriptions are a minute old.
pub fn caps_are_kept(flaw: Option<Flaw>, runner: &mut TestRunner) -> Result<(), String> {
    check(runner, &prop_oneof![4 => duel(), 1 => race_or_any()], |scenario| {
        let scenario = Scenario { steps: scenario.steps.into_iter().map(without_contradiction).collect(), ..scenario };
        let mut simulation = Simulation::new(flaw, &scenario);
        simulation.reads_are_fresh = true;
        simulation.run();
        without(simulation, &[Violation::Cap])
    })
}

/// 10. A decision of a person that is on the ledger before the intent is never overruled, and a hold stops every act.
pub fn people_are_heeded(flaw: Option<Flaw>, runner: &mut TestRunner) -> Result<(), String> {
    check(runner, &race_or_any(), |scenario| {
        let mut simulation = Simulation::new(flaw, &scenario);
        simulation.run();
        without(simulation, &[Violation::Overruled, Violation::Hold])
    })
}

/// 2. An act is on the record once, though two workers meet and EC2's descriptions are a minute old.
pub fn acts_are_recorded_once(flaw: Option<Flaw>, runner: &mut TestRunner) -> Result<(), String> {
    check(runner, &race_or_any(), |scenario| {
        let mut simulation = Simulation::new(flaw, &scenario);
        simulation.reads_are_fresh = true;
        simulation.run();
        without(simulation, &[Violation::Twice])
    })
}

fn race_or_any() -> impl Strategy<Value = Scenario> {
    prop_oneof![3 => race(), 1 => scenario(CONCURRENT)]
}

/// EC2 never says that it did not do what it did: then the warden would have to count what EC2 denies.
fn without_contradiction(step: Step) -> Step {
    match step {
        Step::Fault(call, Fault::Partly { code, named, .. }) => Step::Fault(call, Fault::Partly { code, named, done: 0 }),
        step => step,
    }
}

fn no_violation(of: Violation, flaw: Option<Flaw>, runner: &mut TestRunner) -> Result<(), String> {
    check(runner, &scenario(CONCURRENT), |scenario| {
        let mut simulation = Simulation::new(flaw, &scenario);
        simulation.run();
        without(simulation, &[of])
    })
}

fn without(simulation: Simulation<'_>, unlawful: &[Violation]) -> Result<(), String> {
    let of_law = simulation.violations.into_iter().filter(|(violation, _)| unlawful.contains(violation));
    none(of_law.map(|(_, why)| why).collect())
}
