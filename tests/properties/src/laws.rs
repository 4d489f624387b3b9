//! The laws. Each holds for the real warden, and catches some [mutants](crate::mutants).

mod acts;
mod fairness;
mod idempotence;
mod narrowing;
mod recovery;
mod silence;

use std::cell::Cell;

use proptest::{
    strategy::Strategy,
    test_runner::{TestCaseError, TestError, TestRunner},
};

pub use acts::{acts_are_recorded_once, caps_are_kept, partial_success, people_are_heeded, safety};
pub use fairness::fairness;
pub use idempotence::idempotence;
pub use narrowing::forbid_only_narrows;
pub use recovery::nothing_is_lost;
pub use silence::silence;

use crate::mutants::Flaw;

/// Runs scenarios against a warden. An error explains the violation and shows the scenario.
pub type Law = fn(Option<Flaw>, &mut TestRunner) -> Result<(), String>;

thread_local! {
    static RUNS: Cell<u32> = const { Cell::new(0) };
}

/// The number of scenarios that the last law ran.
pub fn runs() -> u32 {
    RUNS.get()
}

fn check<S: Strategy>(runner: &mut TestRunner, scenarios: &S, holds: impl Fn(S::Value) -> Result<(), String>) -> Result<(), String> {
    let explained = |error| match error {
        TestError::Fail(why, scenario) => format!("{why}\n{scenario:#?}"),
        TestError::Abort(why) => why.to_string(),
    };
    RUNS.set(0);
    let holds = |scenario| {
        RUNS.set(RUNS.get() + 1);
        holds(scenario).map_err(TestCaseError::fail)
    };
    runner.run(scenarios, holds).map_err(explained)
}

fn none(violations: Vec<String>) -> Result<(), String> {
    if violations.is_empty() { Ok(()) } else { Err(violations.join("\n")) }
}
