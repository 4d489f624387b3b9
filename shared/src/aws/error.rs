//! Converts the SDK's errors to [`CallError`].

use std::error::Error;

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::ports::CallError;

pub(super) fn call_error<E>(call: &'static str, error: SdkError<E, HttpResponse>) -> CallError
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let code = error.code().map(str::to_owned);
    let message = error.message().map_or_else(|| transport_message(&error), str::to_owned);
    CallError { call, code, message, source: Some(Box::new(error)) }
}

/// Returns the message of an error without an answer, with the fix if there is one.
fn transport_message(error: &dyn Error) -> String {
    // The error of rustls, wrapped by three libraries, has no public type.
    let is_untrusted = |cause: &&dyn Error| cause.to_string().contains("invalid peer certificate");
    let untrusted = std::iter::successors(error.source(), |&cause| cause.source()).find(is_untrusted);
    untrusted.map_or_else(
        || error.to_string(),
        |cause| format!("{cause}: this is not AWS, or a proxy stands before it: set AWS_CA_BUNDLE to the CA's bundle"),
    )
}
