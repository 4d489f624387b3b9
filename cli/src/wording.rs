//! The words for decisions, records and their subjects that several commands print.

use std::collections::BTreeSet;

use jiff::Timestamp;
use warden::{
    decision::{Action, Decision, Hold, order::REASON_CHARACTERS_MAX},
    ledger::record::Record,
    model::{connection::Connection, printable::printable, service::Service},
    policy::{Detail, PolicyId, UnknownFact},
};

/// The action of a decision, and the reason for it.
pub(crate) fn decision(decision: &Decision) -> (String, String) {
    let action = match &decision.action {
        Action::Accept(_) => "accept",
        Action::Reject(_) => "reject",
        Action::Refer(_) => "refer",
        Action::NoAction(_) => "no action",
    };
    (action.to_owned(), decision.clause(Detail::Brief))
}

/// A hold: who, since when, why.
pub(crate) fn hold(hold: &Hold) -> String {
    format!("held by {} since {}: {}", printable(&hold.by, 200), minute(hold.at), printable(&hold.reason, REASON_CHARACTERS_MAX))
}

pub(crate) fn unknown(facts: &BTreeSet<UnknownFact>) -> String {
    let labels: Vec<&str> = facts.iter().map(|fact| fact.label()).collect();
    format!("{}, which {} unknown", labels.join(" and "), if labels.len() == 1 { "is" } else { "are" })
}

/// The person or the policies behind a record, or the reason why there is no decision.
pub(crate) fn basis(record: &Record) -> String {
    match (&record.failure, &record.refer, &record.refusal, &record.grant) {
        (Some(failure), ..) => format!("EC2: {}", failure.code),
        (None, Some(refer), ..) => refer.clause(record.judgement.as_ref(), Detail::Brief),
        (None, None, Some(refusal), _) => person(&refusal.by, &refusal.reason),
        (None, None, None, Some(grant)) => person(&grant.by, &grant.reason),
        (None, None, None, None) => record.policies().iter().map(PolicyId::as_str).collect::<Vec<_>>().join(", "),
    }
}

/// A person, as AWS names them, and their reason.
pub(crate) fn person(by: &str, reason: &str) -> String {
    format!("{}: {}", printable(by, 200), printable(reason, REASON_CHARACTERS_MAX))
}

/// The `Name` tag of a service, or its id.
pub(crate) fn service_name(service: &Service) -> String {
    service.tags.get("Name").cloned().unwrap_or_else(|| service.id.to_string())
}

pub(crate) fn account(connection: &Connection) -> String {
    connection.owner.as_ref().map_or_else(|| "unknown".to_owned(), ToString::to_string)
}

pub(crate) fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

pub(crate) fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

pub(crate) fn counted(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}
