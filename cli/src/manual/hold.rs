//! `warden pause` and `warden resume`: a hold stops every act of the warden, and of people at this command line.

use jiff::Timestamp;
use warden::{
    decision::{
        Hold,
        order::{Command, Order, Planned},
    },
    ports::{PersonLedger, ServiceLedger, StackLedger},
};

use super::decide::decide;
use crate::{
    arguments::HoldOrder,
    aws::Aws,
    error::{CliError, Outcome},
    wording,
};

pub(crate) async fn pause(aws: &Aws, HoldOrder { service, reason }: &HoldOrder) -> Result<Outcome, CliError> {
    let ledger = aws.ledger()?;
    let by = aws.caller().await?;
    let (what, option) = match service {
        Some(service) => {
            // A hold of a service that is not the account's would stop nothing.
            aws.service(service).await?;
            let order = Order { service: service.clone(), command: Command::Pause, by, reason: reason.clone(), at: Timestamp::now() };
            if let Planned::NothingToEnd = decide(ledger, &order).await? {
                return Ok(already(&service.to_string(), ledger.decisions(service).await?.hold));
            }
            (service.to_string(), format!(" --service {service}"))
        }
        None => {
            if let Some(hold) = ledger.stack_hold().await? {
                return Ok(already(EVERY_SERVICE, Some(hold)));
            }
            ledger.hold_stack(&Hold { by, reason: reason.to_string(), at: Timestamp::now() }).await?;
            (EVERY_SERVICE.to_owned(), String::new())
        }
    };
    println!("Every act on {what} is on hold. An act that has begun is finished.");
    println!("`warden resume{option} --reason …` ends the hold.");
    Ok(Outcome::Clean)
}

pub(crate) async fn resume(aws: &Aws, HoldOrder { service, reason }: &HoldOrder) -> Result<Outcome, CliError> {
    let ledger = aws.ledger()?;
    let by = aws.caller().await?;
    let stack_hold = ledger.stack_hold().await?;
    let Some(service) = service else {
        let Some(hold) = stack_hold else {
            println!("There is no hold of every service. `warden doctor` shows those of one service.");
            return Ok(Outcome::Clean);
        };
        ledger.resume_stack(&Hold { by, reason: reason.to_string(), at: Timestamp::now() }).await?;
        println!("Ended: every act on {EVERY_SERVICE} was {}", wording::hold(&hold));
        println!("{NEXT_SWEEP}");
        return Ok(Outcome::Clean);
    };
    let order = Order { service: service.clone(), command: Command::Resume, by, reason: reason.clone(), at: Timestamp::now() };
    match (decide(ledger, &order).await?, &stack_hold) {
        (Planned::NothingToEnd, _) => println!("There is no hold of {service}."),
        (Planned::Changes(_) | Planned::AlreadyGranted(_), None) => println!("The hold of {service} is ended. {NEXT_SWEEP}"),
        (Planned::Changes(_) | Planned::AlreadyGranted(_), Some(_)) => println!("The hold of {service} is ended."),
    }
    if let Some(hold) = &stack_hold {
        println!("note: every act on {EVERY_SERVICE} is still {}", wording::hold(hold));
    }
    Ok(Outcome::Clean)
}

const EVERY_SERVICE: &str = "every service";
const NEXT_SWEEP: &str = "The next sweep answers what is pending.";

fn already(what: &str, hold: Option<Hold>) -> Outcome {
    let hold = hold.as_ref().map(wording::hold).unwrap_or_default();
    println!("Every act on {what} is already {hold}");
    Outcome::Clean
}
