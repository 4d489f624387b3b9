//! One service on the page: its numbers, its diagram and its connections.

use std::io;

use maud::{Markup, html};
use warden::{
    audit::text::{day, held},
    decision::Hold,
    model::{
        mode::Mode,
        service::{ServiceConfiguration, ServiceKind},
    },
};

use super::{
    buffer::Buffer,
    diagram::Diagram,
    parts::{Row, counted, service_name},
};

/// A list of at most so many connections is open when the page loads.
const OPEN_ROWS_MAX: usize = 12;

/// The section of a service that a run writes.
pub(crate) struct ServiceSection {
    pub(super) configuration: ServiceConfiguration,
    mode: Mode,
    hold: Option<Hold>,
    findings: usize,
    diagram: Diagram,
    rows: Buffer,
    row_count: usize,
}

impl ServiceSection {
    pub(super) fn new(configuration: ServiceConfiguration, mode: Mode, hold: Option<Hold>, findings: usize) -> Self {
        Self { configuration, mode, hold, findings, diagram: Diagram::default(), rows: Buffer::default(), row_count: 0 }
    }

    /// Adds a connection. `listed` is false if the page has too many rows already.
    pub(super) fn add(&mut self, row: &Row<'_>, listed: bool) -> io::Result<()> {
        self.diagram.add(row);
        self.row_count += 1;
        if listed { self.rows.text(&table_row(row)) } else { Ok(()) }
    }

    pub(super) fn write(self, to: &mut Buffer) -> io::Result<()> {
        let head = self.head().into_string();
        let (count, left_out) = (self.row_count, self.row_count - self.rows.pieces());
        to.text(&format!("<section class=\"service\">{head}"))?;
        if count == 0 {
            return to.text("<p class=\"muted\">No connections and no requests.</p></section>");
        }
        let open = if count <= OPEN_ROWS_MAX { " open" } else { "" };
        to.text(&format!(
            "<details{open}><summary>{}</summary><table>{}<tbody>",
            counted(count, "connection"),
            table_head().into_string()
        ))?;
        to.append(self.rows)?;
        let rest = html! { @if left_out > 0 { p.muted { (left_out) " more are in connections.csv, beside this page." } } }.into_string();
        to.text(&format!("</tbody></table>{rest}</details></section>"))
    }

    fn head(&self) -> Markup {
        let service = &self.configuration.service;
        let name = service_name(&self.configuration).unwrap_or(service.id.as_str());
        let kind = match &service.kind {
            ServiceKind::Interface => "Network Load Balancer",
            ServiceKind::GatewayLoadBalancer => "Gateway Load Balancer",
            ServiceKind::Other(other) => other,
        };
        html! {
            h3 { (name) }
            p.subject { (service.id) " · " (kind) " · " (service.region) @if self.mode == Mode::Observe { " · observe mode" } }
            p {
                (self.diagram.connected) " connected, " (self.diagram.waiting) " waiting"
                @if !service.acceptance_required { " · " strong.warning-text { "acceptance is switched off" } }
                @if self.findings > 0 { " · " (counted(self.findings, "finding")) " about the service itself" }
            }
            @if let Some(hold) = &self.hold { p { strong.warning-text { "on hold" } " " (held(hold)) } }
            (self.diagram.draw(name))
        }
    }
}

fn table_head() -> Markup {
    html! { thead { tr { @for name in ["Endpoint or attachment", "Account", "State", "Region", "Requested", "Justification"] { th { (name) } } } } }
}

fn table_row(row: &Row<'_>) -> String {
    let connection = row.connection;
    html! {
        tr {
            td data-label=(if connection.subject.attachment().is_some() { "Attachment" } else { "Endpoint" }) { code { (connection.subject) } }
            td data-label="Account" { (connection.owner.as_ref().map_or("unknown", |account| account.as_str())) }
            td data-label="State" { (connection.state.as_str()) }
            td data-label="Region" { (connection.region.as_ref().map_or("unknown", |region| region.as_str())) }
            td data-label="Requested" { (connection.created.map_or_else(|| "unknown".to_owned(), day)) }
            td data-label="Justification" {
                span class=(format!("status {}", row.status().class())) { (row.justified_by()) }
                @if !row.findings.is_empty() { " · " (row.kinds(", ")) }
            }
        }
    }
    .into_string()
}
