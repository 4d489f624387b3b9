//! The common crate of privatelink-warden: how a connection request is judged, recorded and told.
//!
//! The rooms, from the bottom up; each may use those before it and none after it:
//! [`model`] → [`trigger`] → [`policy`] → [`decision`] → [`ledger`] → [`audit`], [`message`] → [`ports`] → [`gather`] →
//! [`config`] → `telemetry` → `aws`. All but the last two build without an AWS crate, tokio, a clock or the environment.

pub mod audit;
pub mod config;
pub mod deadline;
pub mod decision;
pub mod gather;
pub mod ledger;
pub mod message;
pub mod model;
pub mod policy;
pub mod ports;
pub mod trigger;

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "telemetry")]
pub mod telemetry;
