use crate::audit::definition::{Check, ConnectionView, Definition, Evidence, Finding, FindingKind, Severity};
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
    let (region, endpoint) = (&view.thresholds.region, &view.connection().subject);
    let state = view.connection().state.as_str();
    let what = format!("{} has a connection in the state `{state}`, which this version does not know.", view.owner());
    let finding = DEFINITION.of_connection(view, &what).with_step("Look for a newer version of the warden").with_command(
        "Describe the connection",
        format!("aws ec2 describe-vpc-endpoint-connections --region {region} --filters Name=vpc-endpoint-id,Values={endpoint}"),
    );
    Some(finding)
}
