use crate::audit::definition::{Check, ConnectionView, Definition, Evidence, Finding, FindingKind, Severity};
use crate::audit::text::minute;

pub(super) static DEFINITION: Definition = Definition {
    kind: FindingKind::new("expired-grant"),
    title: "Connected on an expired grant",
    description: "A live connection whose grant has expired. It is reported instead of `unjustified`.",
    severity: Severity::Critical,
    other_severity: None,
    needs: &[Evidence::Connections, Evidence::Ledger, Evidence::Judgement],
    check: Check::Connection(check),
};

fn check(view: &ConnectionView<'_>) -> Option<Finding> {
    let grant = view.expired_grant()?;
    let end = minute(grant.end()?);
    let what = format!("{} is connected on a grant that ended {end}, and no policy allows the connection.", view.owner());
    let finding = DEFINITION.of_connection(view, &what).with_evidence("granted by", &grant.by).with_evidence("reason", &grant.reason);
    let finding = match &grant.ended {
        Some(ended) => finding.with_evidence("ended by", &ended.by).with_evidence("reason of the end", &ended.reason),
        None => finding,
    };
    let finding = view.with_revocation(finding).with_command("Or grant it again, in your name", view.order("approve"));
    Some(finding.with_step("Or add it to the policy"))
}
