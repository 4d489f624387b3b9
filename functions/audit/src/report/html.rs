//! The page for people: one file, nothing from elsewhere. Everything that somebody could have named is escaped by the
//! template; the policy on top keeps a browser from fetching anything whatever slips through.

use std::{collections::BTreeMap, io};

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use tempfile::NamedTempFile;
use warden::{
    ledger::finding::Finding,
    model::{
        mode::Mode,
        service::{ServiceConfiguration, ServiceKind},
        severity::Severity,
    },
};

use super::{
    Closing, Glance, Row, Standpoint,
    picture::Picture,
    service_name,
    spool::{Spool, file},
};

const STYLE: &str = include_str!("style.css");

pub(super) fn finding(finding: &Finding, since: Timestamp, now: Timestamp) -> String {
    let fresh = since == now;
    html! {
        article class=(format!("finding {}", finding.severity)) {
            header {
                span class=(format!("badge {}", finding.severity)) { (finding.severity) }
                h3 { (finding.kind.title()) }
                @if fresh { span.new { "new" } } @else { span.since { "since " (day(since)) } }
            }
            p.subject { (finding.subject) }
            p { (finding.what) }
            dl {
                @for (name, value) in &finding.evidence {
                    div { dt { (name) } dd { (value) } }
                }
            }
            @for step in &finding.next {
                p.step { (step.what) }
                @if let Some(command) = &step.command { pre { code { (command) } } }
            }
        }
    }
    .into_string()
}

pub(super) fn row(row: &Row<'_>) -> String {
    let connection = row.connection;
    html! {
        tr {
            td data-label="Endpoint" { code { (connection.endpoint) } }
            td data-label="Account" { (connection.owner.as_ref().map_or("unknown", |account| account.as_str())) }
            td data-label="State" { (connection.state.as_str()) }
            td data-label="Region" { (connection.region.as_ref().map_or("unknown", |region| region.as_str())) }
            td data-label="Requested" { (connection.created.map_or_else(|| "unknown".to_owned(), day)) }
            td data-label="Rests on" { span class=(rests(row.glance())) { (row.rests_on()) }
                @if !row.kinds.is_empty() {
                    " · "
                    (row.kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", "))
                }
            }
        }
    }
    .into_string()
}

fn rests(glance: Glance) -> &'static str {
    match glance {
        Glance::Fine => "ok",
        Glance::Waiting => "",
        Glance::Unknown => "warning-text",
        Glance::Wrong => "critical-text",
    }
}

/// What stands before and after a service's rows.
pub(super) fn service(offer: &ServiceConfiguration, findings: u32, picture: &Picture, rows: usize, left_out: usize) -> (String, String) {
    let service = &offer.service;
    let name = service_name(offer).unwrap_or(service.id.as_str());
    let kind = match &service.kind {
        ServiceKind::Interface => "Network Load Balancer",
        ServiceKind::GatewayLoadBalancer => "Gateway Load Balancer",
        ServiceKind::Other(other) => other,
    };
    let head = html! {
        h3 { (name) }
        p.subject { (service.id) " · " (kind) " · " (service.region) }
        p {
            (picture.connected) " connected, " (picture.waiting) " waiting"
            @if !service.acceptance_required { " · " strong.warning-text { "acceptance is switched off" } }
            @if findings > 0 { " · " (counted(findings, "finding")) " about the service itself" }
        }
        (picture.draw(name))
    };
    let before = match rows {
        0 => format!("<section class=\"service\">{}<p class=\"muted\">Nobody is connected, and nobody waits.</p>", head.into_string()),
        _ => format!(
            "<section class=\"service\">{}<details{}><summary>{}</summary><table><thead><tr><th>Endpoint</th><th>Account</th><th>State</th><th>Region</th><th>Requested</th><th>Rests on</th></tr></thead><tbody>",
            head.into_string(),
            // A short list is shown at once.
            if rows <= 12 { " open" } else { "" },
            counted(u32::try_from(rows).unwrap_or(u32::MAX), "connection"),
        ),
    };
    let rest = html! { @if left_out > 0 { p.muted { (left_out) " more are in connections.csv, beside this page." } } }.into_string();
    let after = if rows == 0 { "</section>".to_owned() } else { format!("</tbody></table>{rest}</details></section>") };
    (before, after)
}

