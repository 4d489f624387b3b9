//! The live connections that neither a policy nor a grant justifies, and those of them that a person has to decide one by one.

use jiff::Timestamp;
use warden::{
    audit::admission_order::AdmissionOrder,
    decision::{Action, Decision},
    model::{
        connection::{Connection, Phase},
        ids::AccountId,
    },
    policy::{UnknownFact, evaluation::Refer},
};

use crate::{
    output::bar,
    plan::{Judge, Planned},
    wording::{self, account, decision, minute, service_name},
};

/// A connection to adopt.
pub(super) struct Candidate<'a> {
    pub(super) of: &'a Planned,
    pub(super) connection: &'a Connection,
    pub(super) owner: &'a AccountId,
}

/// What is connected.
#[derive(Default)]
pub(super) struct Found<'a> {
    pub(super) candidates: Vec<Candidate<'a>>,
    /// The connections that are not justified and that no adoption answers, each with the reason.
    pub(super) left_out: Vec<String>,
    /// The number of connections that a policy or a grant justifies.
    pub(super) justified: usize,
}

pub(super) async fn find<'a>(judge: &Judge<'_>, services: &'a [Planned]) -> Found<'a> {
    let mut found = Found::default();
    let bar = bar(services.len(), "services");
    for of in services {
        let order = order(of);
        for connection in of.connections.iter().filter(|connection| connection.state.phase() == Phase::Live) {
            let decided = judge.live(of, connection, &order).await;
            if matches!(decided.action, Action::Accept(_)) {
                found.justified += 1;
                continue;
            }
            match (left_to_a_person(of, connection, &decided, judge.now), &connection.owner) {
                (Some(why), _) => found.left_out.push(note(of, connection, &why)),
                (None, None) => found.left_out.push(note(of, connection, "EC2 does not name the account")),
                (None, Some(owner)) => found.candidates.push(Candidate { of, connection, owner }),
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    found
}

/// Judges candidates again with the set that adopts them. Returns a note about each that it does not accept.
pub(super) async fn still_unjustified(judge: &Judge<'_>, candidates: &[Candidate<'_>]) -> Vec<String> {
    let mut notes = Vec::new();
    for Candidate { of, connection, .. } in candidates {
        let decided = judge.live(of, connection, &order(of)).await;
        if !matches!(decided.action, Action::Accept(_)) {
            notes.push(note(of, connection, &decision(&decided).1));
        }
    }
    notes
}

/// The reason why an adoption would undo or anticipate a person's decision.
fn left_to_a_person(of: &Planned, connection: &Connection, decided: &Decision, now: Timestamp) -> Option<String> {
    let ended = of.people.grants.iter().filter(|grant| grant.applies_to(connection)).max_by_key(|grant| grant.at);
    if let Some(refusal) = of.people.refusal(connection, now) {
        return Some(format!("refused by {}", wording::person(&refusal.by, &refusal.reason)));
    }
    if let Some(grant) = ended.filter(|grant| !grant.holds(now)) {
        return Some(match (&grant.ended, grant.until) {
            (Some(ended), _) => format!("its grant was ended on {} by {}", minute(ended.at), wording::person(&ended.by, &ended.reason)),
            (None, Some(until)) => format!("its grant of {} expired on {}", wording::person(&grant.by, &grant.reason), minute(until)),
            (None, None) => "its grant has ended".to_owned(),
        });
    }
    if !of.people.unreadable.is_empty() {
        return Some("a person's decision about the service cannot be read: upgrade".to_owned());
    }
    match &decided.action {
        Action::Refer(Refer::Unverified { needs }) if needs.contains(&UnknownFact::Organization) => Some(decision(decided).1),
        Action::Refer(Refer::Inactive { .. }) => Some(decision(decided).1),
        Action::Accept(_) | Action::Reject(_) | Action::Refer(_) | Action::NoAction(_) => None,
    }
}

fn order(of: &Planned) -> AdmissionOrder {
    let mut order = AdmissionOrder::default();
    order.count(&of.connections, of.history.as_ref());
    order.sorted()
}

fn note(of: &Planned, connection: &Connection, why: &str) -> String {
    format!("{} of account {} on {}: {why}", connection.subject, account(connection), service_name(&of.service))
}
