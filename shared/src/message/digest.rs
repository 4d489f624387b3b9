//! The message about an audit's digest.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    ledger::{
        counted::{CountedLine, CountedRequests},
        digest::{Digest, Resolved, Totals},
        finding::{Finding, Step},
    },
    message::{
        details::{second, short},
        escape,
        forms::Message,
    },
    model::{printable::printable, severity::Severity},
};

/// Characters of a text in a finding.
const QUOTE_CHARACTERS_MAX: usize = 500;

impl Message {
    /// Writes the message about a digest, with notes of the sender.
    #[must_use]
    pub fn of_digest(digest: &Digest, notes: &[String]) -> Self {
        // A body with all forms may be too long for SNS. Then it lists fewer changes.
        let mut messages = [usize::MAX, 12, 6, 3, 1].into_iter().map(|max| Self::of_some(digest, notes, max));
        messages.find(Self::fits).unwrap_or_else(|| Self::of_some(digest, notes, 0))
    }

    fn of_some(digest: &Digest, notes: &[String], max: usize) -> Self {
        let severity = digest.severity();
        let mut digest = digest.clone();
        digest.opened.truncate(max);
        digest.worsened.truncate(max);
        digest.resolved.truncate(max);
        let digest = &digest;
        Self {
            subject: escape::subject(&subject(digest)),
            text: text(digest, notes),
            json: program_form(digest, notes, severity).to_string(),
            chat: chat(digest, notes, severity).to_string(),
            attributes: vec![("decision", "audit".to_owned()), ("severity", severity.to_string())],
        }
    }
}

fn subject(digest: &Digest) -> String {
    let totals = digest.totals;
    let alert = if digest.severity() == Severity::Critical { " ALERT" } else { "" };
    let parts = [(totals.opened, "new"), (totals.worsened, "worse"), (totals.resolved, "resolved")];
    let parts = parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
    let counted = digest.counted.as_ref().map(|counted| format!("{} more requests", counted.requests));
    let parts: Vec<String> = parts.chain(counted).collect();
    format!("PrivateLink audit{alert}: {} in {}", parts.join(", "), digest.run.region)
}

fn text(digest: &Digest, notes: &[String]) -> String {
    let mut text = format!("{}\n", headline(digest));
    notes.iter().for_each(|note| text.push_str(&format!("{note}\n")));
    for (heading, findings, total) in
        [("New", &digest.opened, digest.totals.opened), ("Worse than before", &digest.worsened, digest.totals.worsened)]
    {
        if total == 0 {
            continue;
        }
        text.push_str(&format!("\n{heading}\n"));
        findings.iter().for_each(|finding| text.push_str(&entry(finding)));
        text.push_str(&more(total, findings.len()));
    }
    if digest.totals.resolved > 0 {
        text.push_str("\nResolved\n");
        digest.resolved.iter().for_each(|resolved| text.push_str(&resolved_entry(resolved)));
        text.push_str(&more(digest.totals.resolved, digest.resolved.len()));
    }
    if let Some(counted) = &digest.counted {
        text.push_str("\nRequests that you were not told of one by one\n");
        counted_lines(counted).iter().for_each(|line| text.push_str(&format!("- {}\n", plain(line))));
    }
    if !digest.run.unseen.is_empty() {
        text.push_str("\nNot read, so its findings stay open\n");
        digest.run.unseen.iter().for_each(|what| text.push_str(&format!("- {}\n", plain(what))));
    }
    text.push_str("\nDetails\n");
    if let Some(report) = &digest.run.report {
        text.push_str(&format!("  Report: {}\n", plain(report)));
        if report.starts_with("s3://") {
            text.push_str(&format!("    aws s3 cp {} report.html\n", plain(report)));
        }
    }
    text.push_str(&format!("  Region: {}\n  Audited: {}\n", digest.run.region, second(digest.run.at)));
    text.push_str(&format!("  Policy digest: {}\n", short(&digest.run.policy_digest)));
    text
}

fn headline(digest: &Digest) -> String {
    let open = |severity| digest.open.get(&severity).copied().unwrap_or_default();
    if digest.totals == Totals::default() {
        return "Some accounts sent more requests than you were told of one by one. No finding changed.".to_owned();
    }
    let counted: Vec<String> =
        Severity::ALL.iter().filter(|severity| open(**severity) > 0).map(|severity| format!("{} {severity}", open(*severity))).collect();
    match counted.as_slice() {
        [] if digest.run.unseen.is_empty() => "All findings about your endpoint services are resolved.".to_owned(),
        [] => "The audit of your endpoint services could not read everything. No finding is open.".to_owned(),
        _ => format!("The findings about your endpoint services changed. Open now: {}.", counted.join(", ")),
    }
}

