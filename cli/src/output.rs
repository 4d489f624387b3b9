//! Standard output and standard error.

// First, because its macros replace those of the standard library in the modules below.
#[macro_use]
pub(crate) mod print;
mod rows;

pub(crate) use print::{bar, json, spinner};
pub(crate) use rows::Rows;
