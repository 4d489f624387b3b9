//! How a command ends: 0 fine, 1 findings or differences, 2 usage, 3 AWS or I/O trouble.

use std::{error::Error, fmt};

use aws_credential_types::provider::error::CredentialsError;
use warden::{
    gather::policy_reload::PolicyReadError,
    model::ids::IdError,
    policy::{PolicyErrors, Problem},
    ports::CallError,
};

/// A command that came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    /// Nothing to look at.
    Fine,
    /// Findings, differences, problems in what was checked: code 1.
    Differences,
}

/// A command that did not.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was asked for makes no sense: code 2.
    Usage(String),
    /// The policy set is refused: code 1.
    Policy(PolicyErrors),
    /// The set's own tests cannot be read: code 1.
    Cases(Box<Problem>),
    /// The user was asked and said no: code 1.
    Declined,
    /// A call to AWS: code 3.
    Call(CallError),
    /// A file, a terminal: code 3.
    Trouble(String),
}

impl Failure {
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Policy(_) | Self::Cases(_) | Self::Declined => 1,
            Self::Usage(_) => 2,
            Self::Call(_) | Self::Trouble(_) => 3,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(what) | Self::Trouble(what) => write!(f, "warden: {what}"),
            Self::Policy(errors) => write!(f, "{}", crate::policy::shown(errors)),
            Self::Cases(problem) => write!(f, "warden: the set's own tests cannot be read:\n\n{}", crate::policy::excerpt(problem)),
            Self::Declined => write!(f, "warden: left as it is"),
            Self::Call(error) => write!(f, "warden: {}", told(error)),
        }
    }
}

/// A call that failed, in AWS's words, and what to do about it.
pub(crate) fn told(error: &CallError) -> String {
    let advice = advice(error).map(|advice| format!(". {advice}")).unwrap_or_default();
    format!("{error}: {}{advice}", error.message.trim_end_matches('.'))
}

/// What to do about a call that failed, where that is known.
pub(crate) fn advice(error: &CallError) -> Option<&'static str> {
    let Some(code) = error.code.as_deref() else {
        return Some(if lacks_credentials(error) {
            "There are no usable credentials: sign in, or check --profile and AWS_PROFILE"
        } else {
            "AWS was not reached: check the network, --region and --endpoint-url"
        });
    };
    match (code, error.call) {
        ("UnauthorizedOperation" | "AccessDeniedException" | "AccessDenied" | "AuthorizationError", _) => {
            Some("Your role lacks this permission")
        }
        ("ExpiredToken" | "ExpiredTokenException" | "RequestExpired", _) => Some("Your credentials have expired: sign in again"),
        ("AuthFailure" | "UnrecognizedClientException" | "InvalidClientTokenId", _) => {
            Some("AWS does not know these credentials: check --profile")
        }
        ("ResourceNotFoundException", _) => Some("There is no such table in this Region: check --ledger and --region"),
        ("NotFound" | "NotFoundException", "GetTopicAttributes") => Some("There is no such topic: check --topic and --region"),
        _ => None,
    }
}

/// Nobody signed in, or the profile is not there: the call never left.
fn lacks_credentials(error: &CallError) -> bool {
    let mut beneath: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(one) = beneath {
        if one.is::<CredentialsError>() {
            return true;
        }
        beneath = one.source();
    }
    false
}

impl From<PolicyErrors> for Failure {
    fn from(errors: PolicyErrors) -> Self {
        Self::Policy(errors)
    }
}

impl From<PolicyReadError> for Failure {
    fn from(error: PolicyReadError) -> Self {
        match error {
            PolicyReadError::Refused(errors) => Self::Policy(errors),
            PolicyReadError::Read { place, source } => {
                let missing = matches!(source.code.as_deref(), Some("NoSuchKey" | "NoSuchBucket"));
                Self::Trouble(if missing {
                    format!("{place} could not be read: {source}: is there a set? `warden policy publish` puts one there")
                } else {
                    format!("{place} could not be read: {}", told(&source))
                })
            }
            other @ PolicyReadError::Bundle { .. } => Self::Trouble(warden::ports::chain(&other)),
        }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Trouble(error.to_string())
    }
}

impl From<IdError> for Failure {
    fn from(error: IdError) -> Self {
        Self::Usage(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(source: impl Error + Send + Sync + 'static) -> CallError {
        CallError { call: "GetCallerIdentity", code: None, message: "dispatch failure".to_owned(), source: Some(Box::new(source)) }
    }

    #[test]
    fn who_has_no_credentials_is_not_sent_to_look_at_the_network() {
        let missing = CredentialsError::not_loaded("no profile");
        assert!(told(&failed(failed(missing))).ends_with("check --profile and AWS_PROFILE"));
        assert!(told(&failed(std::io::Error::other("refused"))).contains("AWS was not reached"));
    }
}
