//! Grants for adopted connections: one for each endpoint, so that a further endpoint of the account is a new decision.

use std::collections::BTreeMap;

use jiff::Timestamp;
use warden::{
    decision::{
        grant::Grantee,
        order::{Command, Order, Reason},
    },
    model::ids::ServiceId,
    policy::PolicySet,
};

use super::found::Candidate;
use crate::{
    arguments::Adoption,
    aws::Aws,
    error::{CliError, Outcome},
    manual::decide_all,
    output::bar,
    prompt::confirm,
    wording::{counted, moment},
};

pub(super) async fn grant(
    aws: &Aws,
    adoption: &Adoption,
    until: Timestamp,
    candidates: &[Candidate<'_>],
    set: &PolicySet,
    total: &str,
) -> Result<Outcome, CliError> {
    let (ledger, by, at) = (aws.ledger()?, aws.caller().await?, Timestamp::now());
    let reason = match &adoption.reason {
        Some(reason) => reason.clone(),
        None => default_reason(at)?,
    };
    confirm(adoption.yes, &format!("Grant {total} until {}, as {by}: {reason}?", moment(until)))?;
    let (mut granted, mut outcome) = (0, Outcome::Clean);
    let mut orders: BTreeMap<&ServiceId, Vec<Order>> = BTreeMap::new();
    for Candidate { of, connection, owner } in candidates {
        let inactive = if set.reads_organization() { aws.organization.lookup(owner, at).await.inactive().map(str::to_owned) } else { None };
        if let Some(state) = inactive {
            eprintln!("not adopted: {} of account {owner}, which is {state} in its organization", connection.subject);
            outcome = Outcome::Findings;
            continue;
        }
        orders.entry(&of.service.id).or_default().push(Order {
            service: of.service.id.clone(),
            command: Command::Approve { to: Grantee::Subject(connection.subject.clone()), until: Some(until), shown: Vec::new() },
            by: by.clone(),
            reason: reason.clone(),
            at,
        });
    }
    let bar = bar(orders.len(), "services");
    for of_service in orders.values() {
        decide_all(ledger, of_service).await?;
        granted += of_service.len();
        bar.inc(1);
    }
    bar.finish_and_clear();
    let written = counted(granted, "grant is", "grants are");
    println!("{written} written. `warden grants` lists them; a further endpoint of an account needs its own.");
    Ok(outcome)
}

fn default_reason(at: Timestamp) -> Result<Reason, CliError> {
    Reason::try_from(format!("adopted on {}", at.strftime("%Y-%m-%d"))).map_err(|error| CliError::Usage(error.to_string()))
}
