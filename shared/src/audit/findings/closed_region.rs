use crate::audit::definition::{Check, ConnectionView, Definition, Evidence, Finding, FindingKind, Severity};
use crate::model::connection::Phase;

pub(super) static DEFINITION: Definition = Definition {
    kind: FindingKind::new("closed-region"),
    title: "Connected from a closed Region",
    description: "A live connection from a Region that the service does not support.",
    severity: Severity::Warning,
    other_severity: None,
    needs: &[Evidence::Connections, Evidence::Ledger],
    check: Check::Connection(check),
};

fn check(view: &ConnectionView<'_>) -> Option<Finding> {
    let region = view.connection().region.as_ref().filter(|region| **region != view.facts.service.region)?;
    let supported = &view.configuration.regions;
    if view.phase() != Phase::Live || supported.is_empty() {
        return None;
    }
    let state = supported.iter().find(|supported| supported.region == *region).map(|supported| supported.state.as_str());
    if state.is_some_and(|state| !state.eq_ignore_ascii_case("closed")) {
        return None;
    }
    let what = format!("{} is connected from {region}, which the service no longer supports.", view.owner());
    let finding = DEFINITION.of_connection(view, &what).with_evidence("state of the Region", state.unwrap_or("not supported"));
    Some(view.with_revocation(finding))
}
