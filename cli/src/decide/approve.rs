//! `warden approve`: the grant goes on the ledger first, then EC2 is asked.

use jiff::Timestamp;
use warden::{
    decision::{
        Action, decide,
        grant::{Grant, Grantee},
    },
    ledger::grants::SCHEMA_VERSION,
    model::{
        connection::{Connection, Phase},
        service::Service,
    },
    ports::{Accept, ActOutcome},
};

use super::{ask, facts, undone};
use crate::{
    arguments::{Approval, Common},
    aws::Aws,
    failure::{Done, Failure},
    output::minute,
    plan::{name, owner},
};

pub(crate) async fn approve(common: &Common, aws: &Aws, approval: &Approval) -> Result<Done, Failure> {
    let (ledger, order) = (aws.ledger()?, &approval.order);
    let policy = aws.policy(&common.policies).await?;
    let (service, connection, all) = aws.connection(&order.endpoint).await?;
    if matches!(connection.state.phase(), Phase::Gone | Phase::Unknown) {
        return Err(Failure::Usage(format!("{} is {}: there is nothing to accept", order.endpoint, connection.state.as_str())));
    }
    let facts = facts(aws, &policy, service.clone(), connection.clone(), &all).await;
    if let Some(state) = facts.membership.inactive() {
        let who = owner(&connection);
        return Err(Failure::Usage(format!("account {who} is {state} in its organization: such an account is never let in")));
    }
    let grant = grant(aws, approval, &service, &connection).await?;
    ask(order.yes, &question(&grant, &service, &connection))?;
    ledger.grant(&grant).await?;
    println!("granted: {} by {}: {}", if approval.account { "account" } else { "endpoint" }, grant.by, grant.reason);
    match connection.state.phase() {
        Phase::Waiting => {
            let Action::Accept(permit) = decide(&policy, &facts, std::slice::from_ref(&grant)).action else {
                return Err(Failure::Trouble(format!(
                    "the grant is on the ledger, but EC2 does not describe {} well enough to act on: the sweep will",
                    order.endpoint
                )));
            };
            if let ActOutcome::Asked(failed) = aws.ec2.accept(&facts.service.id, vec![permit]).await?
                && !failed.is_empty()
            {
                return Err(undone(&failed));
            }
            println!("{} is accepted.", order.endpoint);
        }
        Phase::Live => println!("{} is connected already.", order.endpoint),
        Phase::Gone | Phase::Unknown => {} // turned away above
    }
    Ok(Done::Fine)
}

fn question(grant: &Grant, service: &Service, connection: &Connection) -> String {
    let account = owner(connection);
    let whom = match &grant.to {
        Grantee::Endpoint(endpoint) => format!("{endpoint}, of account {account},"),
        Grantee::Account(_) => format!("every endpoint of account {account}"),
    };
    let until = grant.until.map(|until| format!(" until {}", minute(until))).unwrap_or_default();
    format!("Let {whom} connect to {}{until}, as {}: {}?", name(service), grant.by, grant.reason)
}

async fn grant(aws: &Aws, approval: &Approval, service: &Service, connection: &Connection) -> Result<Grant, Failure> {
    let to = match (&connection.owner, approval.account) {
        (_, false) => Grantee::Endpoint(approval.order.endpoint.clone()),
        (Some(owner), true) => Grantee::Account(owner.clone()),
        (None, true) => return Err(Failure::Trouble("EC2 does not name the account: grant the endpoint alone".to_owned())),
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
