//! The laws, each over 256 scenarios or `PROPTEST_CASES`, and the mutants that they catch.
//!
//! A failure prints the scenario. `proptest-regressions` keeps its seed, which runs first from then on.

use std::fmt::Write;

use properties::{
    laws::{self, Law},
    mutants,
};
use proptest::test_runner::{Config, FileFailurePersistence, RngAlgorithm, TestRng, TestRunner};

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
