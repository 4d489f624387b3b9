//! Proofs about small policy sets. They need cvc5, or the solver of `CVC5`; without it they are skipped, except in CI.

#![expect(clippy::indexing_slicing, clippy::string_slice, clippy::unwrap_used, reason = "a test ends at the first error")]

mod assumptions;
mod check;
mod compare;
mod decisions;
mod time_limit;

use std::{env, ffi::OsString, time::Duration};

use prove::{Checked, Outcome, Solver, Verdict};
use warden::policy::{GROUPS as GROUPS_FILE, PolicyFile, PolicySet};

const REDIS: &str = include_str!("redis.cedar");
const GROUPS: &str = r#"{"redis-consumers": {"accounts": ["111122223333"]}, "closed": {"accounts": ["000011112222"]}}"#;
const CLOSED: &str = "principal in PrivateLink::AccountGroup::\"closed\"";
const ROLE_X: &str = "{ context has requester && context.requester.role == \"arn:aws:iam::111122223333:role/x\" }";

fn set(cedar: &str, groups: &str) -> PolicySet {
    let file = |name: &str, text: &str| PolicyFile { name: name.to_owned(), text: text.to_owned() };
    PolicySet::load(&[file("p.cedar", cedar)], Some(&file(GROUPS_FILE, groups))).unwrap()
}

/// A permit to accept.
fn accept(id: &str, principal: &str, condition: &str) -> String {
    format!("@id(\"{id}\") permit ({principal}, action == PrivateLink::Action::\"Accept\", resource) {condition};\n")
}

/// Runs with a solver. Returns `None` if there is no such program.
fn with<T>(program: OsString, time_limit: Duration, run: impl AsyncFnOnce(&mut Solver) -> T) -> Option<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { Some(run(&mut Solver::start(program, time_limit)?).await) })
}

fn with_cvc5<T>(run: impl AsyncFnOnce(&mut Solver) -> T) -> Option<T> {
    let result = with(env::var_os("CVC5").unwrap_or_else(|| "cvc5".into()), Duration::from_secs(120), run);
    if result.is_none() {
        assert!(env::var_os("CI").is_none(), "cvc5 is not installed");
        eprintln!("SKIPPED: cvc5 is not installed");
    }
    result
}

fn compare(old: &PolicySet, new: &PolicySet) -> Option<Vec<Verdict>> {
    with_cvc5(async |solver| prove::compare(old, new, solver).await)
}

fn check(set: &PolicySet) -> Option<Checked> {
    with_cvc5(async |solver| prove::check(set, solver, || ()).await)
}

fn is_proved(verdicts: &[Verdict]) -> bool {
    verdicts.iter().all(|verdict| verdict.outcome == Outcome::Proved)
}

/// The refutations, in one text.
fn refutations(verdicts: &[Verdict]) -> String {
    let refuted = verdicts.iter().filter_map(|verdict| match &verdict.outcome {
        Outcome::Refuted(why) => Some(why.as_str()),
        Outcome::Proved | Outcome::Undecided(_) => None,
    });
    refuted.collect::<Vec<_>>().join("\n")
}

fn assert_proved(old: &PolicySet, new: &PolicySet) {
    let Some(verdicts) = compare(old, new) else { return };
    assert!(is_proved(&verdicts), "{verdicts:?}");
}

/// Asserts that the new set accepts more, and that the counterexample contains these words.
fn assert_wider(old: &PolicySet, new: &PolicySet, words: &[&str]) {
    let Some(verdicts) = compare(old, new) else { return };
    let refutations = refutations(&verdicts);
    assert!(refutations.contains("would newly accept"), "{verdicts:?}");
    for word in words {
        assert!(refutations.contains(word), "`{word}` is not in: {refutations}");
    }
}

/// The policies that can fail, those that cannot match, and those without effect.
fn refuted(checked: &Checked) -> [Vec<&str>; 3] {
    checked.tallies.each_ref().map(prove::Tally::refuted)
}

/// Asserts which claims are refuted for which policies.
fn assert_refuted(cedar: &str, groups: &str, expected: [&[&str]; 3]) {
    let Some(checked) = check(&set(cedar, groups)) else { return };
    assert_eq!(refuted(&checked), expected.map(<[&str]>::to_vec), "{cedar}{checked:?}");
}
