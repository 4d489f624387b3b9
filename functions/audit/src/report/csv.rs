//! The tables of findings and of connections. Each function returns one line.

use jiff::Timestamp;
use warden::{ledger::finding::Finding, message::csv::line, model::service::ServiceConfiguration};

use super::parts::{Row, service_name};

const FINDINGS: [&str; 9] = ["id", "kind", "severity", "service", "account", "first_seen_at", "what", "evidence", "next"];
const CONNECTIONS: [&str; 10] =
    ["service", "service_name", "endpoint", "account", "state", "region", "requested_at", "justification", "findings", "attachment"];

pub(super) fn findings_header() -> String {
    line(&FINDINGS)
}

pub(super) fn connections_header() -> String {
    line(&CONNECTIONS)
}

pub(super) fn finding(finding: &Finding, since: Timestamp) -> String {
    let evidence: Vec<String> = finding.evidence.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let next: Vec<&str> = finding.next.iter().map(|step| step.command.as_deref().unwrap_or(&step.what)).collect();
    line::<&str>(&[
        &finding.id,
        finding.kind.as_str(),
        finding.severity.as_str(),
        finding.subject.service().map_or("", |service| service.as_str()),
        finding.account.as_ref().map_or("", |account| account.as_str()),
        &since.to_string(),
        &finding.what,
        &evidence.join("; "),
        &next.join("; "),
    ])
}

pub(super) fn connection(configuration: &ServiceConfiguration, row: &Row<'_>) -> String {
    let connection = row.connection;
    line::<&str>(&[
        connection.service.as_str(),
        service_name(configuration).unwrap_or_default(),
        connection.subject.endpoint().map_or("", |id| id.as_str()),
        connection.owner.as_ref().map_or("", |account| account.as_str()),
        connection.state.as_str(),
        connection.region.as_ref().map_or("", |region| region.as_str()),
        &connection.created.map(|at| at.to_string()).unwrap_or_default(),
        &row.justified_by(),
        &row.kinds(" "),
        connection.subject.attachment().map_or("", |id| id.as_str()),
    ])
}