/// The requests that were not told one by one, the largest numbers first.
fn counted_lines(counted: &CountedRequests) -> Vec<String> {
    let line = |line: &CountedLine| {
        let account = line.account.as_ref().map_or_else(|| "other accounts".to_owned(), |account| format!("account {account}"));
        let verdicts: Vec<String> = line.verdicts.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
        format!("{} more requests of {account} on {} since {} ({})", line.requests(), line.service, line.since, verdicts.join(", "))
    };
    let rest = (counted.unlisted > 0).then(|| format!("{} more requests of further accounts", counted.unlisted));
    counted.lines.iter().map(line).chain(rest).collect()
}

fn entry(finding: &Finding) -> String {
    let mut text = format!(
        "- [{}] {}: {}\n    {}\n",
        finding.severity,
        plain(&finding.title),
        plain(&finding.subject.to_string()),
        plain(&finding.what)
    );
    for Step { what, command } in &finding.next {
        text.push_str(&format!("    > {}\n", plain(what)));
        if let Some(command) = command {
            text.push_str(&format!("        {}\n", plain(command)));
        }
    }
    text
}

fn resolved_entry(resolved: &Resolved) -> String {
    let finding = &resolved.finding;
    format!("- {}: {} (was open for {})\n", plain(&finding.title), plain(&finding.subject.to_string()), open_for(resolved))
}

fn open_for(resolved: &Resolved) -> String {
    match SignedDuration::from_secs(resolved.open_seconds).as_secs() {
        seconds @ 172_800.. => format!("{} days", seconds / 86_400),
        seconds @ 7_200.. => format!("{} hours", seconds / 3_600),
        seconds @ 120.. => format!("{} minutes", seconds / 60),
        seconds => format!("{seconds} seconds"),
    }
}

fn more(total: usize, listed: usize) -> String {
    if total > listed { format!("- and {} more: see the report\n", total - listed) } else { String::new() }
}

fn plain(text: &str) -> String {
    printable(text, QUOTE_CHARACTERS_MAX)
}

fn program_form(digest: &Digest, notes: &[String], severity: Severity) -> Value {
    json!({
        "schema": digest.schema,
        "decision": "audit",
        "severity": severity,
        "run": digest.run.id,
        "region": digest.run.region,
        "audited_at": digest.run.at,
        "totals": digest.totals,
        "open": digest.open,
        "opened": digest.opened,
        "worsened": digest.worsened,
        "resolved": digest.resolved.iter().map(|resolved| json!({
            "id": resolved.finding.id, "kind": resolved.finding.kind, "severity": resolved.finding.severity,
            "subject": resolved.finding.subject, "since": resolved.since, "open_seconds": resolved.open_seconds,
        })).collect::<Vec<_>>(),
        "counted": digest.counted,
        "unseen": digest.run.unseen,
        "report": digest.run.report,
        "policy_digest": digest.run.policy_digest,
        "notes": notes,
        "text": text(digest, notes),
    })
}

fn chat(digest: &Digest, notes: &[String], severity: Severity) -> Value {
    let lines = |findings: &[Finding]| {
        findings
            .iter()
            .map(|finding| {
                format!("• {} {}: {}", finding.severity, escape::markdown(&finding.title), escape::markdown(&plain(&finding.what)))
            })
            .collect::<Vec<_>>()
    };
    let resolved = digest.resolved.iter().map(|resolved| {
        format!(
            "• resolved: {}, {}",
            escape::markdown(&resolved.finding.title),
            escape::markdown(&plain(&resolved.finding.subject.to_string()))
        )
    });
    let counted = digest.counted.iter().flat_map(counted_lines).map(|line| format!("• {}", escape::markdown(&line)));
    let notes = notes.iter().map(|note| escape::markdown(note));
    let description: Vec<String> = std::iter::once(headline(digest))
        .chain(notes)
        .chain(lines(&digest.opened))
        .chain(lines(&digest.worsened))
        .chain(resolved)
        .chain(counted)
        .collect();
    json!({
        "version": "1.0",
        "source": "custom",
        "id": format!("audit/{}", digest.run.id),
        "content": {
            "textType": "client-markdown",
            "title": escape::markdown(&escape::subject(&subject(digest))),
            "description": description.join("\n"),
            "nextSteps": digest.run.report.iter().map(|report| format!("Report: `{}`", plain(report))).collect::<Vec<_>>(),
            "keywords": ["audit", severity.as_str()],
        },
        "metadata": {
            // All audits of a Region form one thread.
            "threadId": format!("audit-{}", digest.run.region),
            "summary": headline(digest),
            "eventType": "audit",
            "relatedResources": Value::Array(Vec::new()),
            "additionalContext": { "region": digest.run.region.as_str(), "policy": digest.run.policy_digest },
        },
    })
}
