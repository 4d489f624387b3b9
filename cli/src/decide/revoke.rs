//! `warden revoke`: takes back what was granted, and cuts off what it let in.

use jiff::Timestamp;
use warden::{
    decision::{
        Action, Decision, decide,
        grant::{Grant, Grantee},
    },
    model::{
        connection::{Connection, Phase},
        ids::AccountId,
        service::Service,
    },
    policy::evaluation::Refer,
    ports::Ledger,
};

use super::{as_if_it_asked, ask, refusing::Refusing};
use crate::{
    arguments::{Common, Revocation},
    aws::Aws,
    failure::{Done, Failure},
    plan::{name, owner, words},
};

pub(crate) async fn revoke(common: &Common, aws: &Aws, revocation: &Revocation) -> Result<Done, Failure> {
    let order = &revocation.order;
    let ledger = aws.ledger()?;
    let (service, named, all) = aws.connection(&order.endpoint).await?;
    let account = match (&named.owner, revocation.account) {
        (Some(owner), true) => Some(owner),
        (None, true) => return Err(Failure::Trouble("EC2 does not name the account: revoke the endpoint alone".to_owned())),
        (_, false) => None,
    };
    let refusing = Refusing::prepare(common, aws, order, &service).await?;
    let meant: Vec<&Connection> = all.iter().filter(|one| is_meant(one, &named, account)).collect();
    let now = Timestamp::now();
    let mut grants = ledger.grants(&service.id).await?;
    grants.retain(|grant| grant.holds(now) && meant.iter().any(|one| grant.speaks_of(one)));
    let (ending, staying): (Vec<_>, Vec<_>) =
        grants.into_iter().partition(|grant| account.is_some() || matches!(grant.to, Grantee::Endpoint(_)));
    let targets: Vec<Connection> = meant.iter().filter(|one| is_cut_off(one, &named)).map(|one| (*one).clone()).collect();

    for grant in staying {
        println!("note: what {} granted to the whole account stays: its next endpoint is let in. --account ends that, too", grant.by);
    }
    let facts = as_if_it_asked(aws, &refusing.policy, service.clone(), &named, &all).await;
    if let Some(note) = policy_stays(&decide(&refusing.policy, &facts, &[])) {
        println!("note: {note}");
    }
    ask(order.yes, &question(&targets, &service, &named, account, &order.reason))?;
    for grant in ending {
        // The same item with an end: who granted it, and why, stays on the record.
        ledger.grant(&Grant { until: Some(now), ..grant.clone() }).await?;
        println!("ended: what {} granted: {}", grant.by, grant.reason);
    }
    if named.state.phase() == Phase::Gone {
        // By whom is not known, so nobody's name is put on it.
        println!("{} is {} already.", order.endpoint, named.state.as_str());
    }
    if !targets.is_empty() {
        refusing.turn_away(aws, &service, targets, &all, "cut off").await?;
    }
    Ok(Done::Fine)
}

/// The endpoint that was named, or every one of its account.
fn is_meant(one: &Connection, named: &Connection, account: Option<&AccountId>) -> bool {
    one.endpoint == named.endpoint || account.is_some_and(|account| one.owner.as_ref() == Some(account))
}

/// Whatever is connected, and the one that was named even where it only waits.
fn is_cut_off(one: &Connection, named: &Connection) -> bool {
    match one.state.phase() {
        Phase::Live => true,
        Phase::Waiting | Phase::Unknown => one.endpoint == named.endpoint,
        Phase::Gone => false,
    }
}

/// What a person should know who thinks that this is the end of it.
fn policy_stays(decision: &Decision) -> Option<String> {
    let (_, because) = words(decision);
    match &decision.action {
        Action::Accept(_) => Some(format!("the policy stays: `{because}` lets the account's next endpoint in; a `forbid` keeps it out")),
        Action::Refer(Refer::Unverified { .. }) => Some(format!("the policy stays, and may let the account's next endpoint in: {because}")),
        Action::Refer(_) | Action::Reject(_) | Action::NoAction(_) => None,
    }
}

fn question(targets: &[Connection], service: &Service, named: &Connection, account: Option<&AccountId>, reason: &str) -> String {
    let service = name(service);
    let ids: Vec<&str> = targets.iter().map(|one| one.endpoint.as_str()).collect();
    let what = match (account, ids.as_slice()) {
        (None, _) => format!("Cut off {}, of account {}, from {service},", named.endpoint, owner(named)),
        (Some(account), []) => format!("Nothing of account {account} is connected to {service}: go on,"),
        (Some(account), ids) => format!("Cut off all of account {account} from {service} ({}),", ids.join(", ")),
    };
    let live = if targets.iter().any(|one| one.state.phase() == Phase::Live) { " Live traffic stops at once." } else { "" };
    format!("{what} and end what was granted to it: {reason}?{live}")
}
