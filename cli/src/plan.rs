//! `warden plan`: every pending request and what would happen to it. Changes nothing.

use std::path::Path;

use jiff::Timestamp;
use warden::{
    connection::{Connection, Service, Standing},
    decision::{Decision, Leave, Refer, Ruling, decide},
    facts::{Counts, Facts},
    grant::Grant,
    ids::EndpointId,
    policy::Policy,
    ports::{Describe, Ledger, Of},
    queue::{Queue, Running},
};

use crate::{
    arguments::Common,
    aws::Aws,
    failure::{Done, Failure},
    output::Rows,
    policy,
};

pub(crate) async fn plan(common: &Common, aws: &Aws, new: Option<&Path>) -> Result<Done, Failure> {
    let current = policy::load(common)?;
    let new = new.map(policy::load_from).transpose()?;
    let services = services(common, aws).await?;
    let now = Timestamp::now();
    match new {
        None => listed(common, &current, &services, now),
        Some(new) => compared(common, (&current, &new), &services, now),
    }
}

/// A service with all that a plan needs.
struct Planned {
    service: Service,
    connections: Vec<Connection>,
    grants: Vec<Grant>,
}

async fn services(common: &Common, aws: &Aws) -> Result<Vec<Planned>, Failure> {
    let mut planned = Vec::new();
    for service in aws.services(common).await? {
        let connections = aws.ec2.connections(Of::Service(&service.id)).await?;
        // Without a ledger there are no grants to know of; then a plan is by policy alone, and says so.
        let grants = match aws.ledger() {
            Ok(ledger) => ledger.grants(&service.id).await?,
            Err(_) => Vec::new(),
        };
        planned.push(Planned { service, connections, grants });
    }
    if common.ledger.is_none() {
        eprintln!("note: without --ledger, grants are not known and not counted in");
    }
    Ok(planned)
}

fn listed(common: &Common, policy: &Policy, services: &[Planned], now: Timestamp) -> Result<Done, Failure> {
    let mut rows = Rows::new(&["service", "endpoint", "account", "waiting", "would", "because"]);
    for planned in services {
        for (connection, ruling) in answers(policy, planned, now) {
            let (would, because) = words(&ruling);
            rows.push([name(&planned.service), connection.endpoint.to_string(), owner(&connection), age(&connection, now), would, because]);
        }
    }
    rows.write(common.output, "No request is pending.")?;
    Ok(Done::Fine)
}

fn compared(common: &Common, (old, new): (&Policy, &Policy), services: &[Planned], now: Timestamp) -> Result<Done, Failure> {
    let mut rows = Rows::new(&["service", "endpoint", "account", "state", "now", "then", "because"]);
    for planned in services {
        for ((connection, before), (_, after)) in answers(old, planned, now).into_iter().zip(answers(new, planned, now)) {
            let ((was, _), (would, because)) = (words(&before), words(&after));
            if was != would {
                rows.push([
                    name(&planned.service),
                    connection.endpoint.to_string(),
                    owner(&connection),
                    "pending".into(),
                    was,
                    would,
                    because,
                ]);
            }
        }
        for connection in planned.connections.iter().filter(|connection| connection.state.standing() == Standing::Live) {
            let (was, _) = justified(old, planned, connection, now);
            let (would, because) = justified(new, planned, connection, now);
            if was != would {
                let state = connection.state.as_str().to_owned();
                rows.push([name(&planned.service), connection.endpoint.to_string(), owner(connection), state, was, would, because]);
            }
        }
    }
    rows.write(common.output, "The new policy set would change nothing for what is there now.")?;
    if common.output == crate::arguments::Format::Table {
        println!("{} → {}", policy::short(old.digest()), policy::short(new.digest()));
    }
    Ok(if rows.is_empty() { Done::Fine } else { Done::Differences })
}

/// What each waiting request comes to, in the sweep's order.
fn answers(policy: &Policy, planned: &Planned, now: Timestamp) -> Vec<(Connection, Ruling)> {
    let Some(Queue { service, waiting, mut counts }) = Queue::of(&planned.connections, planned.service.clone()) else { return Vec::new() };
    let answer = |connection: Connection| {
        let facts =
            Facts { service: service.clone(), connection: connection.clone(), counts: counts.seen_by(&connection), claim: None, now };
        let ruling = decide(policy, &facts, &planned.grants);
        if matches!(ruling.decision, Decision::Accept(_)) {
            counts.let_in(&connection);
        }
        (connection, ruling)
    };
    waiting.into_iter().map(answer).collect()
}

