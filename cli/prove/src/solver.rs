//! A solver, which is asked one question at a time and within a time limit.

use std::{
    ffi::OsString,
    process::Command,
    time::{Duration, Instant},
};

use cedar_policy_symcc::{CedarSymCompiler, err::Error as SymccError, solver::LocalSolver};

/// The time limit of one question, in milliseconds. It leaves time for others if one is too hard.
const QUESTION_MS_MAX: u32 = 20_000;

type Compiler = CedarSymCompiler<LocalSolver>;

/// The reason why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Undecided(String);

impl Undecided {
    pub(crate) const INEXPRESSIBLE: &str = "a policy reads `action` in a condition, or the solver cannot express it";
    pub(crate) const INEXACT: &str = "there are too many groups to state exactly which accounts are in which";
}

impl From<&str> for Undecided {
    fn from(why: &str) -> Self {
        Self(why.to_owned())
    }
}

impl From<SymccError> for Undecided {
    fn from(error: SymccError) -> Self {
        Self(match error {
            SymccError::SolverUnknown => "the solver found no answer".to_owned(),
            error => error.to_string(),
        })
    }
}

/// A running solver.
#[derive(Debug)]
pub struct Solver {
    program: OsString,
    compiler: Option<Compiler>,
    time_limit: Duration,
    end: Instant,
}

impl Solver {
    /// Starts the solver `program`, a cvc5. Returns `None` if there is no such program. The time limit holds for all
    /// questions together.
    #[must_use]
    pub fn start(program: OsString, time_limit: Duration) -> Option<Self> {
        let found = Command::new(&program).arg("--version").output().is_ok_and(|output| output.status.success());
        found.then(|| Self { compiler: launch(&program), program, time_limit, end: Instant::now() + time_limit })
    }

    /// The reason why nothing more is asked, once the time limit is reached.
    #[must_use]
    pub fn timed_out(&self) -> Option<Undecided> {
        (Instant::now() >= self.end).then(|| self.timeout())
    }

    /// Asks one question. Returns its counterexample, or `None` if there is none: then the claim is proved. A solver that
    /// failed or is still at work at the end is replaced.
    pub(crate) async fn ask<T>(
        &mut self,
        question: impl AsyncFnOnce(&mut Compiler) -> Result<Option<T>, SymccError>,
    ) -> Result<Option<T>, Undecided> {
        if let Some(timeout) = self.timed_out() {
            return Err(timeout);
        }
        let compiler = self.compiler.as_mut().ok_or("the solver did not start")?;
        let left = self.end.saturating_duration_since(Instant::now());
        let why = match tokio::time::timeout(left, question(compiler)).await {
            Ok(Ok(counterexample)) => return Ok(counterexample),
            Ok(Err(error @ SymccError::SolverUnknown)) => return Err(error.into()),
            Ok(Err(error)) => error.into(),
            Err(_) => self.timeout(),
        };
        self.compiler = launch(&self.program);
        Err(why)
    }

    fn timeout(&self) -> Undecided {
        Undecided(format!("the time limit of {} s is reached", self.time_limit.as_secs()))
    }
}

/// Launches a solver that ends when it is dropped.
fn launch(program: &OsString) -> Option<Compiler> {
    let mut command = tokio::process::Command::new(program);
    command.args(["--lang", "smt"]).arg(format!("--tlimit-per={QUESTION_MS_MAX}")).kill_on_drop(true);
    CedarSymCompiler::new(LocalSolver::from_command(&mut command).ok()?).ok()
}
