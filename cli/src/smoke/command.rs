//! Asks, runs the steps, cleans up, writes the table.

use std::time::Instant;

use jiff::Timestamp;
use warden::aws::rehearsal::{Consumer, Place, Provider};

use super::{
    cleanup::clean_up,
    raw_event::Accounts,
    report::Report,
    steps::{Run, STEPS},
    stop::Stop,
};
use crate::{
    arguments::{Common, Rehearsal},
    aws::{Aws, config_of_profile},
    error::{CliError, Outcome},
    prompt::confirm,
    stack::DEFAULT_NAME,
    wording::counted,
};

/// The SDK prefers these variables to any profile: both sides would be the same account.
const KEY: &str = "AWS_ACCESS_KEY_ID";

pub(crate) async fn smoke(common: &Common, order: &Rehearsal) -> Result<Outcome, CliError> {
    if std::env::var_os(KEY).is_some_and(|key| !key.is_empty()) {
        return Err(CliError::Usage(format!(
            "{KEY} is set and would take the place of both profiles: unset it, and give --profile for the provider"
        )));
    }
    let aws = Aws::connect_to(common, common.given.stack.as_deref().unwrap_or(DEFAULT_NAME)).await?;
    let Some(stack) = aws.common.stack.as_ref() else { return Ok(Outcome::Findings) };
    let consumer = Consumer::new(&config_of_profile(&common.given, &order.consumer_profile).await?, aws.region.clone());
    let accounts = Accounts { provider: aws.diagnostics.caller().await?.account, consumer: consumer.account().await? };
    let service = aws.service(&order.service).await?;
    let provider = Provider::new(&aws.config, aws.region.clone());
    // 17 hexadecimal digits, as an endpoint's id has.
    let id = format!("{:017x}", Timestamp::now().as_nanosecond());
    confirm(order.yes, &question(&stack.name, &accounts, order, &id))?;
    let place = Place { vpc: order.vpc.clone(), subnets: order.subnets.clone() };
    let stop = Stop::listen()?;
    let mut run = Run::new(&aws, stack, provider, consumer, order, service, accounts, place, id, stop);
    let mut report = Report::default();
    for (name, step) in STEPS {
        if run.is_stopped() {
            break;
        }
        let started = Instant::now();
        let result = run.step(step).await;
        report.add(name, started, result);
    }
    let started = Instant::now();
    let made = std::mem::take(&mut run.made);
    let endpoint = run.endpoint.as_ref().map(ToString::to_string);
    let result = clean_up(&run.provider, &run.consumer, &run.id, made, endpoint).await;
    report.add("clean up", started, result);
    report.write();
    for file in &run.files {
        println!("{}: read it, then send it to the project", file.display());
    }
    Ok(Outcome::clean_if(!report.has_failed() && !run.is_stopped()))
}

fn question(stack: &str, accounts: &Accounts, order: &Rehearsal, id: &str) -> String {
    let zones = order.subnets.len();
    let accepted = if order.accept { ", and a grant for an hour in your name accepts it" } else { "" };
    format!(
        "Stack {stack}, provider {}, consumer {}, run {id}.\n\
         Account {} gets an interface endpoint for {}{accepted}. It costs about 0.01 USD an hour in each of {}, and AWS counts a started \
         hour as a whole. Account {} gets a queue, two subscriptions and two rules, named warden-smoke-{id}. All of it is removed at the \
         end, also after an error or Ctrl-C. Run it?",
        accounts.provider,
        accounts.consumer,
        accounts.consumer,
        order.service,
        counted(zones, "Availability Zone", "Availability Zones"),
        accounts.provider,
    )
}
