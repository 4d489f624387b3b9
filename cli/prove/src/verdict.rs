//! The results of proofs.

use crate::solver::Undecided;

/// A claim, and what came of its proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The claim, as a clause.
    pub claim: String,
    /// What came of its proof.
    pub outcome: Outcome,
}

/// What came of a proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The claim holds for every request.
    Proved,
    /// The claim does not hold; the sentence says why.
    Refuted(String),
    /// There is no answer.
    Undecided(Undecided),
}

impl From<Result<Option<String>, Undecided>> for Outcome {
    fn from(counterexample: Result<Option<String>, Undecided>) -> Self {
        counterexample.map_or_else(Self::Undecided, |found| found.map_or(Self::Proved, Self::Refuted))
    }
}

/// The same claim about each of several policies.
#[derive(Debug)]
pub struct Tally {
    /// The claim about all of them, such as `permits can match`, and about one of them, such as `can match`.
    pub claim: [&'static str; 2],
    /// The number of policies.
    pub of: usize,
    /// The ids of policies, and what came of their proofs.
    pub outcomes: Vec<(String, Outcome)>,
    /// The reason why policies are missing.
    pub stopped: Option<Undecided>,
}

impl Tally {
    /// The number of proofs that succeeded.
    #[must_use]
    pub fn proved(&self) -> usize {
        self.outcomes.iter().filter(|(_, outcome)| *outcome == Outcome::Proved).count()
    }

    /// The policies for which the claim is refuted.
    #[must_use]
    pub fn refuted(&self) -> Vec<&str> {
        let refuted = self.outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Refuted(_)));
        refuted.map(|(id, _)| id.as_str()).collect()
    }

    /// One verdict for each policy, and one for all that are missing.
    pub fn verdicts(&self) -> impl Iterator<Item = Verdict> {
        let [of_all, of_one] = self.claim;
        let reached = self.outcomes.iter().map(move |(id, outcome)| (format!("`{id}` {of_one}"), outcome.clone()));
        let missing = self.stopped.iter().map(move |why| (format!("the remaining {of_all}"), Outcome::Undecided(why.clone())));
        reached.chain(missing).map(|(claim, outcome)| Verdict { claim, outcome })
    }
}
