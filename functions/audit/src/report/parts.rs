//! The parts of a report that its forms share.

use jiff::Timestamp;
use tempfile::NamedTempFile;
use warden::{
    audit::{
        justification::Justification,
        text::{day, held},
    },
    decision::Hold,
    ledger::{finding::Finding, open_finding::OpenFinding},
    model::{
        connection::{Connection, Phase},
        ids::Region,
        mode::Mode,
        service::ServiceConfiguration,
    },
};

use crate::summary::Summary;

/// The version of the JSON report's shape, which `docs/report.schema.json` describes.
pub const SCHEMA_VERSION: u32 = 1;

/// The names of a report's files.
pub const FILES: [&str; 5] = ["report.html", "report.json", "findings.csv", "connections.csv", "findings.ocsf.jsonl"];

/// The run and its settings.
#[derive(Debug, Clone)]
pub(crate) struct ReportHeader {
    pub(crate) run: String,
    pub(crate) at: Timestamp,
    pub(crate) region: Region,
    pub(crate) mode: Mode,
    pub(crate) policies: usize,
    pub(crate) policy_digest: String,
    pub(crate) function_version: String,
}

/// One connection with its findings.
pub(crate) struct Row<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) justification: &'a Justification,
    /// The hold of the service.
    pub(crate) hold: Option<&'a Hold>,
    pub(crate) findings: &'a [Finding],
}

/// The parts of a report that are known at the end of a run.
pub(crate) struct Closing {
    pub(crate) summary: Summary,
    pub(crate) resolved: Vec<OpenFinding>,
    /// Whether no audit ran before.
    pub(crate) first: bool,
}

/// A file of the report.
pub(crate) struct File {
    pub(crate) name: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) content: NamedTempFile,
}

/// The status of a connection. The most serious one is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    Justified,
    Pending,
    NotJudged,
    Unjustified,
}

impl Status {
    /// The class in the page's style sheet.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Justified => "justified",
            Self::Pending => "pending",
            Self::NotJudged => "not-judged",
            Self::Unjustified => "unjustified",
        }
    }
}

impl Row<'_> {
    pub(super) fn status(&self) -> Status {
        match self.justification {
            Justification::Policy { .. } | Justification::Grant { .. } => Status::Justified,
            Justification::Nothing => Status::Unjustified,
            Justification::Unknown { .. } => Status::NotJudged,
            Justification::NotConnected => Status::Pending,
        }
    }

    /// The justification in a few words.
    pub(super) fn justified_by(&self) -> String {
        match self.justification {
            Justification::Policy { policies } => format!("policy {}", policies.join(", ")),
            Justification::Grant { person, reason, until } => {
                let until = until.map(|until| format!(", until {}", day(until))).unwrap_or_default();
                format!("granted by {person}: {reason}{until}")
            }
            Justification::Nothing => "nothing".to_owned(),
            Justification::Unknown { why } => format!("not judged: {why}"),
            Justification::NotConnected => match self.connection.state.phase() {
                Phase::Waiting => self.hold.map_or_else(|| "pending".to_owned(), |hold| format!("pending, on hold {}", held(hold))),
                Phase::Live | Phase::Gone | Phase::Unknown => String::new(),
            },
        }
    }

    /// The kinds of the findings, joined.
    pub(super) fn kinds(&self, separator: &str) -> String {
        self.findings.iter().map(|finding| finding.kind.as_str()).collect::<Vec<_>>().join(separator)
    }
}

/// The service's tag `Name`, if it has one.
pub(super) fn service_name(configuration: &ServiceConfiguration) -> Option<&str> {
    configuration.service.tags.get("Name").map(String::as_str).filter(|name| !name.is_empty())
}

/// A number with its noun.
pub(super) fn counted(number: usize, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// The digits with a thin space between thousands.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('\u{2009}');
        }
        out.push(digit);
    }
    out
}
