//! S3: where reports are kept.

use std::{path::Path, time::Duration};

use aws_config::timeout::TimeoutConfig;
use aws_sdk_s3::{Client, primitives::ByteStream};

use super::{error::call_error, meter::Meter};
use crate::ports::{CallError, Keep};

/// One attempt to keep one file. A report on many connections has some tens of megabytes: longer than other calls.
const ATTEMPT_SECONDS_MAX: u64 = 40;

/// A bucket.
#[derive(Debug, Clone)]
pub struct Bucket {
    client: Client,
    name: String,
}

impl Bucket {
    /// A bucket by its name.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, name: String) -> Self {
        // Path style, where an endpoint is set by hand: an emulator or a private endpoint has no name per bucket.
        let path_style = config.endpoint_url().is_some();
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(Duration::from_secs(ATTEMPT_SECONDS_MAX))
            .operation_timeout(Duration::from_secs(2 * ATTEMPT_SECONDS_MAX))
            .build();
        let config = aws_sdk_s3::config::Builder::from(config).force_path_style(path_style).timeout_config(timeouts).interceptor(Meter);
        let config = config.build();
        Self { client: Client::from_conf(config), name }
    }
}

impl Keep for Bucket {
    async fn keep(&self, name: &str, content_type: &str, file: &Path) -> Result<(), CallError> {
        const CALL: &str = "PutObject";
        let body = ByteStream::from_path(file).await.map_err(|error| CallError {
            call: CALL,
            code: None,
            message: error.to_string(),
            source: Some(Box::new(error)),
        })?;
        let put = self.client.put_object().bucket(&self.name).key(name).content_type(content_type).body(body);
        put.send().await.map(drop).map_err(|error| call_error(CALL, error))
    }

    fn place(&self, name: &str) -> String {
        format!("s3://{}/{name}", self.name)
    }
}
