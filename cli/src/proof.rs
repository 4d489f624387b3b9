//! `warden policy check --prove` and `warden policy compare`: proofs, or without a solver what test cases and the ledger
//! show.

mod command;
mod fallback;
#[cfg(feature = "prove")]
mod report;

pub(crate) use command::{check, compare, compare_files};
