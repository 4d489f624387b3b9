//! The ways in which a command ends: exit status 0 success, 1 findings, differences or a decision that is not carried out yet,
//! 2 usage error, 3 AWS or I/O error.

use std::{io, path::Path};

use approve::AnswerError;
use warden::{
    aws::TlsRootsError,
    decision::order::OrderError,
    gather::policy_source::PolicyReadError,
    model::ids::IdError,
    policy::{PolicyErrors, Problem},
    ports::{CallError, ReadError, chain},
};

use crate::{call_advice::with_advice, problems};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Exit status 0.
    Clean,
    /// Findings, differences, problems in the checked files, or a decision that is not carried out yet: exit status 1.
    Findings,
}

impl Outcome {
    pub(crate) fn clean_if(condition: bool) -> Self {
        if condition { Self::Clean } else { Self::Findings }
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error("{0}")]
    Usage(String),
    #[error("{}", problems::list(.0))]
    PolicySet(#[from] PolicyErrors),
    #[error("the test cases of the policy set do not load:\n\n{}", problems::excerpt(.0))]
    Cases(Box<Problem>),
    #[error("canceled, nothing is changed")]
    Declined,
    #[error("{}", with_advice(.0))]
    Call(#[from] CallError),
    /// An id in the configuration or in an answer of AWS.
    #[error(transparent)]
    Id(#[from] IdError),
    /// `AWS_CA_BUNDLE` names a bundle that cannot be used.
    #[error("{}", chain(.0))]
    TlsRoots(#[from] TlsRootsError),
    /// A file, a terminal or EC2 did not do what was asked.
    #[error("{0}")]
    Failed(String),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl CliError {
    pub(crate) fn exit_status(&self) -> u8 {
        match self {
            Self::PolicySet(_) | Self::Cases(_) | Self::Declined => 1,
            Self::Usage(_) | Self::Id(_) | Self::TlsRoots(_) => 2,
            Self::Call(_) | Self::Failed(_) | Self::Io(_) => 3,
        }
    }

    pub(crate) fn at(path: &Path) -> impl Fn(io::Error) -> Self {
        move |error| Self::Failed(format!("{}: {error}", path.display()))
    }
}

impl From<OrderError> for CliError {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::EndInThePast(_) => Self::Usage(error.to_string()),
            OrderError::Unreadable(_) => Self::Failed(error.to_string()),
        }
    }
}

impl From<ReadError> for CliError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Call(error) => Self::Call(error),
            ReadError::State(_) => Self::Failed(chain(&error)),
        }
    }
}

impl From<AnswerError> for CliError {
    fn from(error: AnswerError) -> Self {
        match error {
            AnswerError::Call(error) => Self::Call(error),
            AnswerError::Read(error) => error.into(),
            AnswerError::NotFoundYet(_) => Self::Failed(error.to_string()),
        }
    }
}

impl From<PolicyReadError> for CliError {
    fn from(error: PolicyReadError) -> Self {
        match error {
            PolicyReadError::Refused(errors) => Self::PolicySet(errors),
            PolicyReadError::Read { place, source } => {
                let reason = match source.code.as_deref() {
                    Some("NoSuchKey" | "NoSuchBucket") => format!("{source}: publish a policy set there with `warden policy publish`"),
                    _ => with_advice(&source),
                };
                Self::Failed(format!("cannot read {place}: {reason}"))
            }
            other @ PolicyReadError::Bundle { .. } => Self::Failed(chain(&other)),
        }
    }
}
