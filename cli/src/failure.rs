//! How a command ends: 0 fine, 1 findings or differences, 2 usage, 3 AWS or I/O trouble.

use std::fmt;

use warden::{
    ids::IdError,
    policy::{PolicyErrors, source::SourceError},
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
    /// A call to AWS: code 3.
    Call(CallError),
    /// A file, a terminal: code 3.
    Trouble(String),
}

impl Failure {
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Policy(_) => 1,
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
            Self::Call(error) => write!(f, "warden: {error}: {}{}", error.message.trim_end_matches('.'), advice(error)),
        }
    }
}

/// What to do about a refused call.
fn advice(error: &CallError) -> &'static str {
    match error.code.as_deref() {
        Some("UnauthorizedOperation" | "AccessDeniedException" | "AccessDenied") => ". Your role lacks this permission",
        Some("ExpiredToken" | "ExpiredTokenException" | "RequestExpired") => ". Your credentials have expired: sign in again",
        Some("AuthFailure" | "UnrecognizedClientException" | "InvalidClientTokenId") => {
            ". AWS does not know these credentials: check --profile"
        }
        Some("ResourceNotFoundException") => ". There is no such table in this Region: check --ledger and --region",
        Some(_) => "",
        None => ". AWS was not reached: check the network, --region, --profile and --endpoint-url",
    }
}

impl From<PolicyErrors> for Failure {
    fn from(errors: PolicyErrors) -> Self {
        Self::Policy(errors)
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Refused(errors) => Self::Policy(errors),
            SourceError::Read { place, source } => {
                let missing = matches!(source.code.as_deref(), Some("NoSuchKey" | "NoSuchBucket"));
                let advice = if missing { ": is there a set? `warden policy publish` puts one there" } else { advice(&source) };
                Self::Trouble(format!("{place} could not be read: {source}{advice}"))
            }
            other @ SourceError::Bundle { .. } => Self::Trouble(warden::ports::chain(&other)),
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
