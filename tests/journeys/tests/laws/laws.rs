//! The seven laws of the house, each over any warden: the real one keeps them, a broken one is caught by them.

mod idempotence;
mod lost;
mod narrowing;
mod silence;
mod totality;

use std::cell::Cell;

use proptest::{
    strategy::Strategy,
    test_runner::{TestCaseError, TestError, TestRunner},
};

pub use idempotence::idempotence;
pub use lost::nothing_is_lost;
pub use narrowing::forbid_only_narrows;
pub use silence::silence;
pub use totality::totality;

use crate::{
    generators::{WILD, story},
    harness::{Breach, House},
    wardens::Warden,
};

/// A law is tried on a warden. What breaks it is told in words, with the story that does.
pub type Law = fn(&dyn Warden, &mut TestRunner) -> Result<(), String>;

fn on<S: Strategy>(runner: &mut TestRunner, stories: &S, holds: impl Fn(S::Value) -> Result<(), String>) -> Result<(), String> {
    let told = |error| match error {
        TestError::Fail(why, story) => format!("{why}\n{story:#?}"),
        TestError::Abort(why) => why.to_string(),
    };
    TOLD.set(0);
    let holds = |story| {
        TOLD.set(TOLD.get() + 1);
        holds(story).map_err(TestCaseError::fail)
    };
    runner.run(stories, holds).map_err(told)
}

thread_local! {
    static TOLD: Cell<u32> = const { Cell::new(0) };
}

/// How many stories the last law took.
pub fn told() -> u32 {
    TOLD.get()
}

/// 1. Every accepted connection was allowed, with no evaluation error, by a policy on the facts that were described, or by a
///    recorded person. The same for rejections, and nobody who is connected is cut off.
pub fn safety(warden: &dyn Warden, runner: &mut TestRunner) -> Result<(), String> {
    on(runner, &story(WILD), |story| {
        let mut house = House::new(warden, &story);
        house.play();
        none(house.breaches.iter().filter_map(|breach| if let Breach::Safety(what) = breach { Some(what.clone()) } else { None }))
    })
}

/// 7. Partial success is not success: what is on the record as done was done.
pub fn partial_success(warden: &dyn Warden, runner: &mut TestRunner) -> Result<(), String> {
    on(runner, &story(WILD), |story| {
        let mut house = House::new(warden, &story);
        house.play();
        none(house.breaches.iter().filter_map(|breach| if let Breach::Partial(what) = breach { Some(what.clone()) } else { None }))
    })
}

fn none(breaches: impl Iterator<Item = String>) -> Result<(), String> {
    let all: Vec<String> = breaches.collect();
    if all.is_empty() { Ok(()) } else { Err(all.join("\n")) }
}
