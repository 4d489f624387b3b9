use jiff::{SignedDuration, Timestamp};

use crate::audit::definition::{Check, ConnectionView, Definition, Evidence, Finding, FindingKind, Severity};
use crate::audit::justification::Justification;
use crate::audit::text::{counted, minute};
use crate::decision::grant::Grant;

pub(super) static DEFINITION: Definition = Definition {
    kind: FindingKind::new("expiring-soon"),
    title: "Its justification ends soon",
    description: "A live connection whose policy or grant ends within `ExpiringDays`, unless the other one goes on.",
    severity: Severity::Warning,
    other_severity: None,
    needs: &[Evidence::Connections, Evidence::Ledger, Evidence::Judgement],
    check: Check::Connection(check),
};

fn check(view: &ConnectionView<'_>) -> Option<Finding> {
    let soon = view.facts.now + view.thresholds.expiring_within;
    let grant = Grant::covering(view.ledger.grants, view.connection(), view.facts.now);
    if grant.is_some_and(|grant| grant.holds(soon)) {
        return None;
    }
    match view.justification() {
        Justification::Policy { .. } => policy_ends(view, soon),
        Justification::Grant { .. } => grant_ends(view, grant?),
        Justification::Nothing | Justification::NotConnected | Justification::Unknown { .. } => None,
    }
}

fn policy_ends(view: &ConnectionView<'_>, soon: Timestamp) -> Option<Finding> {
    const DAY: SignedDuration = SignedDuration::from_hours(24);
    if view.accepts_at(soon) {
        return None;
    }
    let ends = |days: &i64| !view.accepts_at(view.facts.now + DAY * i32::try_from(*days).unwrap_or(i32::MAX));
    let last = view.thresholds.expiring_within.as_hours() / 24;
    let within = (1..=last).find(ends).unwrap_or(last + 1);
    let what = format!("{}'s acceptance by the policy ends within {}.", view.owner(), counted(within, "day"));
    Some(DEFINITION.of_connection(view, &what).with_step("Extend the policy's time limit, or tell the consumer"))
}

fn grant_ends(view: &ConnectionView<'_>, grant: &Grant) -> Option<Finding> {
    let what = format!("{}'s grant ends {}.", view.owner(), minute(grant.until?));
    let finding = DEFINITION
        .of_connection(view, &what)
        .with_evidence("granted by", &grant.by)
        .with_evidence("reason", &grant.reason)
        .with_step("Grant it again, add it to the policy, or tell the consumer");
    Some(finding)
}
