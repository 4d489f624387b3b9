//! The common crate of privatelink-warden: what a connection request is, how it is judged, what is recorded and told.
//!
//! Read the world → decide → act. Everything here but [`ports`]' adapters in `aws` is pure: no AWS crate, no tokio,
//! no clock, no environment. A request goes through the rooms in this order: [`event`] → [`connection`] → [`facts`] →
//! [`policy`] → [`decision`] → [`record`] → [`notice`].

pub mod cases;
pub mod census;
pub mod config;
pub mod connection;
pub mod deadline;
pub mod decision;
pub mod event;
pub mod facts;
pub mod finding;
pub mod grant;
pub mod ids;
pub mod news;
pub mod notice;
pub mod organization;
pub mod policy;
pub mod ports;
pub mod principal;
pub mod queue;
pub mod record;
pub mod severity;
pub mod stream;
pub mod survey;

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "telemetry")]
pub mod metrics;
#[cfg(feature = "telemetry")]
pub mod telemetry;
