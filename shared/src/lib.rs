//! The common crate of privatelink-warden: judges, records and tells connection requests.
//!
//! A module uses only modules that stand before it in this list: [`deadline`], [`model`], [`trigger`], [`policy`],
//! [`decision`], [`ledger`], [`audit`], [`message`], [`ports`], [`gather`], [`config`], `telemetry`, `aws`. All but the last
//! two build without an AWS SDK and without tokio, and none of them reads a clock (but [`deadline`]) or the environment.

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
