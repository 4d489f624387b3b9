//! The report, in the forms that its readers use: a page for people, JSON and CSV for programs, OCSF for security lakes.
//!
//! A run writes its findings and connections into files one by one, so that memory does not grow with their number. The
//! parts of the page that are known last and shown first (the totals) are joined at the end.

mod buffer;
mod csv;
mod diagram;
mod json;
mod ocsf;
mod page;
mod parts;
mod section;

use std::{collections::BTreeMap, io};

use jiff::Timestamp;
use warden::{
    decision::Hold,
    ledger::finding::Finding,
    model::{service::ServiceConfiguration, severity::Severity},
};

use buffer::Buffer;
use ocsf::Activity;
pub(crate) use parts::{Closing, File, ReportHeader, Row};
pub use parts::{FILES, SCHEMA_VERSION};
pub(crate) use section::ServiceSection;

/// Connections that the page lists. A browser cannot show all of a large account; the other files list them.
const PAGE_ROWS_MAX: usize = 20_000;

/// Findings of one severity that the page lists.
const PAGE_FINDINGS_MAX: usize = 2_000;

/// A report that a run writes.
pub(crate) struct Report {
    header: ReportHeader,
    json: json::Json,
    findings_csv: Buffer,
    connections_csv: Buffer,
    ocsf: Buffer,
    /// The page's findings, by severity.
    page_findings: BTreeMap<Severity, Buffer>,
    page_services: Buffer,
    page_rows: usize,
}

impl Report {
    pub(crate) fn begin(header: ReportHeader) -> io::Result<Self> {
        let (mut findings_csv, mut connections_csv) = (Buffer::default(), Buffer::default());
        findings_csv.line(&csv::findings_header())?;
        connections_csv.line(&csv::connections_header())?;
        Ok(Self {
            header,
            json: json::Json::default(),
            findings_csv,
            connections_csv,
            ocsf: Buffer::default(),
            page_findings: Severity::ALL.into_iter().map(|severity| (severity, Buffer::default())).collect(),
            page_services: Buffer::default(),
            page_rows: 0,
        })
    }

    /// Adds a finding. `stored_since` is the time of the earlier run that first found it, if it is not new.
    pub(crate) fn finding(&mut self, finding: &Finding, stored_since: Option<Timestamp>) -> io::Result<()> {
        let since = stored_since.unwrap_or(self.header.at);
        self.json.finding(finding, since)?;
        self.findings_csv.line(&csv::finding(finding, since))?;
        let activity = if stored_since.is_some() { Activity::Update } else { Activity::Create };
        self.ocsf.line(&ocsf::event(&self.header, finding, since, activity))?;
        let page = self.page_findings.entry(finding.severity).or_default();
        if page.pieces() < PAGE_FINDINGS_MAX { page.text(&page::article(finding, since, self.header.at)) } else { Ok(()) }
    }

    /// Begins the section of a service that has so many findings about itself.
    pub(crate) fn begin_service(
        &mut self,
        configuration: &ServiceConfiguration,
        hold: Option<&Hold>,
        findings: usize,
    ) -> io::Result<ServiceSection> {
        let mode = self.header.mode.of_service(&configuration.service);
        self.json.service(configuration, mode, hold)?;
        Ok(ServiceSection::new(configuration.clone(), mode, hold.cloned(), findings))
    }

    pub(crate) fn connection(&mut self, section: &mut ServiceSection, row: &Row<'_>) -> io::Result<()> {
        self.json.connection(row)?;
        self.connections_csv.line(&csv::connection(&section.configuration, row))?;
        section.add(row, self.page_rows < PAGE_ROWS_MAX)?;
        self.page_rows += 1;
        Ok(())
    }

    pub(crate) fn end_service(&mut self, section: ServiceSection) -> io::Result<()> {
        section.write(&mut self.page_services)
    }

    /// Completes the files.
    pub(crate) fn finish(mut self, closing: &Closing) -> io::Result<Vec<File>> {
        for open in &closing.resolved {
            self.ocsf.line(&ocsf::event(&self.header, &open.finding, open.since, Activity::Close))?;
        }
        let html = page::page(&self.header, closing, self.page_findings, self.page_services)?;
        let file = |name, content_type, content| File { name, content_type, content };
        let [page, json, findings, connections, ocsf] = FILES;
        Ok(vec![
            file(page, "text/html; charset=utf-8", html),
            file(json, "application/json", self.json.finish(&self.header, closing)?),
            file(findings, "text/csv; charset=utf-8", self.findings_csv.finish()?),
            file(connections, "text/csv; charset=utf-8", self.connections_csv.finish()?),
            file(ocsf, "application/x-ndjson", self.ocsf.finish()?),
        ])
    }
}
