//! `warden approve`, `reject`, `revoke`, `pause` and `resume`: decisions of a named person.
//!
//! A decision is written to the ledger first (`decide`). Then the same path as in the function `approve` carries it out
//! (`carry_out`). What cannot be carried out at once is left to the warden.

mod approve;
mod carry_out;
mod decide;
mod hold;
mod outcome;
mod reject;
mod revoke;
mod revoked;

pub(crate) use approve::approve;
pub(crate) use decide::decide_all;
pub(crate) use hold::{pause, resume};
pub(crate) use reject::reject;
pub(crate) use revoke::revoke;
