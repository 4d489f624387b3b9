//! `warden reject`: turns one pending request away.

use warden::model::connection::Phase;

use super::{ask, refusing::Refusing};
use crate::{
    arguments::{Common, Order},
    aws::Aws,
    failure::{Done, Failure},
    plan::{name, owner},
};

pub(crate) async fn reject(common: &Common, aws: &Aws, order: &Order) -> Result<Done, Failure> {
    aws.ledger()?;
    let (service, connection, all) = aws.connection(&order.endpoint).await?;
    match connection.state.phase() {
        Phase::Live => return Err(Failure::Usage(format!("{} is connected: `warden revoke` cuts it off", order.endpoint))),
        // By whom is not known, so nobody's name is put on it.
        Phase::Gone => {
            println!("{} is {} already.", order.endpoint, connection.state.as_str());
            return Ok(Done::Fine);
        }
        Phase::Waiting | Phase::Unknown => {}
    }
    let refusing = Refusing::prepare(common, aws, order, &service).await?;
    let whom = format!("{}, of account {},", order.endpoint, owner(&connection));
    ask(order.yes, &format!("Turn away {whom} from {}: {}?", name(&service), order.reason))?;
    refusing.turn_away(aws, &service, vec![connection], &all, "rejected").await?;
    Ok(Done::Fine)
}
