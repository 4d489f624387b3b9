use crate::audit::definition::{Check, ConnectionView, Definition, Evidence, Finding, FindingKind, Severity};
use crate::audit::text::{duration, list};
use crate::ledger::record::Verdict;
use crate::model::mode::Mode;

pub(super) static DEFINITION: Definition = Definition {
    kind: FindingKind::new("overdue"),
    title: "Allowed, and still pending",
    description: "A pending request that the policy or a grant has accepted for `OverdueMinutes`, unless the service is on hold.",
    severity: Severity::Critical,
    other_severity: None,
    needs: &[Evidence::Connections, Evidence::Ledger, Evidence::Judgement],
    check: Check::Connection(check),
};

fn check(view: &ConnectionView<'_>) -> Option<Finding> {
    let (since, judged) = (view.allowed_since()?, view.judged()?);
    let allowed_for = view.facts.now.duration_since(view.connection().created?.max(since));
    let on_hold = view.ledger.hold.is_some() || view.ledger.hold_unknown;
    if allowed_for < view.thresholds.overdue_after || on_hold || is_observed(view) {
        return None;
    }
    let what = format!("{} is allowed to connect, but its request has been pending for {}.", view.owner(), duration(view.age()?));
    let finding = DEFINITION
        .of_connection(view, &what)
        .with_evidence("policies", list(judged.judgement.accept.policies.iter().map(|policy| &policy.id)))
        .with_step("Find out why no event and no sweep answered the request: see the log of `approve` and its queues of failures")
        .with_command("Accept the request", view.order("approve"));
    Some(finding)
}

/// Observe mode accepts nothing, so no count rises: a request that was referred for a cap looks allowed later. It rejects nothing
/// either: a request that a person refused stays pending.
fn is_observed(view: &ConnectionView<'_>) -> bool {
    let told = view.ledger.history.and_then(|history| history.pending.as_ref());
    let observed = [Verdict::ObservedAccept, Verdict::ObservedReject, Verdict::Referred];
    let is_observed = told.is_some_and(|told| observed.iter().any(|verdict| told.tells(*verdict)));
    view.thresholds.mode.of_service(&view.facts.service) == Mode::Observe && (view.ledger.incomplete || is_observed)
}
