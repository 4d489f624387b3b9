//! Adapters: the only modules that use an AWS SDK. Each reads all pages and converts AWS's answers to the crate's types.

mod call_metrics;
mod error;
mod http_client;
#[cfg(feature = "dynamodb")]
mod items;
mod shared_config;
mod tls_roots;

#[cfg(feature = "diagnostics")]
pub mod deployment;
#[cfg(feature = "diagnostics")]
pub mod diagnostics;
#[cfg(feature = "dynamodb")]
pub mod dynamodb;
#[cfg(feature = "ec2")]
pub mod ec2;
#[cfg(feature = "events")]
pub mod events;
#[cfg(feature = "dynamodb")]
mod findings;
#[cfg(feature = "dynamodb")]
mod history;
#[cfg(feature = "json-calls")]
#[cfg_attr(not(feature = "diagnostics"), expect(dead_code, reason = "the command line makes most of the calls"))]
mod json_calls;
#[cfg(feature = "organizations")]
pub mod organizations;
#[cfg(feature = "dynamodb")]
mod person_ledger;
#[cfg(feature = "diagnostics")]
pub mod rehearsal;
#[cfg(feature = "s3")]
pub mod s3;
#[cfg(feature = "dynamodb")]
pub mod service_ledger;
#[cfg(feature = "diagnostics")]
pub mod service_settings;
#[cfg(feature = "sns")]
pub mod sns;
#[cfg(feature = "sqs")]
pub mod sqs;
#[cfg(feature = "diagnostics")]
pub mod stack;
#[cfg(feature = "dynamodb")]
pub mod told_ledger;

pub use aws_config::SdkConfig;
pub use http_client::bundle_client;
pub use shared_config::{retries, shared_config};
pub use tls_roots::TlsRootsError;
