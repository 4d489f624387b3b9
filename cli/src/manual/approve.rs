//! `warden approve`: writes a grant to the ledger, then accepts the connections that it covers.

use jiff::Timestamp;
use warden::{
    decision::{
        grant::{Grant, Grantee},
        order::{Change, Command, Order, Planned, ReasonError},
        queue::pending,
    },
    ledger::record::Act,
    model::{
        connection::{Connection, Phase},
        organization::Membership,
        service::Service,
        subject::Subject,
    },
    policy::PolicySet,
    ports::{ConnectionFilter, Describe, ServiceLedger},
};

use super::{
    carry_out::{Goal, carry_out},
    decide::decide,
};
use crate::{
    arguments::{Approval, Target},
    aws::Aws,
    error::{CliError, Outcome},
    facts,
    prompt::confirm,
    wording::{account, grantee, minute, moment, person, service_name, term},
};

/// The service and the grantee of an approval.
struct Approved {
    service: Service,
    to: Grantee,
    /// The connection that the person named.
    named: Option<Connection>,
    /// The pending requests that the grant covers.
    pending: Vec<Subject>,
}

pub(crate) async fn approve(aws: &Aws, approval: &Approval) -> Result<Outcome, CliError> {
    let (target, ledger, reason) = (approval.target()?, aws.ledger()?, &approval.signature.reason);
    let policies = aws.policies().await?;
    let approved = approved(aws, &policies, &target).await?;
    let by = aws.caller().await?;
    confirm(approval.signature.yes, &question(&approved, approval.until, &by, &reason.to_string()))?;
    if !matches!(target, Target::Account(..)) {
        // The request may have ended while the person was asked.
        let _still_there = self::approved(aws, &policies, &target).await?;
    }
    let Approved { service, to, named, pending } = approved;
    let order = Order {
        service: service.id,
        command: Command::Approve { to: to.clone(), until: approval.until, shown: pending.clone() },
        by,
        reason: reason.clone(),
        at: Timestamp::now(),
    };
    let planned = decide(ledger, &order).await?;
    answer(&planned).iter().for_each(|line| println!("{line}"));
    if let Some(named) = named.filter(|named| named.state.phase() == Phase::Live) {
        let others = ledger.decisions(&order.service).await?.grants;
        also(&others, &to, &named, order.at).iter().for_each(|line| println!("{line}"));
        println!("{} is already connected.", named.subject);
    }
    if pending.is_empty() {
        return Ok(Outcome::Clean);
    }
    let subjects = pending.into_iter().map(|subject| (subject, "accepted")).collect();
    let outcome = carry_out(aws, policies, &order, Goal { act: Act::Accept, subjects }).await?;
    if let (Outcome::Findings, Planned::Changes(_), Grantee::Subject(subject)) = (outcome, &planned, &to) {
        end_if_gone(aws, &order, subject).await?;
    }
    Ok(outcome)
}

/// Ends the grant for a request that ended at the same moment: it could never be used.
async fn end_if_gone(aws: &Aws, given: &Order, subject: &Subject) -> Result<(), CliError> {
    let all = aws.ec2.connections(ConnectionFilter::Service(&given.service)).await?;
    let found = all.iter().find(|one| one.subject == *subject);
    if found.is_some_and(|one| one.state.phase() != Phase::Gone) {
        return Ok(());
    }
    let state = found.map_or("gone", |one| one.state.as_str());
    let reason = format!("{subject} is {state}").try_into().map_err(|error: ReasonError| CliError::Usage(error.to_string()))?;
    let command = Command::Revoke { from: vec![Grantee::Subject(subject.clone())], disconnect: Vec::new(), reject: Vec::new() };
    decide(aws.ledger()?, &Order { command, reason, at: Timestamp::now(), ..given.clone() }).await?;
    println!("The grant is ended, because {subject} is {state}.");
    Ok(())
}

async fn approved(aws: &Aws, policies: &PolicySet, target: &Target) -> Result<Approved, CliError> {
    let (endpoint, whole_account) = match target {
        Target::Endpoint(endpoint, _) => (endpoint, false),
        Target::AccountOf(endpoint) => (endpoint, true),
        Target::Account(account, service) => {
            let service = aws.service(service).await?;
            let all = aws.ec2.connections(ConnectionFilter::Service(&service.id)).await?;
            if policies.reads_organization() {
                is_active(&account.to_string(), &aws.organization.lookup(account, Timestamp::now()).await)?;
            }
            let to = Grantee::Account(account.clone());
            return Ok(Approved { pending: covered(&all, &to), service, to, named: None });
        }
    };
    let described = aws.describe(endpoint).await?;
    let named = &described.connection;
    if matches!(named.state.phase(), Phase::Gone | Phase::Unknown) {
        return Err(CliError::Usage(over(named)));
    }
    let facts = facts::for_person(aws, policies, &described, named).await;
    is_active(&account(named), &facts.membership)?;
    let to = match (&named.owner, whole_account) {
        (_, false) => Grantee::Subject(endpoint.clone()),
        (Some(owner), true) => Grantee::Account(owner.clone()),
        (None, true) => return Err(CliError::Failed("EC2 does not name the account: approve the endpoint without --account".to_owned())),
    };
    Ok(Approved { pending: covered(&described.all, &to), service: described.service, to, named: Some(described.connection) })
}

/// The pending requests of a grantee.
fn covered(all: &[Connection], to: &Grantee) -> Vec<Subject> {
    let covers = |one: &&&Connection| match to {
        Grantee::Subject(subject) => one.subject == *subject,
        Grantee::Account(account) => one.owner.as_ref() == Some(account),
    };
    let waits = |one: &&&Connection| one.state.phase() == Phase::Waiting;
    pending(all).iter().filter(waits).filter(covers).map(|one| one.subject.clone()).collect()
}

