//! `warden approve`, `reject` and `revoke`: decisions of a named person.
//!
//! Each decision names its person, and everything it needs is read before EC2 is asked to act.

mod approve;
mod reject;
mod rejection;
mod revoke;

pub(crate) use approve::approve;
pub(crate) use reject::reject;
pub(crate) use revoke::revoke;
