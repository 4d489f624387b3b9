//! The result of one check.

use warden::ports::CallError;

use crate::call_advice::{advice, denies_permission};

pub(super) struct Check {
    pub(super) name: String,
    pub(super) status: Status,
    pub(super) detail: String,
    pub(super) fix: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    Problem,
    /// The check needs what cannot be read.
    Unknown,
}

impl Status {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Problem => "problem",
            Self::Unknown => "unknown",
        }
    }
}

impl Check {
    pub(super) fn ok(name: &str, detail: impl Into<String>) -> Self {
        Self::of(name, Status::Ok, detail, "")
    }

    pub(super) fn problem(name: &str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::of(name, Status::Problem, detail, fix)
    }

    pub(super) fn unknown(name: &str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::of(name, Status::Unknown, detail, fix)
    }

    pub(super) fn unread(name: &str, error: &CallError) -> Self {
        let fix = match advice(error) {
            _ if denies_permission(error) => format!("allow your role {}", error.call),
            advice => advice.unwrap_or("try the call with the `aws` command line").to_owned(),
        };
        Self::unknown(name, format!("{error}: {}", error.message), fix)
    }

    fn of(name: &str, status: Status, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name: name.to_owned(), status, detail: detail.into(), fix: fix.into() }
    }
}
