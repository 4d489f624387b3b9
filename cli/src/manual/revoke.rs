//! `warden revoke`: ends grants and disconnects what they accepted.

use jiff::Timestamp;
use warden::{
    decision::{
        Action, Decision, decide as decide_by_policy,
        grant::{Grant, Grantee},
        order::{Change, Command, Order, Planned},
    },
    ledger::record::Act,
    model::{
        connection::{Connection, Phase},
        ids::AccountId,
        subject::Subject,
    },
    policy::{Detail, evaluation::Refer},
    ports::ServiceLedger,
};

use super::{
    carry_out::{Goal, carry_out},
    decide::decide,
};
use crate::{
    arguments::Revocation,
    aws::{Aws, Described},
    error::{CliError, Outcome},
    facts,
    prompt::confirm,
    wording::{self, service_name},
};

pub(crate) async fn revoke(aws: &Aws, revocation: &Revocation) -> Result<Outcome, CliError> {
    let decision = &revocation.order;
    let ledger = aws.ledger()?;
    let described = aws.describe(&decision.endpoint).await?;
    let Described { service, connection: named, all } = &described;
    let account = match (&named.owner, revocation.account) {
        (Some(owner), true) => Some(owner),
        (None, true) => return Err(CliError::Failed("EC2 does not name the account: revoke the endpoint without --account".to_owned())),
        (_, false) => None,
    };
    let (policies, by) = (aws.policies().await?, aws.caller().await?);
    let of_account = |one: &Connection| account.is_some_and(|account| one.owner.as_ref() == Some(account));
    let selected: Vec<&Connection> = all.iter().filter(|one| one.subject == named.subject || of_account(one)).collect();
    let from: Vec<Grantee> =
        selected.iter().map(|one| Grantee::Subject(one.subject.clone())).chain(account.cloned().map(Grantee::Account)).collect();
    let targets: Vec<&Connection> = selected.into_iter().filter(|one| is_disconnected(one, named)).collect();

    let now = Timestamp::now();
    let grants = ledger.decisions(&service.id).await?.grants;
    for grant in grants.iter().filter(|grant| grant.holds(now) && grant.applies_to(named) && !from.contains(&grant.to)) {
        println!("note: the grant of {} to the whole account stays and accepts its next endpoint; --account ends it too", grant.by);
    }
    let facts = facts::as_if_pending(aws, &policies, &described).await;
    if let Some(note) = policy_stays(&decide_by_policy(&policies, &facts, &[])) {
        println!("note: {note}");
    }
    confirm(decision.yes, &question(&targets, &described, account, &decision.reason.to_string()))?;
    let subjects: Vec<Subject> = targets.iter().map(|one| one.subject.clone()).collect();
    let command = Command::Revoke { from, disconnect: subjects.clone() };
    let order = Order { service: service.id.clone(), command, by, reason: decision.reason.clone(), at: Timestamp::now() };
    if let Planned::Changes(changes) = decide(ledger, &order).await? {
        changes.iter().filter_map(ended).for_each(|grant| println!("ended: the grant of {}: {}", grant.by, grant.reason));
    }
    if named.state.phase() == Phase::Gone {
        // The ledger names no person here: it is unknown who ended the connection.
        println!("{} is already {}.", decision.endpoint, named.state.as_str());
    }
    if subjects.is_empty() {
        return Ok(Outcome::Clean);
    }
    carry_out(aws, policies, &order, Goal { act: Act::Reject, result: "disconnected", subjects: &subjects }).await
}

fn ended(change: &Change) -> Option<&Grant> {
    match change {
        Change::Grant { grant, .. } => Some(grant),
        Change::Refuse { .. } | Change::Hold(_) | Change::Resume(_) => None,
    }
}

/// Returns true for live connections, and for the named one also if it is pending.
fn is_disconnected(one: &Connection, named: &Connection) -> bool {
    match one.state.phase() {
        Phase::Live => true,
        Phase::Waiting | Phase::Unknown => one.subject == named.subject,
        Phase::Gone => false,
    }
}

fn policy_stays(decided: &Decision) -> Option<String> {
    let because = decided.clause(Detail::Brief);
    match &decided.action {
        Action::Accept(_) => Some(format!("{because} accepts the account's next endpoint; only a `forbid` prevents it")),
        Action::Refer(Refer::Unverified { .. }) => Some(format!("a policy may accept the account's next endpoint: {because}")),
        Action::Refer(_) | Action::Reject(_) | Action::NoAction(_) => None,
    }
}

fn question(targets: &[&Connection], described: &Described, account: Option<&AccountId>, reason: &str) -> String {
    let (name, named) = (service_name(&described.service), &described.connection);
    let ids: Vec<&str> = targets.iter().map(|one| one.subject.as_str()).collect();
    let what = match (account, ids.as_slice()) {
        (None, _) => format!("Disconnect {} of account {} from {name}", named.subject, wording::account(named)),
        (Some(account), []) => format!("Account {account} has no connection to {name}: continue"),
        (Some(account), ids) => format!("Disconnect every endpoint of account {account} from {name} ({})", ids.join(", ")),
    };
    let live = if targets.iter().any(|one| one.state.phase() == Phase::Live) { " Live traffic stops at once." } else { "" };
    format!("{what} and end its grants: {reason}?{live}")
}
