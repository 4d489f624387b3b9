//! `warden revoke`: ends grants, disconnects what is connected and rejects what they would accept.

use jiff::Timestamp;
use warden::{
    decision::{
        Action, Decision, decide as decide_by_policy,
        grant::Grant,
        order::{Change, Command, Order, Planned},
    },
    ledger::record::Act,
    model::connection::{Connection, Phase},
    policy::{Detail, evaluation::Refer},
    ports::{ConnectionFilter, Describe, ServiceLedger},
};

use super::{
    carry_out::{Goal, carry_out},
    decide::decide_as_shown,
    revoked::{Revoked, recheck},
};
use crate::{
    arguments::Revocation,
    aws::{Aws, Described},
    error::{CliError, Outcome},
    facts,
    prompt::confirm,
    wording::{grantee, minute, moment, person, service_name, term},
};

pub(crate) async fn revoke(aws: &Aws, revocation: &Revocation) -> Result<Outcome, CliError> {
    let (target, ledger, reason) = (revocation.target()?, aws.ledger()?, &revocation.signature.reason);
    let now = Timestamp::now();
    let mut revoked = Revoked::find(aws, ledger, &target).await?;
    revoked.grants_only = revocation.grants_only;
    let grants = ledger.decisions(&revoked.service).await?.grants;
    let held: Vec<&Grant> = grants.iter().filter(|grant| grant.holds(now)).collect();
    for grant in revoked.staying(&held) {
        let (to, by) = (grantee(&grant.to), person(&grant.by, &grant.reason));
        println!("note: the grant to {to} {}, by {by}, stays and accepts its next endpoint; --account ends it too", term(grant));
    }
    if let Some(sentence) = revoked.nothing_to_do(&held)? {
        println!("{sentence}");
        return Ok(Outcome::Clean);
    }
    let (policies, by) = (aws.policies().await?, aws.caller().await?);
    if let (Some(connection), Some(service)) = (revoked.example(), &revoked.described) {
        let described = Described { service: service.clone(), connection: connection.clone(), all: revoked.all.clone() };
        let facts = facts::as_if_pending(aws, &policies, &described).await;
        policy_stays(&decide_by_policy(&policies, &facts, &[])).iter().for_each(|note| println!("note: {note}"));
    }
    let targets = revoked.targets(&held);
    let ends: Vec<&Grant> = held.iter().copied().filter(|grant| revoked.from.contains(&grant.to)).collect();
    let name = revoked.described.as_ref().map_or_else(|| revoked.service.to_string(), service_name);
    confirm(revocation.signature.yes, &question(&targets, &ends, &name, &reason.to_string()))?;
    // Only what was shown: a request may have been accepted meanwhile, and a rejection would cut it off.
    let shown: Vec<Connection> = targets.into_iter().cloned().collect();
    let connections = match shown.as_slice() {
        [] => Vec::new(),
        _ => aws.ec2.connections(ConnectionFilter::Service(&revoked.service)).await?,
    };
    let still = recheck(&shown, &connections);
    still.changed.iter().for_each(|note| println!("note: {note}"));
    let command = Command::Revoke { from: revoked.from.clone(), disconnect: still.live.clone(), reject: still.pending.clone() };
    let order = Order { service: revoked.service.clone(), command, by, reason: reason.clone(), at: Timestamp::now() };
    match decide_as_shown(ledger, &order, &grants).await? {
        Planned::Changes(changes) => changes.iter().filter_map(ended).for_each(|line| println!("{line}")),
        Planned::NothingToEnd | Planned::AlreadyGranted(_) => println!("Nothing is left to end."),
    }
    if let Some(gone) = revoked.named.iter().find(|named| named.state.phase() == Phase::Gone) {
        // The ledger names no person here: it is unknown who ended the connection.
        println!("{} is already {}.", gone.subject, gone.state.as_str());
    }
    let outcome = Outcome::clean_if(still.changed.is_empty());
    let live = still.live.into_iter().map(|subject| (subject, "disconnected"));
    let subjects: Vec<_> = live.chain(still.pending.into_iter().map(|subject| (subject, "rejected"))).collect();
    if subjects.is_empty() {
        return Ok(outcome);
    }
    let carried_out = carry_out(aws, policies, &order, Goal { act: Act::Reject, subjects }).await?;
    Ok(if carried_out == Outcome::Clean { outcome } else { carried_out })
}

/// The sentence about a grant that was ended, with the end that it had.
fn ended(change: &Change) -> Option<String> {
    match change {
        Change::Grant { grant, former } => {
            let had = former.as_ref().unwrap_or(grant);
            let (to, at, by) = (grantee(&had.to), minute(had.at), person(&had.by, &had.reason));
            let now = grant.ended.as_ref().map(|ended| moment(ended.at)).unwrap_or_default();
            Some(format!("ended {now}: the grant to {to}, approved on {at} {}, by {by}", term(had)))
        }
        Change::Refuse { .. } | Change::Hold(_) | Change::Resume(_) => None,
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

fn question(targets: &[&Connection], ends: &[&Grant], service: &str, reason: &str) -> String {
    let ids = |connected: bool| {
        let ids: Vec<&str> = targets.iter().filter(|one| one.is_connected() == connected).map(|one| one.subject.as_str()).collect();
        (!ids.is_empty()).then(|| ids.join(", "))
    };
    let granted: Vec<String> = ends.iter().map(|grant| grantee(&grant.to)).collect();
    let parts = [
        ids(true).map(|ids| format!("disconnect {ids} from {service}")),
        ids(false).map(|ids| format!("reject the pending request of {ids} for {service}")),
        (!granted.is_empty()).then(|| format!("end the grant to {} for {service}", granted.join(" and "))),
    ];
    let what = parts.into_iter().flatten().collect::<Vec<_>>().join(", and ");
    let live = if ids(true).is_some() { " Live traffic stops at once." } else { "" };
    let mut letters = what.chars();
    let what: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    format!("{what}: {reason}?{live}")
}
