//! Logs and metrics of the functions.

mod logs;
pub mod metrics;

pub use logs::{fatal, start};
