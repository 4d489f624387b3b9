//! Proofs about policy sets, by Cedar's symbolic compiler and an SMT solver: they hold for every request from today on,
//! not only for those in test cases.
//!
//! The warden accepts less than Cedar allows. It accepts nothing that the set also allows to reject, nothing that an
//! unknown fact could change, and nothing while a policy fails to evaluate. The first two become `forbid`s of the sets that
//! are compared (`effective`); the third is a proof of its own (`failure`). Requests that the schema allows and that
//! never occur are excluded (`assumptions`).

mod assumptions;
mod check;
mod compare;
mod counterexample;
mod effective;
mod environment;
mod failure;
mod groups;
mod solver;
mod verdict;

pub use check::{Checked, check};
pub use compare::{compare, lost};
pub use solver::{Solver, Undecided};
pub use verdict::{Outcome, Tally, Verdict};
