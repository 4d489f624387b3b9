//! The whole report for programs. `docs/report.schema.json` describes it.

use std::io;

use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use warden::{
    decision::Hold,
    ledger::{finding::Finding, open_finding::OpenFinding},
    model::{mode::Mode, service::ServiceConfiguration},
};

use crate::summary::Summary;

use super::{
    buffer::{Buffer, file},
    parts::{Closing, ReportHeader, Row, SCHEMA_VERSION, service_name},
};

/// The lists of the report.
#[derive(Default)]
pub(super) struct Json {
    services: Buffer,
    connections: Buffer,
    findings: Buffer,
}

impl Json {
    pub(super) fn finding(&mut self, finding: &Finding, since: Timestamp) -> io::Result<()> {
        self.findings.element(&described(finding, since))
    }

    pub(super) fn service(&mut self, configuration: &ServiceConfiguration, mode: Mode, hold: Option<&Hold>) -> io::Result<()> {
        let service = &configuration.service;
        let regions = configuration.regions.iter().map(|supported| json!({"region": supported.region, "state": supported.state}));
        self.services.element(&json!({
            "id": service.id, "name": service_name(configuration), "region": service.region, "kind": service.kind,
            "acceptance_required": service.acceptance_required, "supported_regions": regions.collect::<Vec<_>>(),
            "mode": mode.as_str(), "hold": hold,
        }))
    }

    pub(super) fn connection(&mut self, row: &Row<'_>) -> io::Result<()> {
        let connection = row.connection;
        self.connections.element(&json!({
            "service": connection.service, "endpoint": connection.subject.endpoint(), "attachment": connection.subject.attachment(),
            "account": connection.owner,
            "state": connection.state, "region": connection.region, "requested_at": connection.created,
            "justification": row.justification, "findings": row.findings.iter().map(|finding| &finding.kind).collect::<Vec<_>>(),
        }))
    }

    pub(super) fn finish(self, header: &ReportHeader, closing: &Closing) -> io::Result<NamedTempFile> {
        let Self { services, connections, findings } = self;
        let summary = &closing.summary;
        let (run, totals) = (run(header), totals(summary));
        let resolved = closing.resolved.iter().map(|open: &OpenFinding| described(&open.finding, open.since)).collect::<Vec<_>>();
        file(|to| {
            write!(to, "{{\"schema\":{SCHEMA_VERSION},\"run\":{run},\"totals\":{totals}")?;
            write!(to, ",\"complete\":{},\"unseen\":{}", summary.unseen.is_empty(), json!(summary.unseen))?;
            write!(to, ",\"resolved\":{}", Value::from(resolved))?;
            for (name, list) in [("findings", findings), ("services", services), ("connections", connections)] {
                write!(to, ",\"{name}\":[")?;
                list.copy_to(to)?;
                write!(to, "]")?;
            }
            writeln!(to, "}}")
        })
    }
}

fn run(header: &ReportHeader) -> Value {
    json!({
        "id": header.run, "at": header.at, "region": header.region,
        "mode": header.mode.as_str(),
        "policies": header.policies, "policy_digest": header.policy_digest, "version": header.function_version,
    })
}

fn totals(summary: &Summary) -> Value {
    json!({
        "services": summary.services, "connected": summary.connected, "waiting": summary.waiting,
        "pending_age_max_seconds": summary.pending_age_max_seconds, "findings": summary.findings,
        "opened": summary.opened, "worsened": summary.worsened, "resolved": summary.resolved,
    })
}

fn described(finding: &Finding, since: Timestamp) -> Value {
    json!({
        "id": finding.id, "kind": finding.kind, "title": finding.title, "severity": finding.severity,
        "subject": finding.subject, "account": finding.account, "what": finding.what, "evidence": finding.evidence,
        "next": finding.next, "first_seen_at": since,
    })
}
