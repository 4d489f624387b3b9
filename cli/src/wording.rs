//! The words for decisions, records and their subjects that several commands print.

use std::collections::BTreeSet;

use jiff::{Timestamp, tz::TimeZone};
use warden::{
    decision::{
        Action, Decision, Hold,
        grant::{Grant, Grantee},
        order::REASON_CHARACTERS_MAX,
    },
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

/// The person or the policies behind a record, or the reason why there is no decision; then what the requester claims.
pub(crate) fn basis(record: &Record) -> String {
    let claim = record.facts.claimed_reason().map(|reason| format!(" (claimed by the requester: \"{reason}\")"));
    decided_by(record) + &claim.unwrap_or_default()
}

fn decided_by(record: &Record) -> String {
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

/// A tag of AWS has at most 256 characters.
const NAME_CHARACTERS_MAX: usize = 256;

/// The endpoint or account of a grant, such as "account 111122223333".
pub(crate) fn grantee(to: &Grantee) -> String {
    match to {
        Grantee::Subject(subject) => subject.to_string(),
        Grantee::Account(account) => format!("every endpoint of account {account}"),
    }
}

/// The end of a grant as a person gave it, such as "until 2026-07-01 12:00 UTC".
pub(crate) fn term(grant: &Grant) -> String {
    grant.until.map_or_else(|| "without an end".to_owned(), |until| format!("until {}", moment(until)))
}

/// The `Name` tag of a service, or its id.
pub(crate) fn service_name(service: &Service) -> String {
    service.tags.get("Name").map_or_else(|| service.id.to_string(), |name| printable(name, NAME_CHARACTERS_MAX))
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

/// A time in UTC and, where it differs, in local time.
pub(crate) fn moment(at: Timestamp) -> String {
    local(at, TimeZone::system()).map_or_else(|| minute(at), |local| format!("{} ({local} local time)", minute(at)))
}

/// A time in a zone with its offset. `None` if the zone's time is UTC.
pub(crate) fn local(at: Timestamp, zone: TimeZone) -> Option<String> {
    let zoned = at.to_zoned_datetime(zone);
    (!zoned.offset().is_zero()).then(|| zoned.strftime("%Y-%m-%d %H:%M %:z").to_string())
}

pub(crate) fn counted(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

#[cfg(test)]
mod tests {
    use jiff::tz::Offset;

    use super::*;

    #[test]
    fn local_time_has_its_offset() {
        let at = "2026-06-30T23:30:00Z".parse().unwrap();
        let zone = |hours| TimeZone::fixed(Offset::constant(hours));
        assert_eq!(local(at, zone(2)).as_deref(), Some("2026-07-01 01:30 +02:00"));
        assert_eq!(local(at, zone(0)), None);
    }
}
