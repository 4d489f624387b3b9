//! `warden policy`: commands on the files of a policy set.

mod check;
mod fmt;
mod test;

pub(crate) use check::check;
pub(crate) use fmt::{fmt, pretty};
pub(crate) use test::{test, test_files};
