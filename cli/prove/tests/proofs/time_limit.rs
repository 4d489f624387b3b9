//! Solvers that do not answer.

use std::time::{Duration, Instant};

use prove::{Outcome, Verdict};

use super::{GROUPS, REDIS, set, with};

fn with_solver<T>(name: &str, run: impl AsyncFnOnce(&mut prove::Solver) -> T) -> T {
    let program = format!("{}/tests/solvers/{name}", env!("CARGO_MANIFEST_DIR"));
    with(program.into(), Duration::from_secs(1), run).unwrap()
}

fn all_undecided(verdicts: &[Verdict]) -> bool {
    !verdicts.is_empty() && verdicts.iter().all(|verdict| matches!(verdict.outcome, Outcome::Undecided(_)))
}

#[test]
fn unknown_answers_prove_nothing() {
    let (old, new) = (set(REDIS, GROUPS), set(&REDIS.replace(">= 4", ">= 5"), GROUPS));
    let verdicts = with_solver("clueless", async |solver| prove::compare(&old, &new, solver).await);
    assert!(all_undecided(&verdicts), "{verdicts:?}");
}

#[test]
fn time_limit_ends_all_proofs() {
    let (set, began) = (set(REDIS, GROUPS), Instant::now());
    let checked = with_solver("endless", async |solver| prove::check(&set, solver, || ()).await);
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    for tally in &checked.tallies {
        assert!(all_undecided(&tally.verdicts().collect::<Vec<_>>()) && tally.stopped.is_some(), "{checked:?}");
    }
}
