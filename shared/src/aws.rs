//! Adapters: the only files that say `aws_sdk_*`. Each pages to the end and turns what AWS answered into our own types.

mod call_metrics;
mod error;

#[cfg(feature = "diagnostics")]
pub mod diagnostics;
#[cfg(feature = "dynamodb")]
pub mod dynamodb;
#[cfg(feature = "ec2")]
pub mod ec2;
#[cfg(feature = "dynamodb")]
pub mod findings;
#[cfg(feature = "organizations")]
pub mod organizations;
#[cfg(feature = "s3")]
pub mod s3;
#[cfg(feature = "sns")]
pub mod sns;
mod tls_roots;

use std::time::Duration;

pub use aws_config::SdkConfig;
use aws_config::{BehaviorVersion, retry::RetryConfig, timeout::TimeoutConfig};
pub use tls_roots::TrustError;

/// One attempt of one call. EC2 answers within a second or two; a lost connection must not eat the function's time.
const ATTEMPT_SECONDS_MAX: u64 = 8;
/// One call with all its retries. `approve` keeps the end of its time free for two of these and a put.
const CALL_SECONDS_MAX: u64 = 20;
/// `PrivateLink`'s calls are throttled per account and per organization. With the SDK's back-off (up to a second, two and four, each
/// by chance) all of them fit into a call's time.
const ATTEMPTS_MAX: u32 = 4;

/// How often a call is tried, and when again.
///
/// `standard`, not `adaptive`: a client is made for one Region and all of a service's calls, and EC2 throttles each call by itself. And
/// in adaptive mode a retry costs more tokens than the bucket of a client holds that calls seldom, so that it waits for leave until its
/// time is over: see `docs/aws-facts.md`.
#[must_use]
pub fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX)
}

/// What all clients of a function share: credentials and Region from the environment, bounded retries and time, and one
/// opinion of who is AWS.
///
/// # Errors
/// When that opinion cannot be formed.
pub async fn shared_config(lookup: &dyn Fn(&str) -> Option<String>) -> Result<SdkConfig, TrustError> {
    let config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(tls_roots::http_client(lookup)?)
        .retry_config(retries())
        .timeout_config(
            TimeoutConfig::builder()
                .operation_attempt_timeout(Duration::from_secs(ATTEMPT_SECONDS_MAX))
                .operation_timeout(Duration::from_secs(CALL_SECONDS_MAX))
                .build(),
        )
        .load()
        .await;
    Ok(config)
}
