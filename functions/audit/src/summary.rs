//! The result of a run.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use warden::model::{
    connection::{Connection, Phase},
    severity::Severity,
};

/// The result of a run, for its log line, its metrics and its caller.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The number of services that were judged.
    pub services: usize,
    /// The number of live connections.
    pub connected: usize,
    /// The number of pending requests.
    pub waiting: usize,
    /// The age of the oldest pending request, in seconds.
    pub pending_age_max_seconds: i64,
    /// The number of open findings, by severity.
    pub findings: BTreeMap<Severity, usize>,
    /// The number of new findings.
    pub opened: usize,
    /// The number of findings whose severity or level rose.
    pub worsened: usize,
    /// The number of findings that no longer apply.
    pub resolved: usize,
    /// Descriptions of what could not be read or judged.
    pub unseen: Vec<String>,
    /// The location of the report.
    pub report: String,
}

impl Summary {
    /// The number of open findings of a severity.
    #[must_use]
    pub fn open(&self, severity: Severity) -> usize {
        self.findings.get(&severity).copied().unwrap_or_default()
    }

    pub(crate) fn count(&mut self, connection: &Connection, now: Timestamp) {
        match connection.state.phase() {
            Phase::Live => self.connected += 1,
            Phase::Waiting => {
                self.waiting += 1;
                let age = connection.created.map_or(0, |created| now.duration_since(created).as_secs());
                self.pending_age_max_seconds = self.pending_age_max_seconds.max(age);
            }
            Phase::Gone | Phase::Unknown => {}
        }
    }
}
