//! `warden reject`: rejects one pending request.

use std::slice;

use warden::model::connection::Phase;

use super::rejection::Rejection;
use crate::{
    arguments::Order,
    aws::Aws,
    error::{CliError, Outcome},
    prompt::confirm,
    wording::{account, service_name},
};

pub(crate) async fn reject(aws: &Aws, order: &Order) -> Result<Outcome, CliError> {
    aws.ledger()?;
    let endpoint = &order.endpoint;
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
    let rejection = Rejection::prepare(aws, order, &described.service).await?;
    let (account, name) = (account(connection), service_name(&described.service));
    confirm(order.yes, &format!("Reject {endpoint} of account {account} for {name}: {}?", order.reason))?;
    rejection.reject(aws, &described, slice::from_ref(connection), "rejected").await?;
    Ok(Outcome::Clean)
}
