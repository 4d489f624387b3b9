use crate::audit::definition::{Check, Definition, Evidence, Finding, FindingKind, ServiceView, Severity};
use crate::model::principal::Principal;

pub(super) static DEFINITION: Definition = Definition {
    kind: FindingKind::new("acceptance-disabled"),
    title: "Acceptance is switched off",
    description: "A service that does not require acceptance: AWS connects every allowed principal at once.",
    severity: Severity::Warning,
    other_severity: Some((Severity::Critical, "if `*` is an allowed principal")),
    needs: &[Evidence::Configuration, Evidence::Permissions],
    check: Check::Service(check),
};

fn check(view: &ServiceView<'_>) -> Option<Finding> {
    if view.service.acceptance_required {
        return None;
    }
    let anyone = view.permissions.into_iter().flatten().any(|permission| permission.principal == Principal::Anyone);
    let who = if anyone { "Every AWS account" } else { "Every allowed principal" };
    let what = format!("{who} is connected at once: the service does not require acceptance, so no policy is evaluated.");
    let finding = DEFINITION
        .finding(view.subject(), &what)
        .with_service_name(view.service)
        .with_evidence("acceptance required", "false")
        .with_command(
            "Require acceptance (existing connections stay)",
            view.command("modify-vpc-endpoint-service-configuration", "--acceptance-required"),
        );
    Some(Finding { severity: DEFINITION.severity_if(anyone), ..finding })
}
