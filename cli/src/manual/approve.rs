//! `warden approve`: writes a grant to the ledger, then accepts the connection.

use std::slice;

use jiff::Timestamp;
use warden::{
    decision::{
        grant::Grantee,
        order::{Command, Order, Planned},
    },
    ledger::record::Act,
    model::connection::Phase,
};

use super::{
    carry_out::{Goal, carry_out},
    decide::decide,
};
use crate::{
    arguments::Approval,
    aws::{Aws, Described},
    error::{CliError, Outcome},
    facts,
    prompt::confirm,
    wording::{account, minute, service_name},
};

pub(crate) async fn approve(aws: &Aws, approval: &Approval) -> Result<Outcome, CliError> {
    let (ledger, endpoint) = (aws.ledger()?, &approval.order.endpoint);
    let policies = aws.policies().await?;
    let described = aws.describe(endpoint).await?;
    let state = &described.connection.state;
    if matches!(state.phase(), Phase::Gone | Phase::Unknown) {
        return Err(CliError::Usage(format!("{endpoint} is {}: there is nothing to accept", state.as_str())));
    }
    let facts = facts::for_person(aws, &policies, &described, &described.connection).await;
    if let Some(state) = facts.membership.inactive() {
        let account = account(&described.connection);
        return Err(CliError::Usage(format!("account {account} is {state} in its organization: only active accounts are accepted")));
    }
    let (to, by) = (grantee(approval, &described)?, aws.caller().await?);
    confirm(approval.order.yes, &question(approval, &to, &by, &described))?;
    let order = Order {
        service: described.service.id.clone(),
        command: Command::Approve { to, until: approval.until },
        by,
        reason: approval.order.reason.clone(),
        at: Timestamp::now(),
    };
    let grantee = if approval.account { "account" } else { "endpoint" };
    match decide(ledger, &order).await? {
        Planned::AlreadyGranted(grant) => println!("granted already: {grantee} by {}: {}", grant.by, grant.reason),
        Planned::Changes(_) | Planned::NothingToEnd => println!("granted: {grantee} by {}: {}", order.by, order.reason),
    }
    if state.phase() == Phase::Live {
        println!("{endpoint} is already connected.");
        return Ok(Outcome::Clean);
    }
    carry_out(aws, policies, &order, Goal { act: Act::Accept, result: "accepted", subjects: slice::from_ref(endpoint) }).await
}

fn question(approval: &Approval, to: &Grantee, by: &str, Described { service, connection, .. }: &Described) -> String {
    let account = account(connection);
    let grantee = match to {
        Grantee::Subject(endpoint) => format!("{endpoint} of account {account}"),
        Grantee::Account(_) => format!("every endpoint of account {account}"),
    };
    let until = approval.until.map(|until| format!(" until {}", minute(until))).unwrap_or_default();
    format!("Accept {grantee} for {}{until}, as {by}: {}?", service_name(service), approval.order.reason)
}

fn grantee(approval: &Approval, Described { connection, .. }: &Described) -> Result<Grantee, CliError> {
    match (&connection.owner, approval.account) {
        (_, false) => Ok(Grantee::Subject(connection.subject.clone())),
        (Some(owner), true) => Ok(Grantee::Account(owner.clone())),
        (None, true) => Err(CliError::Failed("EC2 does not name the account: approve the endpoint without --account".to_owned())),
    }
}
