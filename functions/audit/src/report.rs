//! The report, in the forms its readers take: a page for people, JSON and CSV for programs, OCSF for security lakes.
//!
//! It is written while the run goes on, into files, so that a report on many connections takes no more memory than one
//! on few. What a page shows first is known last (the numbers, the worst findings): such parts are put together at the end.

mod csv;
mod html;
mod json;
mod ocsf;
mod picture;
mod spool;

use std::{collections::BTreeMap, io};

use jiff::Timestamp;
use tempfile::NamedTempFile;
use warden::{
    audit::findings::Justification,
    ledger::finding::{Finding, FindingKind, OpenFinding},
    model::{
        connection::{Connection, Phase},
        ids::Region,
        mode::Mode,
        service::ServiceConfiguration,
        severity::Severity,
    },
};

use crate::Summary;
use picture::Picture;
use spool::Spool;

/// The version of the JSON report's shape, which `docs/report.schema.json` describes.
pub const SCHEMA_VERSION: u32 = 1;

/// The names of a report's files.
pub const FILES: [&str; 5] = ["report.html", "report.json", "findings.csv", "connections.csv", "findings.ocsf.jsonl"];

/// Connections that the page lists; a browser has its limits. All of them are in the other files.
const PAGE_ROWS_MAX: usize = 20_000;

/// Who looked, when and at what.
#[derive(Debug, Clone)]
pub(crate) struct Standpoint {
    pub(crate) run: String,
    pub(crate) at: Timestamp,
    pub(crate) region: Region,
    pub(crate) mode: Mode,
    pub(crate) policies: usize,
    pub(crate) policy_digest: String,
    pub(crate) function_version: String,
}

/// Findings of one severity that the page lists.
const PAGE_FINDINGS_MAX: u64 = 2_000;

/// One connection.
pub(crate) struct Row<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) justification: &'a Justification,
    pub(crate) kinds: Vec<FindingKind>,
}

/// What is known at the end.
pub(crate) struct Closing {
    pub(crate) summary: Summary,
    pub(crate) resolved: Vec<OpenFinding>,
}

/// A file of the report.
pub(crate) struct File {
    pub(crate) name: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) content: NamedTempFile,
}

/// A report under way.
pub(crate) struct Report {
    standpoint: Standpoint,
    json: json::Json,
    findings_csv: csv::Findings,
    connections_csv: csv::Connections,
    ocsf: Spool,
    /// The page's findings, by severity.
    page_findings: BTreeMap<Severity, Spool>,
    page_services: Spool,
    page_rows: usize,
}

/// The part of one service, under way.
pub(crate) struct ServicePart {
    offer: ServiceConfiguration,
    findings: u32,
    picture: Picture,
    rows: Spool,
    row_count: usize,
}

impl Report {
    pub(crate) fn begin(standpoint: Standpoint) -> io::Result<Self> {
        let page_findings = Severity::ALL.into_iter().map(|severity| Ok((severity, Spool::new()?))).collect::<io::Result<_>>()?;
        Ok(Self {
            json: json::Json::new()?,
            findings_csv: csv::Findings::new()?,
            connections_csv: csv::Connections::new()?,
            ocsf: Spool::new()?,
            page_findings,
            page_services: Spool::new()?,
            page_rows: 0,
            standpoint,
        })
    }

    /// Takes a finding in. `since` is when it was first seen; `known` whether that was in an earlier run.
    pub(crate) fn finding(&mut self, finding: &Finding, since: Timestamp, known: bool) -> io::Result<()> {
        self.json.finding(finding, since)?;
        self.findings_csv.write(finding, since)?;
        let activity = if known { ocsf::Activity::Update } else { ocsf::Activity::Create };
        self.ocsf.line(&ocsf::event(&self.standpoint, finding, since, activity))?;
        let page = self.page_findings.get_mut(&finding.severity);
        let page = page.filter(|spool| spool.pieces() < PAGE_FINDINGS_MAX);
        page.map_or(Ok(()), |spool| spool.text(&html::finding(finding, since, self.standpoint.at)))
    }

    pub(crate) fn service(&mut self, offer: &ServiceConfiguration, findings: u32) -> io::Result<ServicePart> {
        self.json.service(offer)?;
        Ok(ServicePart { offer: offer.clone(), findings, picture: Picture::default(), rows: Spool::new()?, row_count: 0 })
    }

    pub(crate) fn connection(&mut self, part: &mut ServicePart, row: &Row<'_>) -> io::Result<()> {
        self.json.connection(row)?;
        self.connections_csv.write(&part.offer, row)?;
        part.picture.add(row);
        part.row_count += 1;
        if self.page_rows < PAGE_ROWS_MAX {
            self.page_rows += 1;
            part.rows.text(&html::row(row))?;
        }
        Ok(())
    }

    pub(crate) fn end_service(&mut self, part: ServicePart) -> io::Result<()> {
        let ServicePart { offer, findings, picture, rows, row_count } = part;
        let shown = usize::try_from(rows.pieces()).unwrap_or(usize::MAX);
        let (before, after) = html::service(&offer, findings, &picture, row_count, row_count - shown.min(row_count));
        self.page_services.text(&before)?;
        self.page_services.append(rows)?;
        self.page_services.text(&after)
    }

    /// Puts the files together.
    pub(crate) fn finish(mut self, closing: &Closing) -> io::Result<Vec<File>> {
        for open in &closing.resolved {
            self.ocsf.line(&ocsf::event(&self.standpoint, &open.finding, open.since, ocsf::Activity::Close))?;
        }
        let html = html::page(&self.standpoint, closing, self.page_findings, self.page_services)?;
        let file = |name, content_type, content| File { name, content_type, content };
        let [page, json, findings, connections, ocsf] = FILES;
        Ok(vec![
            file(page, "text/html; charset=utf-8", html),
            file(json, "application/json", self.json.finish(&self.standpoint, closing)?),
            file(findings, "text/csv; charset=utf-8", self.findings_csv.finish()?),
            file(connections, "text/csv; charset=utf-8", self.connections_csv.finish()?),
            file(ocsf, "application/x-ndjson", self.ocsf.finish()?),
        ])
    }
}

/// How one connection stands, at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Glance {
    /// Connected, and justified.
    Fine,
    /// Waits.
    Waiting,
    /// Could not be judged.
    Unknown,
    /// Connected, and not justified.
    Wrong,
}

impl Row<'_> {
    pub(crate) fn glance(&self) -> Glance {
        match self.justification {
            Justification::Policy { .. } | Justification::Grant { .. } => Glance::Fine,
            Justification::Nothing => Glance::Wrong,
            Justification::Unknown { .. } => Glance::Unknown,
            Justification::NotConnected => Glance::Waiting,
        }
    }

    /// What it rests on, in a few words.
    pub(crate) fn rests_on(&self) -> String {
        match self.justification {
            Justification::Policy { policies } => format!("policy {}", policies.join(", ")),
            Justification::Grant { person, reason, until } => {
                let until = until.map(|until| format!(", until {}", until.strftime("%Y-%m-%d"))).unwrap_or_default();
                format!("granted by {person}: {reason}{until}")
            }
            Justification::Nothing => "nothing".to_owned(),
            Justification::Unknown { why } => format!("not judged: {why}"),
            Justification::NotConnected => match self.connection.state.phase() {
                Phase::Waiting => "waits for an answer".to_owned(),
                Phase::Live | Phase::Gone | Phase::Unknown => String::new(),
            },
        }
    }
}

fn service_name(offer: &ServiceConfiguration) -> Option<&str> {
    offer.service.tags.get("Name").map(String::as_str).filter(|name| !name.is_empty())
}
