//! `warden revoke`: ends grants and disconnects what they accepted.

use jiff::Timestamp;
use warden::{
    decision::{
        Action, Decision, decide,
        grant::{Grant, Grantee},
    },
    model::{
        connection::{Connection, Phase},
        ids::AccountId,
    },
    policy::evaluation::Refer,
    ports::Ledger,
};

use super::rejection::Rejection;
use crate::{
    arguments::Revocation,
    aws::{Aws, Described},
    error::{CliError, Outcome},
    facts,
    prompt::confirm,
    wording::{self, service_name},
};

pub(crate) async fn revoke(aws: &Aws, revocation: &Revocation) -> Result<Outcome, CliError> {
    let order = &revocation.order;
    let ledger = aws.ledger()?;
    let described = aws.describe(&order.endpoint).await?;
    let Described { service, connection: named, all } = &described;
    let account = match (&named.owner, revocation.account) {
        (Some(owner), true) => Some(owner),
        (None, true) => return Err(CliError::Failed("EC2 does not name the account: revoke the endpoint without --account".to_owned())),
        (_, false) => None,
    };
    let rejection = Rejection::prepare(aws, order, service).await?;
    let of_account = |one: &Connection| account.is_some_and(|account| one.owner.as_ref() == Some(account));
    let selected: Vec<&Connection> = all.iter().filter(|one| one.endpoint == named.endpoint || of_account(one)).collect();
    let now = Timestamp::now();
    let mut grants = ledger.grants(&service.id).await?;
    grants.retain(|grant| grant.holds(now) && selected.iter().any(|one| grant.speaks_of(one)));
    let (ending, staying): (Vec<_>, Vec<_>) =
        grants.into_iter().partition(|grant| account.is_some() || matches!(grant.to, Grantee::Endpoint(_)));
    let targets: Vec<Connection> = selected.into_iter().filter(|one| is_disconnected(one, named)).cloned().collect();

    for grant in staying {
        println!("note: the grant of {} to the whole account stays and accepts its next endpoint; --account ends it too", grant.by);
    }
    let facts = facts::as_if_pending(aws, &rejection.policies, &described).await;
    if let Some(note) = policy_stays(&decide(&rejection.policies, &facts, &[])) {
        println!("note: {note}");
    }
    confirm(order.yes, &question(&targets, &described, account, &order.reason))?;
    for grant in ending {
        // The same item with an end: the ledger keeps its person and its reason.
        ledger.grant(&Grant { until: Some(now), ..grant.clone() }).await?;
        println!("ended: the grant of {}: {}", grant.by, grant.reason);
    }
    if named.state.phase() == Phase::Gone {
        // The ledger names no person here: it is unknown who ended the connection.
        println!("{} is already {}.", order.endpoint, named.state.as_str());
    }
    if !targets.is_empty() {
        rejection.reject(aws, &described, &targets, "disconnected").await?;
    }
    Ok(Outcome::Clean)
}

/// Returns true for live connections, and for the named one also if it is pending.
fn is_disconnected(one: &Connection, named: &Connection) -> bool {
    match one.state.phase() {
        Phase::Live => true,
        Phase::Waiting | Phase::Unknown => one.endpoint == named.endpoint,
        Phase::Gone => false,
    }
}

fn policy_stays(decided: &Decision) -> Option<String> {
    let (_, because) = wording::decision(decided);
    match &decided.action {
        Action::Accept(_) => Some(format!("`{because}` accepts the account's next endpoint; only a `forbid` prevents it")),
        Action::Refer(Refer::Unverified { .. }) => Some(format!("a policy may accept the account's next endpoint: {because}")),
        Action::Refer(_) | Action::Reject(_) | Action::NoAction(_) => None,
    }
}

fn question(targets: &[Connection], described: &Described, account: Option<&AccountId>, reason: &str) -> String {
    let (name, named) = (service_name(&described.service), &described.connection);
    let ids: Vec<&str> = targets.iter().map(|one| one.endpoint.as_str()).collect();
    let what = match (account, ids.as_slice()) {
        (None, _) => format!("Disconnect {} of account {} from {name}", named.endpoint, wording::account(named)),
        (Some(account), []) => format!("Account {account} has no connection to {name}: continue"),
        (Some(account), ids) => format!("Disconnect every endpoint of account {account} from {name} ({})", ids.join(", ")),
    };
    let live = if targets.iter().any(|one| one.state.phase() == Phase::Live) { " Live traffic stops at once." } else { "" };
    format!("{what} and end its grants: {reason}?{live}")
}
