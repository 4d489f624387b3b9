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
    /// The server, which is not AWS, does not answer the call, or there is nothing to judge yet.
    NotChecked,
}

/// Errors of a server that plays AWS and does not know a call.
const NOT_IMPLEMENTED: [&str; 5] =
    ["InvalidAction", "NotImplemented", "UnknownOperation", "UnknownOperationException", "UnsupportedOperation"];

impl Status {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Problem => "problem",
            Self::Unknown => "unknown",
            Self::NotChecked => "not checked",
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

    pub(super) fn not_checked(name: &str, detail: impl Into<String>) -> Self {
        Self::of(name, Status::NotChecked, detail, "")
    }

    pub(super) fn unread(name: &str, error: &CallError) -> Self {
        if error.code.as_deref().is_some_and(|code| NOT_IMPLEMENTED.contains(&code)) {
            return Self::not_checked(name, format!("this server does not answer {}", error.call));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_call_is_not_checked() {
        let failed = |code: &str| CallError { call: "DescribeAlarms", code: Some(code.to_owned()), message: String::new(), source: None };
        let check = Check::unread("alarms", &failed("InvalidAction"));
        assert_eq!((check.status, check.detail.as_str()), (Status::NotChecked, "this server does not answer DescribeAlarms"));
        let denied = Check::unread("alarms", &failed("AccessDenied"));
        assert_eq!((denied.status, denied.fix.as_str()), (Status::Unknown, "allow your role DescribeAlarms"));
    }
}
