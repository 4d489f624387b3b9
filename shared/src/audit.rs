//! The audit's judgement of the account's services and connections. Pure.
//!
//! Views hold what checks read, and compute once what several checks share: [`connection_view`], [`service_view`],
//! [`usage`]. Each finding has one file in [`findings`]. [`diff`] compares a run's findings with the open ones.

pub mod admission_order;
pub mod connection_view;
pub mod coverage;
pub mod definition;
pub mod diff;
pub mod findings;
pub mod grant_view;
pub mod justification;
pub mod permission_diff;
pub mod service_view;
pub mod text;
pub mod thresholds;
pub mod usage;
