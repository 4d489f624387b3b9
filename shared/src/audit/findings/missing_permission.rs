use crate::audit::definition::{Check, Definition, Evidence, Finding, FindingKind, FindingSubject, ServiceView, Severity};
use crate::audit::text::list;
use crate::model::{ids::AccountId, subject::SubjectKind};

pub(super) static DEFINITION: Definition = Definition {
    kind: FindingKind::new("missing-permission"),
    title: "Allowed by policy, without permission",
    description: "An account that the policy names and whose first request it could accept now, or that has a grant, and that no permission covers.",
    severity: Severity::Warning,
    other_severity: None,
    needs: &[Evidence::Permissions, Evidence::MissingPermissions, Evidence::Grants],
    check: Check::Permissions(check),
};

fn check(view: &ServiceView<'_>) -> Vec<Finding> {
    view.missing_permissions().map(|(kind, account)| finding(view, kind, account)).collect()
}

fn finding(view: &ServiceView<'_>, kind: SubjectKind, account: &AccountId) -> Finding {
    let principal = format!("arn:{}:iam::{account}:root", view.thresholds.region.partition());
    let what = match kind {
        SubjectKind::Endpoint => format!(
            "A policy or a grant can accept account {account}, but no permission of the service covers it: it cannot find the service."
        ),
        SubjectKind::Attachment => {
            format!(
                "A policy can accept an attachment of account {account}, but no permission of the service lets it attach a transit gateway."
            )
        }
    };
    DEFINITION
        .finding(FindingSubject::Account { service: view.service.id.clone(), account: account.clone(), permission: kind }, &what)
        .with_service_name(view.service)
        .with_account(Some(account))
        .with_evidence("groups", list(view.policy.groups_of(account)))
        .with_command("Add the permission", view.permission_command(kind, &format!("--add-allowed-principals {principal}")))
        .with_step("Or remove the account from the policy")
}
