//! Laws 1 and 7: safety, and partial success.

use proptest::test_runner::TestRunner;

use super::{check, none};
use crate::{
    generators::{CONCURRENT, scenario},
    mutants::Flaw,
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

fn no_violation(of: Violation, flaw: Option<Flaw>, runner: &mut TestRunner) -> Result<(), String> {
    check(runner, &scenario(CONCURRENT), |scenario| {
        let mut simulation = Simulation::new(flaw, &scenario);
        simulation.run();
        none(simulation.violations.into_iter().filter(|(violation, _)| *violation == of).map(|(_, why)| why).collect())
    })
}