/// Whether what is connected would be let in.
fn justified(policy: &Policy, planned: &Planned, connection: &Connection, now: Timestamp) -> (String, String) {
    // As when it came: the others of its service, without itself.
    let others: Vec<Connection> = planned.connections.iter().filter(|other| older(other, connection)).cloned().collect();
    let waiting = Connection { state: warden::connection::State::PendingAcceptance, ..connection.clone() };
    let counts: Counts = Running::of(&others).seen_by(connection);
    let facts = Facts { service: planned.service.clone(), connection: waiting, counts, claim: None, now };
    let ruling = decide(policy, &facts, &planned.grants);
    let (would, because) = words(&ruling);
    match ruling.decision {
        Decision::Accept(_) => ("justified".to_owned(), because),
        Decision::Reject(_) | Decision::Refer(_) | Decision::Leave(_) => ("unjustified".to_owned(), format!("{would}: {because}")),
    }
}

fn older(other: &Connection, than: &Connection) -> bool {
    let place = |connection: &Connection| -> (Option<Timestamp>, EndpointId) { (connection.created, connection.endpoint.clone()) };
    place(other) < place(than)
}

/// What would be done, and by what.
pub(crate) fn words(ruling: &Ruling) -> (String, String) {
    let rules = |reject: bool| {
        let judgement = ruling.basis.judgement.as_ref();
        let answer = judgement.map(|judgement| if reject { &judgement.reject } else { &judgement.accept });
        answer.map(|answer| answer.rules.iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>().join(", ")).unwrap_or_default()
    };
    match (&ruling.decision, &ruling.basis.grant) {
        (Decision::Accept(_), Some(grant)) => ("accept".into(), format!("granted by {}: {}", grant.by, grant.reason)),
        (Decision::Accept(_), None) => ("accept".into(), rules(false)),
        (Decision::Reject(_), _) => ("reject".into(), rules(true)),
        (Decision::Refer(why), _) => ("refer".into(), because(why, &rules(false), ruling)),
        (Decision::Leave(Leave::Live), _) => ("leave".into(), "connected already".into()),
        (Decision::Leave(Leave::Gone), _) => ("leave".into(), "nothing waits any more".into()),
    }
}

fn because(why: &Refer, rules: &str, ruling: &Ruling) -> String {
    match why {
        Refer::NoPermit => "no policy allows it".to_owned(),
        Refer::Forbidden => format!("forbidden by {rules}"),
        Refer::Contradiction => "both accept and reject are allowed".to_owned(),
        Refer::PolicyError => {
            let errors = ruling.basis.judgement.iter().flat_map(|judgement| judgement.accept.errors.iter().chain(&judgement.reject.errors));
            let mut ids: Vec<&str> = errors.map(|error| error.id.as_str()).collect();
            ids.dedup();
            format!("{} cannot be evaluated", ids.join(", "))
        }
        Refer::Missing { fact } => fact.to_string(),
        Refer::UnknownState { state } => format!("its state `{state}` is unknown"),
        Refer::Disputed { claimed } => format!("the event names another owner, {claimed}"),
    }
}

pub(crate) fn name(service: &Service) -> String {
    service.tags.get("Name").cloned().unwrap_or_else(|| service.id.to_string())
}

pub(crate) fn owner(connection: &Connection) -> String {
    connection.owner.as_ref().map_or_else(|| "unknown".to_owned(), ToString::to_string)
}

fn age(connection: &Connection, now: Timestamp) -> String {
    let Some(created) = connection.created else { return "unknown".to_owned() };
    match now.duration_since(created).as_secs() {
        seconds @ 172_800.. => format!("{} days", seconds / 86_400),
        seconds @ 7_200.. => format!("{} hours", seconds / 3_600),
        seconds => format!("{} minutes", seconds.max(0) / 60),
    }
}
