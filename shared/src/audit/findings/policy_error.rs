use std::collections::BTreeMap;

use crate::audit::definition::{Check, ConnectionView, Definition, Evidence, Finding, FindingKind, FindingSubject, Severity};
use crate::policy::PolicyId;

pub(super) static DEFINITION: Definition = Definition {
    kind: FindingKind::new("policy-error"),
    title: "A policy cannot be evaluated",
    description: "A policy that fails to evaluate for a real request or connection. It is reported once, however often it fails.",
    severity: Severity::Critical,
    other_severity: None,
    needs: &Evidence::ALL,
    check: Check::ConnectionPolicies(check),
};

fn check(view: &ConnectionView<'_>) -> Vec<Finding> {
    let Some(judged) = view.judged() else { return Vec::new() };
    // A policy that fails for both actions is one finding.
    let mut errors = BTreeMap::new();
    judged.judgement.errors().for_each(|error| _ = errors.entry(&error.id).or_insert(&error.message));
    let finding = |(id, message): (&Option<PolicyId>, &String)| {
        let policy = id.clone().unwrap_or_else(|| "(request)".into());
        let what =
            format!("The policy `{policy}` fails to evaluate for real connections. The warden accepts nothing for which a policy fails.");
        DEFINITION
            .finding(FindingSubject::Policy { policy }, &what)
            .with_evidence("error", message)
            .with_evidence("seen on", view.subject())
            .with_step("Fix the policy: guard optional attributes with `has`, and tags with `hasTag`")
    };
    errors.into_iter().map(finding).collect()
}
