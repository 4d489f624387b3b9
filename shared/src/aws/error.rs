//! Converts the SDK's errors to [`CallError`].

use std::{error::Error, io};

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::{
    model::printable::printable,
    ports::{CallError, UnreadableAnswer},
};

/// Characters of a header that an unknown server chose.
const CONTENT_TYPE_CHARACTERS_MAX: usize = 60;

pub(super) fn call_error<E>(call: &'static str, error: SdkError<E, HttpResponse>) -> CallError
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let code = error.code().map(str::to_owned);
    let answer = error.raw_response().filter(|_| code.is_none()).map(|answer| {
        let content = answer.headers().get("content-type").unwrap_or("no content type");
        (answer.status().as_u16(), printable(content, CONTENT_TYPE_CHARACTERS_MAX))
    });
    if let Some((status, content)) = answer {
        let answer = UnreadableAnswer { status, content, source: Box::new(error) };
        return CallError { call, code, message: answer.to_string(), source: Some(Box::new(answer)) };
    }
    let message = error.message().map_or_else(|| transport_message(&error), str::to_owned);
    CallError { call, code, message, source: Some(Box::new(error)) }
}

/// Returns the message of an error without an answer, with the fix if there is one.
fn transport_message(error: &dyn Error) -> String {
    let causes = || std::iter::successors(error.source(), |&cause| cause.source());
    // The error of rustls, wrapped by three libraries, has no public type.
    if let Some(cause) = causes().find(|cause| cause.to_string().contains("invalid peer certificate")) {
        return format!("{cause}: this is not AWS, or a proxy stands before it: set AWS_CA_BUNDLE to the CA's bundle");
    }
    // The outer errors do not say if a name was unknown, a port closed or a file unreadable.
    let cause = causes().find(|cause| cause.is::<io::Error>());
    cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}
