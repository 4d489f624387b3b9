//! Two tables for spreadsheets. A cell that a spreadsheet would take for a formula is made text.

use std::io;

use ::csv::Writer;
use jiff::Timestamp;
use tempfile::NamedTempFile;
use warden::{ledger::finding::Finding, model::service::ServiceConfiguration};

use super::{Row, service_name};

/// The table of findings.
pub(super) struct Findings(Writer<NamedTempFile>);

/// The table of connections.
pub(super) struct Connections(Writer<NamedTempFile>);

impl Findings {
    pub(super) fn new() -> io::Result<Self> {
        let header = ["id", "kind", "severity", "service", "account", "first_seen_at", "what", "evidence", "next"];
        table(&header).map(Self)
    }

    pub(super) fn write(&mut self, finding: &Finding, since: Timestamp) -> io::Result<()> {
        let evidence = finding.evidence.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("; ");
        let next = finding.next.iter().map(|step| step.command.as_deref().unwrap_or(&step.what)).collect::<Vec<_>>().join("; ");
        row(
            &mut self.0,
            &[
                &finding.id,
                finding.kind.as_str(),
                finding.severity.as_str(),
                finding.subject.service().map_or("", |service| service.as_str()),
                finding.account.as_ref().map_or("", |account| account.as_str()),
                &since.to_string(),
                &finding.what,
                &evidence,
                &next,
            ],
        )
    }

    pub(super) fn finish(self) -> io::Result<NamedTempFile> {
        end(self.0)
    }
}

impl Connections {
    pub(super) fn new() -> io::Result<Self> {
        let header = ["service", "service_name", "endpoint", "account", "state", "region", "requested_at", "rests_on", "findings"];
        table(&header).map(Self)
    }

    pub(super) fn write(&mut self, offer: &ServiceConfiguration, of: &Row<'_>) -> io::Result<()> {
        let connection = of.connection;
        row(
            &mut self.0,
            &[
                connection.service.as_str(),
                service_name(offer).unwrap_or_default(),
                connection.endpoint.as_str(),
                connection.owner.as_ref().map_or("", |account| account.as_str()),
                connection.state.as_str(),
                connection.region.as_ref().map_or("", |region| region.as_str()),
                &connection.created.map(|at| at.to_string()).unwrap_or_default(),
                &of.rests_on(),
                &of.kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(" "),
            ],
        )
    }

    pub(super) fn finish(self) -> io::Result<NamedTempFile> {
        end(self.0)
    }
}

fn table(header: &[&str]) -> io::Result<Writer<NamedTempFile>> {
    let mut writer = Writer::from_writer(NamedTempFile::new()?);
    writer.write_record(header)?;
    Ok(writer)
}

fn row(writer: &mut Writer<NamedTempFile>, cells: &[&str]) -> io::Result<()> {
    cells.iter().try_for_each(|cell| writer.write_field(inert(cell)))?;
    Ok(writer.write_record(None::<&[u8]>)?)
}

fn inert(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() }
}

fn end(writer: Writer<NamedTempFile>) -> io::Result<NamedTempFile> {
    writer.into_inner().map_err(::csv::IntoInnerError::into_error)
}

#[cfg(test)]
mod tests {
    use super::inert;

    #[test]
    fn a_formula_is_text() {
        assert_eq!(inert("=HYPERLINK(\"http://evil.example\")"), "'=HYPERLINK(\"http://evil.example\")");
        assert_eq!(inert("vpce-1"), "vpce-1");
    }
}
