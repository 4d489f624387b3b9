//! The page for people: the totals, the findings, the services, and how they were judged. It loads nothing else.
//!
//! The template escapes all text. A content security policy keeps browsers from loading or running anything that an
//! escaping error would let through.

use std::{collections::BTreeMap, io};

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use tempfile::NamedTempFile;
use warden::{
    audit::text::{day, minute},
    ledger::finding::Finding,
    model::{mode::Mode, severity::Severity},
};

use super::{
    buffer::{Buffer, file},
    parts::{Closing, ReportHeader, grouped},
};
use crate::summary::Summary;

const STYLE: &str = include_str!("style.css");

pub(super) fn page(
    header: &ReportHeader,
    closing: &Closing,
    findings: BTreeMap<Severity, Buffer>,
    services: Buffer,
) -> io::Result<NamedTempFile> {
    let summary = &closing.summary;
    file(|to| {
        to.write_all(top(header, closing).as_bytes())?;
        for (severity, articles) in findings.into_iter().rev() {
            let left_out = summary.open(severity).saturating_sub(articles.pieces());
            articles.copy_to(to)?;
            to.write_all(more_findings(severity, left_out).as_bytes())?;
        }
        to.write_all(services_heading(summary).as_bytes())?;
        services.copy_to(to)?;
        to.write_all(bottom(header, summary).as_bytes())
    })
}

pub(super) fn article(finding: &Finding, since: Timestamp, now: Timestamp) -> String {
    html! {
        article class=(format!("finding {}", finding.severity)) {
            header {
                span class=(format!("badge {}", finding.severity)) { (finding.severity) }
                h3 { (finding.title) }
                @if since == now { span.new { "new" } } @else { span.since { "since " (day(since)) } }
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

/// The document stays open: findings and services follow.
fn top(header: &ReportHeader, closing: &Closing) -> String {
    let summary = &closing.summary;
    let title = format!("PrivateLink connections in {}", header.region);
    let body = html! {
        header.page {
            p.muted { "privatelink-warden · audit" }
            h1 { (title) }
            p.muted { (minute(header.at)) @if header.mode == Mode::Observe { " · observe mode" } }
        }
        (tiles(summary))
        (unseen(&summary.unseen))
        h2 { "Findings" }
        (changes(closing))
    };
    format!("{}<body><main>{}", head(&title, header).into_string().trim_end_matches("</html>"), body.into_string())
}

fn head(title: &str, header: &ReportHeader) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { (title) " · " (day(header.at)) }
                style { (PreEscaped(STYLE)) }
            }
        }
    }
}

fn tiles(summary: &Summary) -> Markup {
    html! {
        section.tiles aria-label="Totals" {
            (tile(summary.services, if summary.services == 1 { "service" } else { "services" }, ""))
            (tile(summary.connected, "connected", ""))
            (tile(summary.waiting, "waiting", ""))
            @for severity in Severity::ALL {
                (tile(summary.open(severity), severity.as_str(), if summary.open(severity) > 0 { severity.as_str() } else { "" }))
            }
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
                h2 { "Not checked" }
                p { "This audit is not complete. Open findings about the following stay open:" }
                ul { @for what in unseen { li { (what) } } }
            }
        }
    }
}

fn changes(closing: &Closing) -> Markup {
    let summary = &closing.summary;
    let open: usize = summary.findings.values().sum();
    html! {
        @if open == 0 && summary.unseen.is_empty() {
            p.all-well { "The policy allows everything that is connected." }
        } @else if open == 0 {
            p { "There is no finding about what the audit could check." }
        }
        @if closing.first {
            p.muted { "This is the first audit." }
        } @else if summary.opened + summary.worsened + summary.resolved > 0 {
            p.muted { (summary.opened) " new, " (summary.worsened) " worse, " (summary.resolved) " resolved since the last audit." }
        }
        @for open in &closing.resolved {
            p.resolved { span.badge.ok { "resolved" } " " (open.finding.title) ": " code { (open.finding.subject) } }
        }
    }
}

fn more_findings(severity: Severity, left_out: usize) -> String {
    html! { @if left_out > 0 { p.muted { (grouped(left_out)) " more of severity " (severity) " are in findings.csv, beside this page." } } }
        .into_string()
}

fn services_heading(summary: &Summary) -> String {
    html! {
        h2 { "Services" }
        @if summary.services == 0 { p { "No endpoint service of this account and Region is in scope." } }
        @else {
            p.legend {
                span.key.justified {} " justified " span.key.unjustified {} " not justified "
                span.key.pending {} " pending " span.key.not-judged {} " not judged"
            }
        }
    }
    .into_string()
}

fn bottom(header: &ReportHeader, summary: &Summary) -> String {
    let foot = html! {
        footer {
            h2 { "How this was judged" }
            dl {
                div { dt { "Policies" } dd { (header.policies) } }
                div { dt { "Policy digest" } dd { code { (header.policy_digest) } } }
                div { dt { "Run" } dd { code { (header.run) } } }
                div { dt { "Version" } dd { (header.function_version) } }
                div { dt { "Complete" } dd { @if summary.unseen.is_empty() { "yes" } @else { "no, see above" } } }
            }
        }
    };
    format!("{}</main></body></html>\n", foot.into_string())
}
