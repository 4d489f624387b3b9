//! `warden approve`: writes a grant to the ledger, then accepts the connection.

use std::slice;

use jiff::Timestamp;
use warden::{
    decision::{
        Action, decide,
        grant::{Grant, Grantee},
    },
    ledger::grants::SCHEMA_VERSION,
    model::connection::Phase,
    ports::{Accept, ActOutcome},
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
    let grant = grant(aws, approval, &described).await?;
    confirm(approval.order.yes, &question(&grant, &described))?;
    ledger.grant(&grant).await?;
    println!("granted: {} by {}: {}", if approval.account { "account" } else { "endpoint" }, grant.by, grant.reason);
    if state.phase() == Phase::Live {
        println!("{endpoint} is already connected.");
        return Ok(Outcome::Clean);
    }
    let Action::Accept(token) = decide(&policies, &facts, slice::from_ref(&grant)).action else {
        let message = format!("the grant is on the ledger, but EC2 does not describe {endpoint} well enough to act: the sweep will retry");
        return Err(CliError::Failed(message));
    };
    if let ActOutcome::Asked(failed) = aws.ec2.accept(&described.service.id, vec![token]).await?
        && !failed.is_empty()
    {
        return Err(CliError::unsuccessful(&failed));
    }
    println!("{endpoint} is accepted.");
    Ok(Outcome::Clean)
}

fn question(grant: &Grant, Described { service, connection, .. }: &Described) -> String {
    let account = account(connection);
    let grantee = match &grant.to {
        Grantee::Endpoint(endpoint) => format!("{endpoint} of account {account}"),
        Grantee::Account(_) => format!("every endpoint of account {account}"),
    };
    let until = grant.until.map(|until| format!(" until {}", minute(until))).unwrap_or_default();
    format!("Accept {grantee} for {}{until}, as {}: {}?", service_name(service), grant.by, grant.reason)
}

async fn grant(aws: &Aws, approval: &Approval, Described { service, connection, .. }: &Described) -> Result<Grant, CliError> {
    let to = match (&connection.owner, approval.account) {
        (_, false) => Grantee::Endpoint(connection.endpoint.clone()),
        (Some(owner), true) => Grantee::Account(owner.clone()),
        (None, true) => return Err(CliError::Failed("EC2 does not name the account: approve the endpoint without --account".to_owned())),
    };
    Ok(Grant {
        schema: SCHEMA_VERSION,
        service: service.id.clone(),
        to,
        by: aws.caller().await?,
        reason: approval.order.reason.clone(),
        at: Timestamp::now(),
        until: approval.until,
    })
}
