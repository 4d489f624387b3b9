//! `warden explain`: the facts, policies, grants and records behind one connection, and what would change its answer.

mod advice;
mod command;
mod explanation;
mod render;
#[cfg(test)]
mod tests;

pub(crate) use command::explain;