/// A person accepts only accounts that are active.
fn is_active(account: &str, membership: &Membership) -> Result<(), CliError> {
    let refused = |state| CliError::Usage(format!("account {account} is {state} in its organization: only active accounts are accepted"));
    membership.inactive().map_or(Ok(()), |state| Err(refused(state)))
}

/// The sentence about a request that cannot be accepted any more.
fn over(connection: &Connection) -> String {
    let (endpoint, state, noun) = (&connection.subject, connection.state.as_str(), connection.subject.kind().noun());
    if connection.state.phase() == Phase::Unknown {
        return format!("{endpoint} is {state}, a state that AWS does not document: look at the connection in the EC2 console");
    }
    let account = account(connection);
    format!(
        "{endpoint} is {state} and not pending any more: the consumer must create a new {noun}. To accept the account's next \
         {noun}, give --account {account} --service {}",
        connection.service
    )
}

fn question(Approved { service, to, named, pending }: &Approved, until: Option<Timestamp>, by: &str, reason: &str) -> String {
    let of = named.iter().filter(|_| matches!(to, Grantee::Subject(_))).map(|named| format!(" of account {}", account(named)));
    let of: String = of.collect();
    let until = until.map(|until| format!(" until {}", moment(until))).unwrap_or_default();
    let now = match (to, pending.as_slice()) {
        (Grantee::Subject(_), _) => String::new(),
        (Grantee::Account(_), []) => " (none is pending)".to_owned(),
        (Grantee::Account(_), ids) => format!(" (now {})", ids.iter().map(Subject::as_str).collect::<Vec<_>>().join(", ")),
    };
    format!("Accept {}{of} for {}{until}{now}, as {by}: {reason}?", grantee(to), service_name(service))
}

/// The sentences about the grant that was asked for.
fn answer(planned: &Planned) -> Vec<String> {
    let text = |grant: &Grant| format!("{} {}, by {}", grantee(&grant.to), term(grant), person(&grant.by, &grant.reason));
    match planned {
        Planned::AlreadyGranted(grant) => vec![format!("already approved on {}: {}", minute(grant.at), text(grant))],
        Planned::Changes(changes) => {
            let granted = |change: &Change| match change {
                Change::Grant { grant, former } => {
                    let former = former.as_ref().filter(|former| former.holds(grant.at));
                    let was = former.map(|former| {
                        format!("before: approved on {}, {}, by {}", minute(former.at), term(former), person(&former.by, &former.reason))
                    });
                    let verb = if was.is_some() { "changed" } else { "granted" };
                    Some([Some(format!("{verb}: {}", text(grant))), was].into_iter().flatten().collect::<Vec<_>>())
                }
                Change::Refuse { .. } | Change::Hold(_) | Change::Resume(_) => None,
            };
            changes.iter().filter_map(granted).flatten().collect()
        }
        Planned::NothingToEnd => Vec::new(),
    }
}

/// The other grants that cover a connection as well.
fn also(grants: &[Grant], to: &Grantee, named: &Connection, now: Timestamp) -> Vec<String> {
    let others = grants.iter().filter(|grant| grant.to != *to && grant.applies_to(named) && grant.holds(now));
    others
        .map(|grant| format!("note: approved also for {} {}, by {}", grantee(&grant.to), term(grant), person(&grant.by, &grant.reason)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn grant(by: &str, until: Option<&str>) -> Grant {
        serde_json::from_value(json!({
            "schema": 2, "service": "vpce-svc-03d5ebb7d9579a2b3", "to": {"account": "111122223333"},
            "by": by, "reason": "pilot", "at": "2026-06-01T12:00:00Z", "until": until,
        }))
        .unwrap()
    }

    fn changed(grant: Grant, former: Option<Grant>) -> String {
        answer(&Planned::Changes(vec![Change::Grant { grant, former }])).join("\n").replace("every endpoint of account 111122223333", "X")
    }

    #[test]
    fn answers_name_person_and_ends() {
        let end = grant("ana", Some("2026-07-01T12:00:00Z"));
        let (ana, kim) = (moment("2026-07-01T12:00:00Z".parse().unwrap()), moment("2026-06-02T12:00:00Z".parse().unwrap()));
        let already = answer(&Planned::AlreadyGranted(end.clone())).join("\n");
        assert!(already.starts_with("already approved on 2026-06-01 12:00 UTC: every endpoint of account 111122223333 until 2026-07-01"));
        assert!(already.ends_with("by ana: pilot"), "{already}");
        assert_eq!(changed(grant("kim", None), None), "granted: X without an end, by kim: pilot");
        let shorter = changed(grant("kim", Some("2026-06-02T12:00:00Z")), Some(end));
        let expected =
            format!("changed: X until {kim}, by kim: pilot\nbefore: approved on 2026-06-01 12:00 UTC, until {ana}, by ana: pilot");
        assert_eq!(shorter, expected);
    }

    #[test]
    fn expired_grant_is_not_called_changed() {
        let expired = Grant { until: Some("2026-06-01T12:00:00Z".parse().unwrap()), ..grant("ana", None) };
        assert!(changed(grant("kim", None), Some(expired)).starts_with("granted"));
    }

    #[test]
    fn rejected_endpoint_needs_new_endpoint() {
        let connection: Connection = serde_json::from_value(json!({
            "service": "vpce-svc-03d5ebb7d9579a2b3", "subject": "vpce-0c1308d7312217abc", "owner": "111122223333", "state": "rejected",
        }))
        .unwrap();
        let text = over(&connection);
        assert!(text.contains("must create a new endpoint") && text.contains("--account 111122223333 --service vpce-svc-"), "{text}");
    }
}
