//! The laws that hold whatever happens: over worlds, policies, requests, faults, lost and repeated deliveries, crashes and
//! people's hands. 256 stories each; `make soak` tells 100,000.
//!
//! `generators` makes stories (`story`), `harness` tells them to a warden over the stage, `reference` says what may and must be, from
//! the grammar of the policies and without asking Cedar. `laws` puts these together. `mutants` holds wardens with one rule
//! broken each, and names the law that catches it.
//!
//! A failing story is printed with its seed, which is kept in `proptest-regressions` and told first from then on.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a story ends where it goes wrong")]

mod copy;
mod events;
mod generators;
mod grammar;
mod harness;
mod laws;
mod mutants;
mod ports;
mod reference;
mod shop;
mod story;
mod wardens;

use std::fmt::Write;

use laws::Law;
use proptest::test_runner::{Config, FileFailurePersistence, RngAlgorithm, TestRng, TestRunner};
use wardens::Real;

/// As many stories as `PROPTEST_CASES` says, or 256. Failing ones are told again first.
fn holds(law: Law, regressions: &'static str) {
    let persistence = Box::new(FileFailurePersistence::Direct(regressions));
    let config = Config { failure_persistence: Some(persistence), max_shrink_iters: 20_000, ..Config::default() };
    if let Err(why) = law(&Real, &mut TestRunner::new(config)) {
        panic!("{why}");
    }
}

#[test]
fn nobody_is_connected_who_was_not_let_in() {
    holds(laws::safety, "proptest-regressions/safety.txt");
}

#[test]
fn redelivery_changes_nothing() {
    holds(laws::idempotence, "proptest-regressions/idempotence.txt");
}

#[test]
fn a_forbid_only_narrows_and_an_erroring_policy_accepts_nothing() {
    holds(laws::forbid_only_narrows, "proptest-regressions/forbid_only_narrows.txt");
}

#[test]
fn once_faults_stop_nothing_is_lost() {
    holds(laws::nothing_is_lost, "proptest-regressions/nothing_is_lost.txt");
}

#[test]
fn the_audit_has_nothing_against_what_the_warden_did() {
    holds(laws::silence, "proptest-regressions/silence.txt");
}

#[test]
fn no_bytes_panic_a_handler() {
    holds(laws::totality, "proptest-regressions/totality.txt");
}

#[test]
fn partial_success_is_not_success() {
    holds(laws::partial_success, "proptest-regressions/partial_success.txt");
}

/// So many stories, the same each time.
fn same_stories(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

#[test]
fn every_mutant_is_caught_by_its_law() {
    let (mut table, mut uncaught): (_, Vec<mutants::Flaw>) = (String::new(), Vec::new());
    for (flaw, name, law) in mutants::TABLE {
        let caught = law(&mutants::Broken(*flaw), &mut same_stories(256)).err();
        let how = caught.as_deref().and_then(|why| why.lines().next()).unwrap_or("NOT CAUGHT");
        let how: String = how.chars().take(100).collect();
        writeln!(table, "{name:22} {:30} story {:>3}: {how}", format!("{flaw:?}"), laws::told()).unwrap();
        uncaught.extend(caught.is_none().then_some(flaw));
    }
    println!("{table}");
    assert!(uncaught.is_empty(), "{uncaught:?}\n{table}");
}

#[test]
fn the_copy_that_mutants_are_made_of_keeps_every_law() {
    let laws = [
        laws::safety,
        laws::idempotence,
        laws::forbid_only_narrows,
        laws::nothing_is_lost,
        laws::silence,
        laws::totality,
        laws::partial_success,
    ];
    for law in laws {
        law(&mutants::Sound, &mut same_stories(48)).unwrap();
    }
}
