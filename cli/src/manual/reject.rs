//! `warden reject`: writes a refusal to the ledger, then rejects the pending request.

use jiff::Timestamp;
use warden::{
    decision::order::{Command, Order},
    ledger::record::Act,
    model::connection::{Connection, Phase},
};

use super::{
    carry_out::{Goal, carry_out},
    decide::decide_as_shown,
};
use crate::{
    arguments::Rejection,
    aws::Aws,
    error::{CliError, Outcome},
    prompt::confirm,
    wording::{account, service_name},
};

pub(crate) async fn reject(aws: &Aws, Rejection { endpoint, signature }: &Rejection) -> Result<Outcome, CliError> {
    let (ledger, reason) = (aws.ledger()?, &signature.reason);
    let described = aws.describe(endpoint).await?;
    if let Some(over) = over(&described.connection)? {
        println!("{over}");
        return Ok(Outcome::Clean);
    }
    let (policies, by) = (aws.policies().await?, aws.caller().await?);
    let (account, name) = (account(&described.connection), service_name(&described.service));
    confirm(signature.yes, &format!("Reject {endpoint} of account {account} for {name}: {reason}?"))?;
    // The request may have been accepted while the person was asked, and a rejection would cut it off.
    if let Some(over) = over(&aws.describe(endpoint).await?.connection)? {
        println!("{over}");
        return Ok(Outcome::Clean);
    }
    let command = Command::Reject { subject: endpoint.clone() };
    let order = Order { service: described.service.id.clone(), command, by, reason: reason.clone(), at: Timestamp::now() };
    // Another person may approve it at the same moment. `revoke` ends an approval, after it has shown it.
    decide_as_shown(ledger, &order, &[]).await?;
    carry_out(aws, policies, &order, Goal { act: Act::Reject, subjects: vec![(endpoint.clone(), "rejected")] }).await
}

/// Returns the sentence about a request that needs no rejection any more.
fn over(connection: &Connection) -> Result<Option<String>, CliError> {
    let (endpoint, state) = (&connection.subject, connection.state.as_str());
    match connection.state.phase() {
        Phase::Waiting | Phase::Unknown if !connection.connected_in_part => Ok(None),
        Phase::Waiting | Phase::Unknown | Phase::Live => {
            Err(CliError::Usage(format!("{endpoint} is connected ({state}), and nothing is changed: use `warden revoke` to disconnect it")))
        }
        // The ledger names no person here: it is unknown who ended the connection.
        Phase::Gone => Ok(Some(format!("{endpoint} is already {state}."))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_pending_requests_are_rejected() {
        let connection = |state: &str| -> Connection {
            let (service, subject) = ("vpce-svc-03d5ebb7d9579a2b3", "vpce-0c1308d7312217abc");
            serde_json::from_value(json!({"service": service, "subject": subject, "owner": "111122223333", "state": state})).unwrap()
        };
        assert!(matches!(over(&connection("pendingAcceptance")), Ok(None)));
        for live in ["available", "pending"] {
            let error = over(&connection(live)).unwrap_err();
            assert!(error.to_string().contains("nothing is changed: use `warden revoke`") && error.exit_status() == 2, "{error}");
        }
        assert!(matches!(over(&connection("deleted")), Ok(Some(text)) if text == "vpce-0c1308d7312217abc is already deleted."));
    }
}
