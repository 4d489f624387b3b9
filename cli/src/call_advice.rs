//! Advice on failed calls to AWS.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use warden::ports::{CallError, UnreadableAnswer};

pub(crate) fn with_advice(error: &CallError) -> String {
    let advice = advice(error).map(|advice| format!(". {advice}")).unwrap_or_default();
    format!("{error}: {}{advice}", error.message.trim_end_matches('.'))
}

pub(crate) fn advice(error: &CallError) -> Option<&'static str> {
    let Some(code) = error.code.as_deref() else {
        return Some(if caused_by::<CredentialsError>(error) {
            "There are no usable credentials: sign in, or check --profile and AWS_PROFILE"
        } else if caused_by::<UnreadableAnswer>(error) {
            "Another server or a proxy answered: check --endpoint-url and the network"
        } else if speaks_no_tls(error) {
            "The server at this address does not speak TLS: check --endpoint-url, which may need http://"
        } else {
            "AWS was not reached: check the network, --region and --endpoint-url"
        });
    };
    match (code, error.call) {
        _ if denies_permission(error) => Some("Your role lacks this permission"),
        ("ExpiredToken" | "ExpiredTokenException" | "RequestExpired", _) => Some("Your credentials have expired: sign in again"),
        ("AuthFailure" | "UnrecognizedClientException" | "InvalidClientTokenId", _) => {
            Some("AWS does not know these credentials: check --profile")
        }
        ("ResourceNotFoundException", _) => Some("There is no such table in this Region: check --ledger and --region"),
        ("NotFound" | "NotFoundException", "GetTopicAttributes") => Some("There is no such topic: check --topic and --region"),
        _ => None,
    }
}

pub(crate) fn denies_permission(error: &CallError) -> bool {
    matches!(error.code.as_deref(), Some("UnauthorizedOperation" | "AccessDeniedException" | "AccessDenied" | "AuthorizationError"))
}

/// rustls says so of an answer that is no TLS record.
fn speaks_no_tls(error: &CallError) -> bool {
    let first: &(dyn Error + 'static) = error;
    let causes = std::iter::successors(Some(first), |&cause| cause.source());
    error.message.contains("InvalidContentType") || causes.into_iter().any(|cause| cause.to_string().contains("InvalidContentType"))
}

fn caused_by<E: Error + 'static>(error: &CallError) -> bool {
    let first: &(dyn Error + 'static) = error;
    std::iter::successors(Some(first), |&cause| cause.source()).any(|cause| cause.is::<E>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(source: impl Error + Send + Sync + 'static) -> CallError {
        CallError { call: "GetCallerIdentity", code: None, message: "dispatch failure".to_owned(), source: Some(Box::new(source)) }
    }

    #[test]
    fn other_server_is_not_a_lost_connection() {
        let source = Box::new(std::io::Error::other("not XML"));
        let answer = UnreadableAnswer { status: 404, content: "text/html".to_owned(), source };
        let advice = with_advice(&failed(answer));
        assert!(!advice.contains("AWS was not reached") && advice.contains("Another server"), "{advice}");
    }

    #[test]
    fn plain_server_is_not_a_lost_connection() {
        let advice = with_advice(&failed(std::io::Error::other("received corrupt message of type InvalidContentType")));
        assert!(!advice.contains("AWS was not reached") && advice.contains("http://"), "{advice}");
    }

    #[test]
    fn missing_credentials_are_not_blamed_on_network() {
        let missing = CredentialsError::not_loaded("no profile");
        assert!(with_advice(&failed(failed(missing))).ends_with("check --profile and AWS_PROFILE"));
        assert!(with_advice(&failed(std::io::Error::other("refused"))).contains("AWS was not reached"));
    }
}
