//! S3: stores reports, and fetches policy sets.
//!
//! A bucket may be in another Region. S3 then refuses the call and names the Region in a header, which the SDK does not follow. The adapter
//! repeats the call once in that Region, and keeps the Region for later calls.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_config::timeout::TimeoutConfig;
use aws_sdk_s3::{Client, config::Builder, primitives::ByteStream};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};

use crate::aws::{call_metrics::CallMetrics, error::call_error};
use crate::{
    gather::{policy_reload::ReloadingPolicySet, policy_source::PolicyReadError},
    model::ids::Region,
    policy::PolicyUri,
    ports::{CallError, Fetch, Fetched, ReportStore},
};

/// Seconds of one attempt. A large report has tens of megabytes, so it takes longer than other calls.
const ATTEMPT_SECONDS_MAX: u64 = 40;
/// Bytes of a fetched object: twice a policy set with groups and cases of the largest size. A larger one could fill the function's
/// memory before `policy/size_limits.rs` refuses it.
const OBJECT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The header with the bucket's Region.
const BUCKET_REGION: &str = "x-amz-bucket-region";

/// A bucket.
#[derive(Debug, Clone)]
pub struct Bucket {
    client: Client,
    name: String,
    /// The client's Region at first, then the one that S3 named last.
    region: Arc<Mutex<Option<aws_config::Region>>>,
}

impl Bucket {
    /// Makes a client for a bucket.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, name: String) -> Self {
        let region = config.region().cloned();
        // Path style with a custom endpoint: an emulator or a private endpoint has no host name for each bucket.
        let path_style = config.endpoint_url().is_some();
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(Duration::from_secs(ATTEMPT_SECONDS_MAX))
            .operation_timeout(Duration::from_secs(2 * ATTEMPT_SECONDS_MAX))
            .build();
        let config = Builder::from(config).force_path_style(path_style).timeout_config(timeouts).interceptor(CallMetrics);
        let config = config.build();
        Self { client: Client::from_conf(config), name, region: Arc::new(Mutex::new(region)) }
    }

    /// Makes a call, and repeats it once in the bucket's Region if S3 names another one. The call takes that Region as an override.
    async fn call<T, E, F>(&self, call: impl Fn(Builder) -> F) -> Result<T, SdkError<E, HttpResponse>>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let known = self.region.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let result = call(in_region(known.clone())).await;
        let found = result.as_ref().err().and_then(region_in);
        if found.is_none() || found == known {
            return result;
        }
        self.region.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&found);
        call(in_region(found)).await
    }
}

fn in_region(region: Option<aws_config::Region>) -> Builder {
    let mut settings = Builder::new();
    settings.set_region(region);
    settings
}

/// Returns the Region that S3 names in the refusal of a call for another Region.
fn region_in<E>(error: &SdkError<E, HttpResponse>) -> Option<aws_config::Region> {
    let response = error.raw_response()?;
    // PermanentRedirect, TemporaryRedirect, AuthorizationHeaderMalformed. Other answers also have the header.
    if !matches!(response.status().as_u16(), 301 | 307 | 400) {
        return None;
    }
    let region: Region = response.headers().get(BUCKET_REGION)?.parse().ok()?;
    Some(aws_config::Region::new(String::from(region)))
}

impl ReportStore for Bucket {
    async fn store(&self, name: &str, content_type: &str, file: &Path) -> Result<(), CallError> {
        const CALL: &str = "PutObject";
        let put = |settings: Builder| async move {
            let body = ByteStream::from_path(file).await.map_err(SdkError::construction_failure)?;
            let put = self.client.put_object().bucket(&self.name).key(name).content_type(content_type).body(body);
            put.customize().config_override(settings).send().await
        };
        self.call(put).await.map(drop).map_err(|error| call_error(CALL, error))
    }

    fn location(&self, name: &str) -> String {
        format!("s3://{}/{name}", self.name)
    }
}

impl Fetch for Bucket {
    async fn fetch(&self, key: &str, unless: Option<&str>) -> Result<Fetched, CallError> {
        const CALL: &str = "GetObject";
        let get = |settings: Builder| {
            let get = self.client.get_object().bucket(&self.name).key(key).set_if_none_match(unless.map(str::to_owned));
            get.customize().config_override(settings).send()
        };
        let answer = match self.call(get).await {
            Ok(answer) => answer,
            // The SDK's model does not have the answer 304, so it is an error without a code.
            Err(error) if error.raw_response().is_some_and(|response| response.status().as_u16() == 304) => return Ok(Fetched::Unchanged),
            Err(error) => return Err(call_error(CALL, error)),
        };
        let etag = answer.e_tag().unwrap_or_default().to_owned();
        let failed = |message: String, source| CallError { call: CALL, code: None, message, source: Some(source) };
        let (mut body, mut bytes) = (answer.body, Vec::new());
        while let Some(chunk) = body.try_next().await.map_err(|error| failed(error.to_string(), Box::new(error)))? {
            if bytes.len() + chunk.len() > OBJECT_BYTES_MAX {
                let message = format!("{key} has more than {OBJECT_BYTES_MAX} bytes: it is not a policy set");
                return Err(CallError { call: CALL, code: None, message, source: None });
            }
            bytes.extend_from_slice(&chunk);
        }
        let text = String::from_utf8(bytes).map_err(|error| failed(format!("{key} is not UTF-8 text"), Box::new(error)))?;
        Ok(Fetched::New { etag, text })
    }
}

/// Makes a client for the bucket of a policy set, if it has one.
#[must_use]
pub fn bucket_of(config: &aws_config::SdkConfig, uri: &PolicyUri) -> Option<Bucket> {
    match uri {
        PolicyUri::Folder(_) => None,
        PolicyUri::Object { bucket, .. } | PolicyUri::Prefix { bucket, .. } => Some(Bucket::new(config, bucket.clone())),
    }
}

/// Loads a policy set for the first time.
///
/// # Errors
/// The set cannot be read or does not load.
pub async fn open(config: &aws_config::SdkConfig, uri: PolicyUri) -> Result<ReloadingPolicySet<Option<Bucket>>, PolicyReadError> {
    let bucket = bucket_of(config, &uri);
    ReloadingPolicySet::open(uri, bucket, jiff::Timestamp::now()).await
}
