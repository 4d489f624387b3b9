//! `warden reject`: writes a refusal to the ledger, then rejects the pending request.

use std::slice;

use jiff::Timestamp;
use warden::{
    decision::order::{Command, Order},
    ledger::record::Act,
    model::connection::Phase,
};

use super::{
    carry_out::{Goal, carry_out},
    decide::decide,
};
use crate::{
    arguments::ManualDecision,
    aws::Aws,
    error::{CliError, Outcome},
    prompt::confirm,
    wording::{account, service_name},
};

pub(crate) async fn reject(aws: &Aws, ManualDecision { endpoint, reason, yes }: &ManualDecision) -> Result<Outcome, CliError> {
    let ledger = aws.ledger()?;
    let described = aws.describe(endpoint).await?;
    let connection = &described.connection;
    match connection.state.phase() {
        Phase::Live => return Err(CliError::Usage(format!("{endpoint} is connected: use `warden revoke` to disconnect it"))),
        // The ledger names no person here: it is unknown who ended the connection.
        Phase::Gone => {
            println!("{endpoint} is already {}.", connection.state.as_str());
            return Ok(Outcome::Clean);
        }
        Phase::Waiting | Phase::Unknown => {}
    }
    let (policies, by) = (aws.policies().await?, aws.caller().await?);
    let (account, name) = (account(connection), service_name(&described.service));
    confirm(*yes, &format!("Reject {endpoint} of account {account} for {name}: {reason}?"))?;
    let command = Command::Reject { subject: endpoint.clone() };
    let order = Order { service: described.service.id.clone(), command, by, reason: reason.clone(), at: Timestamp::now() };
    decide(ledger, &order).await?;
    carry_out(aws, policies, &order, Goal { act: Act::Reject, result: "rejected", subjects: slice::from_ref(endpoint) }).await
}
