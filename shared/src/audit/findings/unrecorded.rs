use crate::audit::definition::{Check, ConnectionView, Definition, Evidence, Finding, FindingKind, Severity};
use crate::audit::justification::Justification;
use crate::audit::thresholds::Thresholds;
use crate::ledger::history::SubjectHistory;
use crate::model::connection::{Phase, State};

pub(super) static DEFINITION: Definition = Definition {
    kind: FindingKind::new("unrecorded"),
    title: "Connected, and not on the ledger",
    description: "A live connection without a record of its acceptance and without a grant.",
    severity: Severity::Warning,
    other_severity: Some((Severity::Info, "if the connection is justified")),
    needs: &[Evidence::Connections, Evidence::Ledger],
    check: Check::Connection(check),
};

fn check(view: &ConnectionView<'_>) -> Option<Finding> {
    let established = view.phase() == Phase::Live && view.connection().state != State::Pending;
    let recorded = view.ledger.incomplete || view.ledger.history.is_some_and(SubjectHistory::is_recorded) || view.grants().next().is_some();
    if !established || recorded || !view.facts.service.acceptance_required {
        return None;
    }
    let age = view.age()?;
    if age < Thresholds::RECORD_DELAY_MAX || age > view.thresholds.retention {
        return None;
    }
    let justified = match view.justification() {
        Justification::Policy { .. } | Justification::Grant { .. } => true,
        Justification::Nothing | Justification::NotConnected | Justification::Unknown { .. } => false,
    };
    let what = format!("{} is connected, and the ledger has no record of the acceptance.", view.owner());
    let finding = DEFINITION.of_connection(view, &what).with_step(
        "Find out who accepted the connection: CloudTrail records AcceptVpcEndpointConnections. To keep it, grant it, and name that person in \
         the reason",
    );
    Some(Finding { severity: DEFINITION.severity_if(justified), ..finding })
}
