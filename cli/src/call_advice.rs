//! Advice on failed calls to AWS.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use warden::ports::CallError;

pub(crate) fn with_advice(error: &CallError) -> String {
    let advice = advice(error).map(|advice| format!(". {advice}")).unwrap_or_default();
    format!("{error}: {}{advice}", error.message.trim_end_matches('.'))
}

pub(crate) fn advice(error: &CallError) -> Option<&'static str> {
    let Some(code) = error.code.as_deref() else {
        return Some(if lacks_credentials(error) {
            "There are no usable credentials: sign in, or check --profile and AWS_PROFILE"
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

/// Returns true if the call was never sent, because no credentials were found.
fn lacks_credentials(error: &CallError) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<CredentialsError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(source: impl Error + Send + Sync + 'static) -> CallError {
        CallError { call: "GetCallerIdentity", code: None, message: "dispatch failure".to_owned(), source: Some(Box::new(source)) }
    }

    #[test]
    fn missing_credentials_are_not_blamed_on_network() {
        let missing = CredentialsError::not_loaded("no profile");
        assert!(with_advice(&failed(failed(missing))).ends_with("check --profile and AWS_PROFILE"));
        assert!(with_advice(&failed(std::io::Error::other("refused"))).contains("AWS was not reached"));
    }
}
