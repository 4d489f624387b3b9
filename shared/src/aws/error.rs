//! The SDK's errors as [`CallError`]s.

#[cfg(all(not(feature = "ec2"), feature = "dynamodb"))]
use aws_sdk_dynamodb::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};
#[cfg(feature = "ec2")]
use aws_sdk_ec2::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};
#[cfg(all(not(feature = "ec2"), not(feature = "dynamodb"), not(feature = "sns"), feature = "s3"))]
use aws_sdk_s3::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};
#[cfg(all(not(feature = "ec2"), not(feature = "dynamodb"), feature = "sns"))]
use aws_sdk_sns::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};

use crate::ports::CallError;

/// The SDKs share these types, so one function serves them all, whichever of them is built in.
pub(super) fn call_error<E>(call: &'static str, error: SdkError<E, HttpResponse>) -> CallError
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let code = error.code().map(str::to_owned);
    let message = error.message().map_or_else(|| unanswered(&error), str::to_owned);
    CallError { call, code, message, source: Some(Box::new(error)) }
}

/// Why no answer came, where there is something to do about it.
fn unanswered(error: &dyn std::error::Error) -> String {
    let mut source = error.source();
    while let Some(cause) = source {
        // Wrapped in errors of three libraries; the words are rustls's.
        if cause.to_string().contains("invalid peer certificate") {
            return format!("{cause}: this is not AWS, or a proxy stands before it: then name the CA's bundle in AWS_CA_BUNDLE");
        }
        source = cause.source();
    }
    error.to_string()
}
