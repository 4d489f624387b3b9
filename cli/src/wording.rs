//! The words for decisions, records and their subjects that several commands print.

use std::collections::BTreeSet;

use jiff::Timestamp;
use warden::{
    decision::{Action, Decision, NoAction},
    ledger::record::Record,
    model::{connection::Connection, service::Service},
    policy::{Answer, Judgement, PolicyId, UnknownFact, evaluation::Refer},
};

/// The action of a decision, and the reason for it.
pub(crate) fn decision(decision: &Decision) -> (String, String) {
    let judgement = decision.grounds.judgement.as_ref();
    let (action, reason) = match (&decision.action, &decision.grounds.grant) {
        (Action::Accept(_), Some(grant)) => ("accept", format!("granted by {}: {}", grant.by, grant.reason)),
        (Action::Accept(_), None) => ("accept", ids(judgement.map(|judgement| &judgement.accept))),
        (Action::Reject(_), _) => ("reject", ids(judgement.map(|judgement| &judgement.reject))),
        (Action::Refer(why), _) => ("refer", refer(why, judgement)),
        (Action::NoAction(NoAction::Live), _) => ("no action", "already connected".to_owned()),
        (Action::NoAction(NoAction::Gone), _) => ("no action", "no longer pending".to_owned()),
    };
    (action.to_owned(), reason)
}

fn refer(why: &Refer, judgement: Option<&Judgement>) -> String {
    match why {
        Refer::NoPermit => "no policy allows it".to_owned(),
        Refer::Forbidden => format!("forbidden by {}", ids(judgement.map(|judgement| &judgement.accept))),
        Refer::Contradiction => "both accept and reject are allowed".to_owned(),
        Refer::PolicyError => {
            let errors = judgement.into_iter().flat_map(Judgement::errors);
            let mut ids: Vec<&str> = errors.map(|error| error.id.as_ref().map_or("(request)", PolicyId::as_str)).collect();
            ids.dedup();
            format!("{} cannot be evaluated", ids.join(", "))
        }
        Refer::Missing { fact } => fact.to_string(),
        Refer::Unverified { needs } => unverified(needs, judgement),
        Refer::Inactive { state } => format!("the account is {state} in its organization"),
        Refer::UnknownState { state } => format!("AWS does not document its state `{state}`"),
        Refer::Disputed { claimed } => format!("the event names another owner, {claimed}"),
    }
}

fn unverified(needs: &BTreeSet<UnknownFact>, judgement: Option<&Judgement>) -> String {
    let mut ids: Vec<&str> = judgement.into_iter().flat_map(Judgement::residual).map(|policy| policy.id.as_str()).collect();
    ids.dedup();
    match ids.as_slice() {
        // No policy depends on the fact: a grant does.
        [] => format!("a grant depends on {}", unknown(needs)),
        [id] => format!("{id} depends on {}", unknown(needs)),
        ids => format!("{} depend on {}", ids.join(", "), unknown(needs)),
    }
}

pub(crate) fn unknown(facts: &BTreeSet<UnknownFact>) -> String {
    let labels: Vec<&str> = facts.iter().map(|fact| fact.label()).collect();
    format!("{}, which {} unknown", labels.join(" and "), if labels.len() == 1 { "is" } else { "are" })
}

/// The person or the policies behind a record, or the reason why there is no decision.
pub(crate) fn basis(record: &Record) -> String {
    match (&record.refusal, &record.grant, &record.failure, &record.refer) {
        (Some(refusal), ..) => format!("{}: {}", refusal.by, refusal.reason),
        (_, Some(grant), ..) => format!("{}: {}", grant.by, grant.reason),
        (_, _, Some(failure), _) => format!("EC2: {}", failure.code),
        (_, _, _, Some(why)) => refer(why, record.judgement.as_ref()),
        (None, None, None, None) => record.policies().iter().map(PolicyId::as_str).collect::<Vec<_>>().join(", "),
    }
}

fn ids(answer: Option<&Answer>) -> String {
    let policies = answer.into_iter().flat_map(|answer| &answer.policies);
    policies.map(|policy| policy.id.as_str()).collect::<Vec<_>>().join(", ")
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
