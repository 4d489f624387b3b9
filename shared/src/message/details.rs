//! The details at the end of a message.

use jiff::Timestamp;

use crate::{ledger::record::Record, model::printable::printable};

pub(super) fn details(record: &Record, account: &str, service_name: &str) -> Vec<(&'static str, String)> {
    let connection = &record.facts.connection;
    let mut details = vec![
        ("Account", account.to_owned()),
        (if record.subject().attachment().is_some() { "Attachment" } else { "Endpoint" }, record.subject().to_string()),
        ("Service", format!("{} ({service_name})", record.service())),
        ("Region", record.facts.service.region.to_string()),
        ("State at the decision", printable(connection.state.as_str(), 40)),
        ("Requested", connection.created.map_or_else(|| "unknown".to_owned(), second)),
        ("Decided", second(record.at)),
    ];
    if let Some(region) = connection.region.as_ref().filter(|region| **region != record.facts.service.region) {
        details.push(("Consumer's Region", region.to_string()));
    }
    if let Some(member) = record.facts.membership.member() {
        let name = member.name.as_deref().map(|name| format!(" ({})", printable(name, 80))).unwrap_or_default();
        details.push(("In the organization", format!("{}{name}", printable(member.units.last().map_or("", String::as_str), 80))));
    }
    if let Some(role) = record.facts.requester() {
        details.push(("Requested by", printable(role.as_str(), 200)));
    }
    if record.observe {
        details.push(("Mode", "observe: nothing is accepted or rejected".to_owned()));
    }
    details.push(("Policy digest", short(&record.policy_digest)));
    details
}

/// Returns a time to the second.
pub(super) fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Returns the beginning of a digest.
pub(super) fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}
