use jiff::Timestamp;

use crate::audit::definition::{Check, Definition, Evidence, Finding, FindingKind, FindingSubject, Severity, UsageView};
use crate::audit::text::{counted, day};

pub(super) static DEFINITION: Definition = Definition {
    kind: FindingKind::new("unused-policy"),
    title: "Unused policy or group",
    description: "A permit that can accept, or a group that only such permits name, without a match for `UnusedDays`.",
    severity: Severity::Info,
    other_severity: None,
    needs: &Evidence::ALL,
    check: Check::Usage(check),
};

fn check(view: &UsageView<'_>) -> Vec<Finding> {
    let UsageView { policy, usage, known_since, .. } = view;
    let permits = policy.accepting_permits().filter_map(|id| {
        let used = unused(view, usage.policies.get(id), known_since.policies.get(id)?)?;
        Some(finding(view, FindingSubject::Policy { policy: id.clone() }, &format!("permit `{id}`"), used))
    });
    let groups = policy.accepting_groups().into_iter().filter_map(|name| {
        let used = unused(view, usage.groups.get(name), known_since.groups.get(name)?)?;
        Some(finding(view, FindingSubject::Group { group: name.clone() }, &format!("group `{name}`"), used))
    });
    permits.chain(groups).collect()
}

/// The last use of what is unused: a date or `never`. `None` if the last use or the first sight is too recent.
fn unused(view: &UsageView<'_>, used: Option<&Timestamp>, known_since: &Timestamp) -> Option<String> {
    let last = used.map_or(*known_since, |used| *used.max(known_since));
    let is_unused = view.now.duration_since(last) > view.thresholds.unused_after;
    is_unused.then(|| used.map_or_else(|| "never".to_owned(), |used| day(*used)))
}

fn finding(view: &UsageView<'_>, subject: FindingSubject, name: &str, used: String) -> Finding {
    let days = counted(view.thresholds.unused_after.as_hours() / 24, "day");
    DEFINITION
        .finding(subject, &format!("No connection and no request has matched the {name} for {days}."))
        .with_evidence("last matched", used)
        .with_step("Remove it from the policy if no request is expected")
}
