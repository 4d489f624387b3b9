//! A solver at work, one question at a time, and not for ever.

use std::{
    ffi::OsString,
    process::Command,
    time::{Duration, Instant},
};

use cedar_policy_symcc::{CedarSymCompiler, err::Error as SymccError, solver::LocalSolver};

/// Milliseconds that the solver takes for one question at most. What it has not answered then is undecided.
const QUESTION_MS_MAX: u32 = 20_000;

/// Says how to get a solver.
pub(super) const NO_SOLVER: &str = "there is no SMT solver: install cvc5 (Debian: `apt install cvc5`; macOS: `brew install cvc5/cvc5/cvc5`; or a release from https://github.com/cvc5/cvc5), or set CVC5 to where it is";

/// What came of a question.
pub(super) enum Answer<T> {
    Proved,
    Refuted(T),
    /// The solver could not tell, within its time or at all.
    Undecided(String),
}

/// A solver, and until when it may be asked.
pub(super) struct Prover {
    compiler: Option<CedarSymCompiler<LocalSolver>>,
    pub(super) within: Duration,
    end: Instant,
}

impl Prover {
    /// Starts the solver, if there is one.
    pub(super) fn start(within: Duration) -> Option<Self> {
        let there = Command::new(program()).arg("--version").output().is_ok_and(|ran| ran.status.success());
        there.then(|| Self { compiler: compiler(), within, end: Instant::now() + within })
    }

    /// Whether its time is up: then no more questions are made up.
    pub(super) fn is_late(&self) -> bool {
        Instant::now() >= self.end
    }

    /// Why what is left is undecided.
    pub(super) fn late(&self) -> String {
        format!("the time was up after {} s (--within gives more)", self.within.as_secs())
    }

    /// Puts one question. A solver that failed, or that is still at it when the time is up, is replaced.
    pub(super) async fn ask<T>(
        &mut self,
        question: impl AsyncFnOnce(&mut CedarSymCompiler<LocalSolver>) -> Result<Option<T>, SymccError>,
    ) -> Answer<T> {
        if self.is_late() {
            return Answer::Undecided(self.late());
        }
        let Some(compiler) = self.compiler.as_mut() else { return Answer::Undecided("the solver did not start".to_owned()) };
        let left = self.end.saturating_duration_since(Instant::now());
        let why = match tokio::time::timeout(left, question(compiler)).await {
            Ok(Ok(None)) => return Answer::Proved,
            Ok(Ok(Some(counterexample))) => return Answer::Refuted(counterexample),
            Ok(Err(SymccError::SolverUnknown)) => return Answer::Undecided("the solver does not know".to_owned()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => self.late(),
        };
        self.compiler = self::compiler();
        Answer::Undecided(why)
    }
}

fn program() -> OsString {
    std::env::var_os("CVC5").unwrap_or_else(|| "cvc5".into())
}

/// One that ends when nobody waits for it any more.
fn compiler() -> Option<CedarSymCompiler<LocalSolver>> {
    let mut command = tokio::process::Command::new(program());
    command.args(["--lang", "smt"]).arg(format!("--tlimit-per={QUESTION_MS_MAX}")).kill_on_drop(true);
    CedarSymCompiler::new(LocalSolver::from_command(&mut command).ok()?).ok()
}
