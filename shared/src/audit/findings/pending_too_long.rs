use jiff::SignedDuration;

use crate::audit::definition::{Check, ConnectionView, Definition, Evidence, Finding, FindingKind, Severity};
use crate::audit::text::duration;
use crate::model::connection::Phase;

/// The ages of a request, in days, at which the finding is published again.
const REMINDER_DAYS: [i64; 5] = [1, 3, 7, 14, 30];

pub(super) static DEFINITION: Definition = Definition {
    kind: FindingKind::new("pending-too-long"),
    title: "Waiting for a person",
    description: "A request that has waited for a person, or for the end of a hold, for `WaitingHours`. It is published again after 1, 3, 7, 14 and 30 days.",
    severity: Severity::Warning,
    other_severity: None,
    needs: &[Evidence::Connections, Evidence::Ledger, Evidence::Judgement],
    check: Check::Connection(check),
};

fn check(view: &ConnectionView<'_>) -> Option<Finding> {
    let (_, age) = (view.judged()?, view.age()?);
    let threshold = view.thresholds.waiting_after;
    let waits_for_person = view.allowed_since().is_none() || view.ledger.hold.is_some();
    if view.phase() != Phase::Waiting || !waits_for_person || age < threshold {
        return None;
    }
    let awaited = if view.ledger.hold.is_some() { "the end of a hold" } else { "a person's decision" };
    let what = format!("{}'s request has waited {} for {awaited}.", view.owner(), duration(age));
    let finding = view
        .with_hold(DEFINITION.of_connection(view, &what))
        .with_command("Accept the request", view.order("approve"))
        .with_command("Reject the request", view.order("reject"));
    let reminders = REMINDER_DAYS.map(|days| SignedDuration::from_hours(days * 24));
    let level = reminders.iter().filter(|after| **after > threshold && age >= **after).count();
    Some(Finding { level: u32::try_from(level).unwrap_or(u32::MAX), ..finding })
}
