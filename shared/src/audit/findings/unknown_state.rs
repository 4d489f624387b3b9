use crate::audit::definition::{Check, ConnectionView, Definition, Evidence, Finding, FindingKind, Severity};
use crate::decision::order::describe_command;
use crate::model::connection::Phase;

pub(super) static DEFINITION: Definition = Definition {
    kind: FindingKind::new("unknown-state"),
    title: "In an unknown state",
    description: "A connection in a state that this version does not know.",
    severity: Severity::Warning,
    other_severity: None,
    needs: &[Evidence::Connections, Evidence::Ledger],
    check: Check::Connection(check),
};

fn check(view: &ConnectionView<'_>) -> Option<Finding> {
    if view.phase() != Phase::Unknown {
        return None;
    }
    let state = view.connection().state.as_str();
    let what = format!("{} has a connection in the state `{state}`, which this version does not know.", view.owner());
    let describe = describe_command(&view.connection().subject, &view.thresholds.region);
    let finding = DEFINITION.of_connection(view, &what).with_step("Look for a newer version of the warden");
    Some(finding.with_command("Describe the connection", describe))
}
