use jiff::SignedDuration;

use crate::audit::definition::{Check, Definition, Evidence, Finding, FindingKind, FindingSubject, GrantView, Severity};
use crate::audit::text::{counted, minute};
use crate::decision::grant::{Grant, Grantee};
use crate::model::subject::SubjectKind;

/// A connection that was requested and granted while the run read EC2 is missing from its list.
const SETTLED_AFTER: SignedDuration = SignedDuration::from_hours(1);

pub(super) static DEFINITION: Definition = Definition {
    kind: FindingKind::new("unused-grant"),
    title: "Grant that is not needed",
    description: "A grant that holds, but whose endpoint is gone, or which for `UnusedDays` no endpoint needs: its account has none on the service, or a policy accepts each.",
    severity: Severity::Info,
    other_severity: None,
    needs: &[Evidence::Connections, Evidence::Ledger],
    check: Check::Grants(check),
};

fn check(view: &GrantView<'_>) -> Vec<Finding> {
    let unneeded = |grant: &&Grant| grant.holds(view.now) && !view.usage.needed.contains(&grant.to);
    view.grants.iter().filter(unneeded).filter_map(|grant| finding(view, grant)).collect()
}

fn finding(view: &GrantView<'_>, grant: &Grant) -> Option<Finding> {
    let (age, unused_after) = (view.now.duration_since(grant.at), view.thresholds.unused_after);
    let days = counted(unused_after.as_hours() / 24, "day");
    let (after, what) = match (&grant.to, view.usage.present.contains(&grant.to)) {
        (Grantee::Subject(subject), false) => (SETTLED_AFTER, format!("The grant is for {subject}, which no longer exists.")),
        (Grantee::Account(account), false) => {
            (unused_after, format!("Account {account} has a grant that is older than {days}, but no connection and no pending request."))
        }
        (to, true) => (
            unused_after,
            format!("A policy accepts each endpoint that the grant to {} covers. The grant is older than {days}.", to.as_str()),
        ),
    };
    if age <= after {
        return None;
    }
    let service = &view.service.id;
    let (subject, account) = match &grant.to {
        Grantee::Subject(id) => (FindingSubject::Connection { service: service.clone(), id: id.clone() }, None),
        Grantee::Account(account) => {
            let permission = SubjectKind::default();
            (FindingSubject::Account { service: service.clone(), account: account.clone(), permission }, Some(account))
        }
    };
    let until = grant.until.map_or_else(|| "no end".to_owned(), minute);
    let command = format!("warden revoke {} --grants-only --region {} --reason 'REASON'", grant.id(), view.thresholds.region);
    Some(
        DEFINITION
            .finding(subject, &what)
            .with_service_name(view.service)
            .with_account(account)
            .with_evidence("granted", minute(grant.at))
            .with_evidence("granted by", &grant.by)
            .with_evidence("reason", &grant.reason)
            .with_evidence("until", until)
            .with_command("End the grant (connections stay)", command),
    )
}