pub(super) fn page(
    standpoint: &Standpoint,
    closing: &Closing,
    mut findings: BTreeMap<Severity, Spool>,
    services: Spool,
) -> io::Result<NamedTempFile> {
    let (before, between, after) = (top(standpoint, closing), services_heading(closing), bottom(standpoint, closing));
    file(|to| {
        to.write_all(before.as_bytes())?;
        for severity in Severity::ALL {
            let Some(spool) = findings.remove(&severity) else { continue };
            let left_out = closing.summary.open(severity).saturating_sub(usize::try_from(spool.pieces()).unwrap_or(usize::MAX));
            spool.copy_to(to)?;
            to.write_all(more_findings(severity, left_out).as_bytes())?;
        }
        to.write_all(between.as_bytes())?;
        services.copy_to(to)?;
        to.write_all(after.as_bytes())
    })
}

fn more_findings(severity: Severity, left_out: usize) -> String {
    html! { @if left_out > 0 { p.muted { (grouped(left_out)) " more of severity " (severity) " are in findings.csv, beside this page." } } }
        .into_string()
}

fn top(standpoint: &Standpoint, closing: &Closing) -> String {
    let summary = &closing.summary;
    let title = format!("Who is connected in {}", standpoint.region);
    let begin = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { (title) " · " (day(standpoint.at)) }
                style { (PreEscaped(STYLE)) }
            }
        }
    }
    .into_string();
    let body = html! {
        header.page {
            p.muted { "privatelink-warden · audit" }
            h1 { (title) }
            p.muted { (minute(standpoint.at)) @if standpoint.mode == Mode::Observe { " · the warden only observes" } }
        }
        section.tiles aria-label="Headline numbers" {
            (tile(summary.services, if summary.services == 1 { "service" } else { "services" }, ""))
            (tile(summary.connected, "connected", ""))
            (tile(summary.waiting, "waiting", ""))
            @for severity in Severity::ALL {
                (tile(summary.open(severity), severity.as_str(), if summary.open(severity) > 0 { severity.as_str() } else { "" }))
            }
        }
        (unseen(&summary.unseen))
        h2 { "Findings" }
        (verdict(closing))
    }
    .into_string();
    // The document stays open: what follows is written into it piece by piece.
    format!("{}<body><main>{body}", begin.trim_end_matches("</html>"))
}

fn verdict(closing: &Closing) -> Markup {
    let summary = &closing.summary;
    let open: usize = summary.findings.values().sum();
    html! {
        @if open == 0 && summary.unseen.is_empty() {
            p.all-well { "Everything that is connected is what the policy allows." }
        } @else if open == 0 {
            p { "Nothing was found in what could be seen." }
        }
        @if summary.opened + summary.worsened + summary.resolved > 0 {
            p.muted { (summary.opened) " new, " (summary.worsened) " worse, " (summary.resolved) " resolved since the last audit." }
        }
        @for gone in &closing.resolved {
            p.resolved { span.badge.ok { "resolved" } " " (gone.finding.kind.title()) ": " code { (gone.finding.subject) } }
        }
    }
}

fn tile(number: usize, label: &str, class: &str) -> Markup {
    html! { div class=(format!("tile {class}")) { strong { (grouped(number)) } span { (label) } } }
}

fn unseen(unseen: &[String]) -> Markup {
    html! {
        @if !unseen.is_empty() {
            section.unseen {
                h2 { "Not seen" }
                p { "This audit is not complete. Nothing about these is taken for mended:" }
                ul { @for what in unseen { li { (what) } } }
            }
        }
    }
}

fn services_heading(closing: &Closing) -> String {
    html! {
        h2 { "Services" }
        @if closing.summary.services == 0 { p { "No endpoint service of this account and Region is in scope." } }
        @else {
            p.legend {
                span.key.fine {} " justified " span.key.wrong {} " not justified " span.key.waiting {} " waiting " span.key.unknown {} " not judged"
            }
        }
    }
    .into_string()
}

fn bottom(standpoint: &Standpoint, closing: &Closing) -> String {
    let foot = html! {
        footer {
            h2 { "How this was judged" }
            dl {
                div { dt { "Policies" } dd { (standpoint.policies) } }
                div { dt { "Policy digest" } dd { code { (standpoint.policy_digest) } } }
                div { dt { "Run" } dd { code { (standpoint.run) } } }
                div { dt { "Version" } dd { (standpoint.function_version) } }
                div { dt { "Complete" } dd { @if closing.summary.unseen.is_empty() { "yes" } @else { "no, see above" } } }
            }
        }
    };
    format!("{}</main></body></html>\n", foot.into_string())
}

fn counted(number: u32, noun: &str) -> String {
    let number_text = grouped(usize::try_from(number).unwrap_or(usize::MAX));
    if number == 1 { format!("{number_text} {noun}") } else { format!("{number_text} {noun}s") }
}

/// With a thin space between thousands.
fn grouped(number: usize) -> String {
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

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
