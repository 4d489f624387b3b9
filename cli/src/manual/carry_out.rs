//! Carries out what people decided about a service: intent, act, confirmation, as the function `approve` does it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use approve::Approve;
use jiff::{SignedDuration, Timestamp};
use warden::{
    deadline::Deadline,
    decision::order::Order,
    ledger::record::{Act, RecordFactory},
    model::{
        mode::Mode,
        origin::{Origin, OriginKind},
        scope::Scope,
        subject::Subject,
    },
    policy::PolicySet,
    ports::{ConnectionFilter, Describe, ServiceLedger, StackLedger},
};

use super::outcome::{After, Fate};
use crate::{
    aws::{Aws, RETENTION, VERSION},
    error::{CliError, Outcome},
    output::spinner,
};

/// The time for another worker's act and for the interval between two acts.
const WAIT_MAX: Duration = Duration::from_secs(20);
const WAIT_MIN: SignedDuration = SignedDuration::from_secs(1);

/// The act that a person wants, and its subjects, each with the word for what it is then.
#[derive(Debug)]
pub(super) struct Goal {
    pub(super) act: Act,
    pub(super) subjects: Vec<(Subject, &'static str)>,
}

/// Carries out an order that is on the ledger, and prints what became of each subject.
pub(super) async fn carry_out(aws: &Aws, policies: PolicySet, order: &Order, goal: Goal) -> Result<Outcome, CliError> {
    let spinner = spinner("carrying it out");
    let after = act(aws, policies, order, &goal).await;
    spinner.finish_and_clear();
    let after = after.map_err(|error| {
        CliError::Failed(format!("the decision is on the ledger, and the warden carries it out at its next sweep. Here, {error}"))
    })?;
    let (mut refused, mut outcome) = (Vec::new(), Outcome::Clean);
    for (subject, result) in &goal.subjects {
        let fate = after.fate(subject, goal.act, Timestamp::now());
        let sentence = fate.sentence(subject, result);
        match fate {
            Fate::Refused(_) => refused.push(sentence),
            Fate::Done => println!("{sentence}"),
            Fate::Gone(_) | Fate::Held(_) | Fate::Connected | Fate::Delayed | Fate::Undecided => {
                println!("{sentence}");
                outcome = Outcome::Findings;
            }
        }
    }
    if refused.is_empty() { Ok(outcome) } else { Err(CliError::Failed(refused.join("\n"))) }
}

async fn act(aws: &Aws, policies: PolicySet, order: &Order, goal: &Goal) -> Result<After, CliError> {
    let (ledger, service) = (aws.ledger()?, &order.service);
    let approve = Approve {
        ec2: aws.ec2.clone(),
        act: aws.ec2.for_acts(),
        ledger: ledger.clone(),
        queue: (),
        members: aws.organization.clone(),
        policy: Arc::new(policies),
        // The person named the endpoint, so its service counts, in scope or not.
        scope: Scope::All,
        region: aws.region.clone(),
        mode: Mode::Active,
        factory: RecordFactory { retention: RETENTION, function_version: VERSION.to_owned() },
        patience: SignedDuration::ZERO,
        people_only: true,
        clock: Timestamp::now,
    };
    let origin = Origin { kind: OriginKind::Person, id: order.by.clone() };
    let end = Instant::now() + WAIT_MAX;
    let mut after = After::default();
    loop {
        let answered = approve.answer_service(service, &origin, Deadline::after(WAIT_MAX, Duration::ZERO)).await?;
        after.records.extend(answered.records);
        if goal.subjects.iter().all(|(subject, _)| after.is_recorded(subject, goal.act)) {
            return Ok(after);
        }
        let Some(until) = answered.until else { break };
        let wait = until.duration_since(Timestamp::now()).max(WAIT_MIN).unsigned_abs();
        if Instant::now() + wait > end {
            after.delayed = true;
            break;
        }
        tokio::time::sleep(wait).await;
    }
    after.items = ledger.items(service).await?;
    after.connections = aws.ec2.connections(ConnectionFilter::Service(service)).await?;
    after.hold = ledger.decisions(service).await?.hold.or(ledger.stack_hold().await?);
    Ok(after)
}
