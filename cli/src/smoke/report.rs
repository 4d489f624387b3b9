//! The result of each step, and the table of all.

use std::time::{Duration, Instant};

use warden::ports::CallError;

use crate::{arguments::Format, call_advice::with_advice, error::CliError, output::Rows};

/// A step that did not end as it must.
#[derive(Debug)]
pub(super) enum Failure {
    Failed {
        what: String,
        fix: String,
    },
    /// An earlier step that this one needs has failed.
    Skipped(&'static str),
    /// A signal arrived.
    Stopped,
}

/// A step that ended as it must, or that cannot be judged here.
#[derive(Debug)]
pub(super) enum Success {
    Passed(String),
    NotChecked(String),
}

pub(super) type StepResult = Result<Success, Failure>;

impl Failure {
    pub(super) fn new(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::Failed { what: what.into(), fix: fix.into() }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::new(with_advice(&error), "fix the cause and run it again")
    }
}

impl From<CliError> for Failure {
    fn from(error: CliError) -> Self {
        Self::new(error.to_string(), "fix the cause and run it again")
    }
}

#[derive(Debug)]
struct Row {
    step: &'static str,
    duration: Duration,
    result: StepResult,
}

#[derive(Debug, Default)]
pub(super) struct Report(Vec<Row>);

impl Report {
    /// Adds a step, and shows it at once: a run takes minutes.
    pub(super) fn add(&mut self, step: &'static str, started: Instant, result: StepResult) {
        let row = Row { step, duration: started.elapsed(), result };
        let [step, seconds, status, detail, _] = row.cells();
        eprintln!("{step}: {status} after {seconds} s{}{detail}", if detail.is_empty() { "" } else { ": " });
        self.0.push(row);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.0.iter().any(|row| row.result.is_err())
    }

    pub(super) fn write(&self) {
        let mut rows = Rows::new(&["step", "seconds", "status", "detail", "fix"]);
        for row in &self.0 {
            rows.push(row.cells().each_ref().map(String::as_str));
        }
        rows.write(Format::Table, "");
    }
}

impl Row {
    fn cells(&self) -> [String; 5] {
        let (status, detail, fix) = match &self.result {
            Ok(Success::Passed(detail)) => ("pass", detail.as_str(), ""),
            Ok(Success::NotChecked(detail)) => ("not checked", detail.as_str(), ""),
            Err(Failure::Failed { what, fix }) => ("fail", what.as_str(), fix.as_str()),
            Err(Failure::Skipped(needed)) => ("skipped", *needed, ""),
            Err(Failure::Stopped) => ("stopped", "a signal arrived", "run it again"),
        };
        let seconds = format!("{:.1}", self.duration.as_secs_f64());
        [self.step.to_owned(), seconds, status.to_owned(), detail.to_owned(), fix.to_owned()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipped_step_fails_the_run() {
        let mut report = Report::default();
        report.add("record", Instant::now(), Ok(Success::NotChecked("not here".to_owned())));
        assert!(!report.has_failed());
        report.add("message", Instant::now(), Err(Failure::Skipped("needs the endpoint")));
        assert!(report.has_failed());
        assert_eq!(report.0[1].cells()[2..], ["skipped", "needs the endpoint", ""]);
    }
}
