//! The whole report for programs. `docs/report.schema.json` describes it.

use std::io;

use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use warden::{
    ledger::finding::{Finding, OpenFinding},
    model::{mode::Mode, service::ServiceConfiguration},
};

use super::{
    Closing, Row, SCHEMA_VERSION, Standpoint, service_name,
    spool::{Spool, file},
};

/// The report's lists under way.
pub(super) struct Json {
    services: Spool,
    connections: Spool,
    findings: Spool,
}

impl Json {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { services: Spool::new()?, connections: Spool::new()?, findings: Spool::new()? })
    }

    pub(super) fn finding(&mut self, finding: &Finding, since: Timestamp) -> io::Result<()> {
        item(&mut self.findings, &described(finding, since))
    }

    pub(super) fn service(&mut self, offer: &ServiceConfiguration) -> io::Result<()> {
        let service = &offer.service;
        let regions: Vec<Value> =
            offer.regions.iter().map(|supported| json!({"region": supported.region, "state": supported.state})).collect();
        item(
            &mut self.services,
            &json!({
                "id": service.id, "name": service_name(offer), "region": service.region, "kind": service.kind,
                "acceptance_required": service.acceptance_required, "supported_regions": regions,
            }),
        )
    }

    pub(super) fn connection(&mut self, row: &Row<'_>) -> io::Result<()> {
        let connection = row.connection;
        item(
            &mut self.connections,
            &json!({
                "service": connection.service, "endpoint": connection.endpoint, "account": connection.owner,
                "state": connection.state, "region": connection.region, "requested_at": connection.created,
                "justification": row.justification, "findings": row.kinds,
            }),
        )
    }

    pub(super) fn finish(self, standpoint: &Standpoint, closing: &Closing) -> io::Result<NamedTempFile> {
        let Self { services, connections, findings } = self;
        let run = json!({
            "id": standpoint.run, "at": standpoint.at, "region": standpoint.region,
            "mode": match standpoint.mode { Mode::Observe => "observe", Mode::Active => "active" },
            "policies": standpoint.policies, "policy_digest": standpoint.policy_digest, "version": standpoint.function_version,
        });
        let summary = &closing.summary;
        let totals = json!({
            "services": summary.services, "connected": summary.connected, "waiting": summary.waiting,
            "pending_age_max_seconds": summary.pending_age_max_seconds, "findings": summary.findings,
            "opened": summary.opened, "worsened": summary.worsened, "resolved": summary.resolved,
        });
        let gone = |open: &OpenFinding| described(&open.finding, open.since);
        let resolved: Vec<Value> = closing.resolved.iter().map(gone).collect();
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

fn item(list: &mut Spool, value: &Value) -> io::Result<()> {
    let comma = if list.pieces() == 0 { "\n" } else { ",\n" };
    list.text(&format!("{comma}{value}"))
}

fn described(finding: &Finding, since: Timestamp) -> Value {
    json!({
        "id": finding.id, "kind": finding.kind, "title": finding.kind.title(), "severity": finding.severity,
        "subject": finding.subject, "account": finding.account, "what": finding.what, "evidence": finding.evidence,
        "next": finding.next, "first_seen_at": since,
    })
}
