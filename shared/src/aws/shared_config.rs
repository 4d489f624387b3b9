//! The configuration that all clients of a function share.

use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};

use crate::aws::{http_client::http_client, tls_roots::TlsRootsError};

/// Seconds of one attempt. EC2 answers within two; a lost connection must not use up the function's time.
const ATTEMPT_SECONDS_MAX: u64 = 8;
/// Seconds of one call with its retries.
const CALL_SECONDS_MAX: u64 = 20;
/// Attempts of one call. With the SDK's random back-off of up to 1, 2 and 4 seconds, all of them fit into the call's time.
const ATTEMPTS_MAX: u32 = 4;

/// Returns the retry configuration.
///
/// The mode is `standard` and not `adaptive`: EC2 throttles each API call separately, and one client makes all of them. In adaptive
/// mode, a retry also costs more tokens than the bucket of a client with few calls holds (`docs/aws-facts.md`).
#[must_use]
pub fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX)
}

/// Loads the configuration: credentials and Region from the environment, bounded retries and times, the TLS trust store, and the proxy.
///
/// # Errors
/// The trust store cannot be loaded.
pub async fn shared_config(lookup: &dyn Fn(&str) -> Option<String>) -> Result<SdkConfig, TlsRootsError> {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(ATTEMPT_SECONDS_MAX))
        .operation_timeout(Duration::from_secs(CALL_SECONDS_MAX));
    let config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client(lookup)?)
        .retry_config(retries())
        .timeout_config(timeouts.build());
    Ok(config.load().await)
}
