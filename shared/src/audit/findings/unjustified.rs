use crate::audit::definition::{Check, ConnectionView, Definition, Evidence, Finding, FindingKind, Severity};
use crate::audit::justification::{Judged, Justification};
use crate::audit::text::list;
use crate::policy::evaluation::{Evaluation, Refer};
use crate::policy::{Answer, PolicyInfo};

pub(super) static DEFINITION: Definition = Definition {
    kind: FindingKind::new("unjustified"),
    title: "Connected, and no policy allows it",
    description: "A live connection that the policy does not accept now and that no grant covers.",
    severity: Severity::Critical,
    other_severity: None,
    needs: &[Evidence::Connections, Evidence::Ledger, Evidence::Judgement],
    check: Check::Connection(check),
};

fn check(view: &ConnectionView<'_>) -> Option<Finding> {
    if *view.justification() != Justification::Nothing || view.expired_grant().is_some() {
        return None;
    }
    let judged = view.judged()?;
    let finding = DEFINITION.of_connection(view, &format!("{} is connected, but {}.", view.owner(), reason(judged)));
    let finding = finding.with_evidence("policies", list(judged.judgement.policies().map(|policy| &policy.id)));
    let finding = view.with_revocation(finding).with_command("Or keep the connection, in your name", view.order("approve"));
    Some(finding.with_step("Or add it to the policy"))
}

fn reason(Judged { judgement, evaluation }: &Judged) -> String {
    let no_grant = "and no grant covers the connection";
    match evaluation {
        Evaluation::Reject => format!("the policy rejects it by {}, {no_grant}", named(&judgement.reject)),
        Evaluation::Refer(Refer::Forbidden) => format!("{} forbids it, {no_grant}", named(&judgement.accept)),
        Evaluation::Refer(Refer::Contradiction) => format!("the policy allows both to accept and to reject it, {no_grant}"),
        Evaluation::Refer(Refer::Inactive { state }) => {
            format!("the account is {state} in its organization. No policy and no grant applies to such an account")
        }
        Evaluation::Refer(Refer::Unverified { needs }) => {
            let facts = list(needs.iter().map(|fact| fact.label()));
            format!("a policy depends on {facts}, which is unknown, {no_grant}")
        }
        Evaluation::Refer(
            Refer::NoPermit
            | Refer::PolicyError
            | Refer::Missing { .. }
            | Refer::UnknownState { .. }
            | Refer::ConnectedInPart
            | Refer::Disputed { .. }
            | Refer::Held { .. }
            | Refer::UnreadableDecision { .. },
        )
        | Evaluation::Accept => format!("no policy allows it, {no_grant}"),
    }
}

fn named(answer: &Answer) -> String {
    let quote = |policy: &PolicyInfo| match &policy.reason {
        Some(reason) => format!("`{}` ({reason})", policy.id),
        None => format!("`{}`", policy.id),
    };
    list(answer.policies.iter().map(quote))
}
