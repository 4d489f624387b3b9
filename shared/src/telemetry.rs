//! Logs and metrics of the functions.

mod logs;
pub mod metrics;
mod panics;

pub use logs::{fatal, start};
