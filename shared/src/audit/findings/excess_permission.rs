use crate::audit::definition::{Check, Definition, Evidence, Finding, FindingKind, FindingSubject, ServiceView, Severity};
use crate::model::{
    principal::{AllowedPrincipal, Principal},
    subject::SubjectKind,
};

pub(super) static DEFINITION: Definition = Definition {
    kind: FindingKind::new("excess-permission"),
    title: "Permission that no policy uses",
    description: "An allowed principal that the policy accepts for no endpoint or attachment, time and number of connections, and that has no grant.",
    severity: Severity::Info,
    other_severity: Some((Severity::Warning, "for `*`")),
    needs: &[Evidence::Permissions, Evidence::Grants],
    check: Check::Permissions(check),
};

fn check(view: &ServiceView<'_>) -> Vec<Finding> {
    view.permission_diffs.iter().flat_map(|diff| &diff.excess).map(|permission| finding(view, permission)).collect()
}

fn finding(view: &ServiceView<'_>, permission: &AllowedPrincipal) -> Finding {
    let AllowedPrincipal { text, principal, may_request } = permission;
    let subject = FindingSubject::Principal { service: view.service.id.clone(), principal: text.clone(), permission: *may_request };
    let finding = DEFINITION
        .finding(subject, &sentence(principal, *may_request))
        .with_service_name(view.service)
        .with_account(principal.account())
        .with_evidence("principal", text)
        .with_step("Name the account in the policy, or remove the permission");
    let finding = Finding { severity: DEFINITION.severity_if(*principal == Principal::Anyone), ..finding };
    // People paste commands into a shell, so no other characters go into one.
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"*:/+=,.@_-".contains(&byte)) {
        return finding;
    }
    let command = view.permission_command(*may_request, &format!("--remove-allowed-principals '{text}'"));
    finding.with_command("Remove the permission (existing connections stay)", command)
}

fn sentence(who: &Principal, may_request: SubjectKind) -> String {
    let (never, unnamed) = ("the policy could never accept it", "the policy accepts only accounts that it names");
    let (who, but) = match who {
        Principal::Anyone => ("Every AWS account".to_owned(), unnamed),
        Principal::Unit { unit } => (format!("Every account in {unit}"), unnamed),
        Principal::Account { account, bare: false } => (format!("Account {account}"), never),
        Principal::Account { account, bare: true } => (format!("Account {account}, written as a bare id,"), never),
        Principal::User { account } => (format!("A user of account {account}"), never),
        Principal::Role { account } => (format!("A role of account {account}"), never),
        Principal::Unknown { kind } => (format!("A principal of the type {kind}"), never),
    };
    match may_request {
        SubjectKind::Endpoint => format!("{who} may request a connection, but {but}."),
        SubjectKind::Attachment => format!("{who} may attach a transit gateway, but {but}."),
    }
}
