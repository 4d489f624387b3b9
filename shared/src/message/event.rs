//! The form for EventBridge: events for programs. `docs/event.schema.json` describes them, `docs/events.md` how to use them.
//!
//! A record is one event. A digest is one event for each change of a finding, and one for the requests that it only counts. An event may
//! be put on the bus more than once: its id is then the same.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    ledger::{
        counted::CountedRequests,
        digest::Digest,
        finding::Finding,
        record::{Record, RecordKey},
        stream::{Content, News},
    },
    message::{brief::brief, chat::subject_arn, escape, steps::POLICIES_MAX, wording::Wording},
    model::{printable::printable, severity::Severity},
};

/// The source of the events.
pub const SOURCE: &str = "privatelink-warden";
/// The version of the events' shape. Within a version, fields are only added.
pub const SCHEMA_VERSION: u32 = 1;
/// Bytes of one event, as EventBridge computes them. Its API takes 1 MB of entries in a call; earlier documents have 256 KB, and targets
/// have limits of their own.
pub const EVENT_BYTES_MAX: usize = 256 * 1024;

/// Characters of a summary.
const SUMMARY_CHARACTERS_MAX: usize = 1_000;
/// Bytes of an id, before they are written as hexadecimal digits.
const ID_BYTES: usize = 16;

/// An event for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The kind of event.
    pub detail_type: &'static str,
    /// The ARNs of the resources that it is about.
    pub resources: Vec<String>,
    /// The content: a JSON object.
    pub detail: String,
}

impl Event {
    /// Writes the events of a record or a digest. `policy_home` is the place where the policy set is edited.
    #[must_use]
    pub fn of(news: &News, policy_home: &str) -> Vec<Self> {
        match &news.content {
            Content::Decision(record) => {
                let event = decision(record, &news.item, policy_home);
                vec![if event.fits() { event } else { decision(&brief(record).0, &news.item, policy_home) }]
            }
            Content::Digest(digest) => digest_events(digest, &news.item),
        }
    }

    /// Returns the size as EventBridge computes it.
    #[must_use]
    pub fn bytes(&self) -> usize {
        SOURCE.len() + self.detail_type.len() + self.detail.len() + self.resources.iter().map(String::len).sum::<usize>()
    }

    fn fits(&self) -> bool {
        self.bytes() <= EVENT_BYTES_MAX
    }
}

fn decision(record: &Record, item: &RecordKey, policy_home: &str) -> Event {
    let wording = Wording::of(record, policy_home, &[]);
    let severity = Severity::of(record);
    let by = record.grant.as_ref().map(|grant| (&grant.by, &grant.reason));
    let by = by.or(record.refusal.as_ref().map(|refusal| (&refusal.by, &refusal.reason)));
    let detail = json!({
        "schema": SCHEMA_VERSION,
        "id": hash([&item.partition, &item.sort, &record.at.to_string()]),
        "correlation_id": hash([record.service().as_str(), record.subject().as_str()]),
        "status": if severity == Severity::Info { "closed" } else { "open" },
        "severity": severity,
        "title": inert(&wording.subject()),
        "summary": inert(&wording.what),
        "decision": record.verdict,
        "reason": record.refer.as_ref().map(|refer| refer.kind()),
        "why": wording.why,
        "claimed_reason": record.facts.claimed_reason(),
        "observe": record.observe,
        "service_id": record.service(),
        "service_name": wording.service_name,
        "subject": record.subject(),
        "kind": record.subject().kind(),
        "account": record.account(),
        "region": record.facts.service.region,
        "state": record.facts.connection.state,
        "requested_at": record.facts.connection.created,
        "decided_at": record.at,
        "policies": wording.policies.iter().take(POLICIES_MAX).map(|policy| &policy.id).collect::<Vec<_>>(),
        "policy_digest": record.policy_digest,
        "person": by.map(|(by, reason)| json!({"by": by, "reason": reason})),
        "failure": record.failure,
        "origin": record.origin,
        "actions": wording.actions,
        "next_steps": wording.steps,
    });
    Event { detail_type: "Connection Decision", resources: subject_arn(record).into_iter().collect(), detail: detail.to_string() }
}

fn digest_events(digest: &Digest, item: &RecordKey) -> Vec<Event> {
    let opened = digest.opened.iter().map(|finding| ("opened", finding, Value::Null));
    let worsened = digest.worsened.iter().map(|finding| ("worsened", finding, Value::Null));
    let resolved = digest.resolved.iter().map(|resolved| ("resolved", &resolved.finding, json!(resolved.since)));
    let changes = opened.chain(worsened).chain(resolved).map(|(change, finding, since)| {
        let event = |finding: &Finding| finding_event(digest, item, change, finding, &since);
        let whole = event(finding);
        if whole.fits() { whole } else { event(&Finding { evidence: Default::default(), next: Vec::new(), ..finding.clone() }) }
    });
    changes.chain(digest.counted.iter().map(|counted| counted_event(digest, item, counted))).collect()
}

fn finding_event(digest: &Digest, item: &RecordKey, change: &str, finding: &Finding, since: &Value) -> Event {
    let run = &digest.run;
    let detail = json!({
        "schema": SCHEMA_VERSION,
        "id": hash([&item.partition, &item.sort, change, &finding.id]),
        "correlation_id": hash([run.region.as_str(), &finding.id]),
        "status": if change == "resolved" { "closed" } else { "open" },
        "severity": finding.severity,
        "title": inert(&escape::subject(&format!("PrivateLink audit: {change}: {}: {}", finding.title, finding.subject))),
        "summary": inert(&finding.what),
        "change": change,
        "finding": finding.id,
        "kind": finding.kind,
        "subject": finding.subject,
        "service_id": finding.subject.service(),
        "account": finding.account,
        "evidence": finding.evidence,
        "since": since,
        "next_steps": finding.next,
        "run": run.id,
        "region": run.region,
        "audited_at": run.at,
        "policy_digest": run.policy_digest,
        "report": run.report,
    });
    Event { detail_type: "Audit Finding", resources: Vec::new(), detail: detail.to_string() }
}

fn counted_event(digest: &Digest, item: &RecordKey, counted: &CountedRequests) -> Event {
    let run = &digest.run;
    let title = format!("PrivateLink audit: {} requests that were not told one by one", counted.requests);
    let detail = json!({
        "schema": SCHEMA_VERSION,
        "id": hash([&item.partition, &item.sort, "counted"]),
        "correlation_id": hash([run.region.as_str(), "counted"]),
        "status": "closed",
        "severity": Severity::Info,
        "title": title,
        "summary": format!("{title}, in {}.", run.region),
        "requests": counted.requests,
        "unlisted": counted.unlisted,
        "lines": counted.lines,
        "run": run.id,
        "region": run.region,
        "audited_at": run.at,
    });
    Event { detail_type: "Requests Counted", resources: Vec::new(), detail: detail.to_string() }
}

/// Returns a text for a place in a JSON template. EventBridge's input transformer puts values there as they are.
fn inert(text: &str) -> String {
    printable(text, SUMMARY_CHARACTERS_MAX).replace('"', "'").replace('\\', "/")
}

/// Returns an id that is the same whenever the parts are the same.
fn hash<const N: usize>(parts: [&str; N]) -> String {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(format!("{}:{part}", part.len())));
    hash.finalize().iter().take(ID_BYTES).map(|byte| format!("{byte:02x}")).collect()
}
