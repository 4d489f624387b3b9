//! The audit's judgement of an inventory. Pure.

pub mod admission_order;
pub mod coverage;
pub mod diff;
pub mod findings;
pub mod permission_diff;
pub mod thresholds;
