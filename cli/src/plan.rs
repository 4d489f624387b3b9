//! `warden plan`: every pending request and what would happen to it. Changes nothing.

use std::collections::BTreeSet;

use jiff::Timestamp;
use warden::{
    audit::admission_order::AdmissionOrder,
    decision::{Action, Decision, NoAction, decide, grant::Grant, queue::PendingQueue},
    ledger::history::LedgerHistory,
    model::{
        connection::{Connection, Phase},
        facts::{Claim, Counts, Facts},
        organization::Membership,
        service::Service,
    },
    policy::{Answer, Judgement, PolicyId, PolicySet, PolicyUri, UnknownFact, evaluation::Refer},
    ports::{ConnectionFilter, Describe, History, Ledger},
};

use crate::{
    arguments::Common,
    aws::Aws,
    failure::{Done, Failure},
    output::{Rows, progress},
    policy,
};

pub(crate) async fn plan(common: &Common, aws: &Aws, new: Option<&PolicyUri>) -> Result<Done, Failure> {
    let current = aws.policy(&common.policies).await?;
    let new = match new {
        Some(uri) => Some(aws.policy(uri).await?),
        None => None,
    };
    let services = services(common, aws).await?;
    let now = Timestamp::now();
    match new {
        None => listed(common, aws, &current, &services, now).await,
        Some(new) => compared(common, aws, (&current, &new), &services, now).await,
    }
}

/// A service with all that a plan needs.
struct Planned {
    service: Service,
    connections: Vec<Connection>,
    grants: Vec<Grant>,
    /// What the ledger holds, where one was named.
    memory: Option<LedgerHistory>,
}

async fn services(common: &Common, aws: &Aws) -> Result<Vec<Planned>, Failure> {
    let mut planned = Vec::new();
    let services = aws.services(common).await?;
    let bar = progress(services.len(), "services");
    for service in services {
        let connections = aws.ec2.connections(ConnectionFilter::Service(&service.id)).await?;
        // Without a ledger there are no grants to know of; then a plan is by policy alone, and says so.
        let (grants, memory) = match aws.ledger() {
            Ok(ledger) => (ledger.grants(&service.id).await?, Some(ledger.history(&service.id).await?)),
            Err(_) => (Vec::new(), None),
        };
        planned.push(Planned { service, connections, grants, memory });
        bar.inc(1);
    }
    bar.finish_and_clear();
    if common.ledger().is_none() {
        eprintln!("note: without --ledger, grants are not known and not counted in");
    }
    Ok(planned)
}

async fn listed(common: &Common, aws: &Aws, policy: &PolicySet, services: &[Planned], now: Timestamp) -> Result<Done, Failure> {
    let mut rows = Rows::new(&["service", "endpoint", "account", "waiting", "would", "because"]);
    for planned in services {
        for (connection, decision) in answers(aws, policy, planned, now).await {
            let (would, because) = words(&decision);
            rows.push([name(&planned.service), connection.endpoint.to_string(), owner(&connection), age(&connection, now), would, because]);
        }
    }
    rows.write(common.output, "No request is pending.");
    Ok(Done::Fine)
}

async fn compared(
    common: &Common,
    aws: &Aws,
    (old, new): (&PolicySet, &PolicySet),
    services: &[Planned],
    now: Timestamp,
) -> Result<Done, Failure> {
    let mut rows = Rows::new(&["service", "endpoint", "account", "state", "now", "then", "because"]);
    for planned in services {
        let (before, after) = (answers(aws, old, planned, now).await, answers(aws, new, planned, now).await);
        for ((connection, before), (_, after)) in before.into_iter().zip(after) {
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
        let mut census = AdmissionOrder::default();
        census.count(&planned.connections, planned.memory.as_ref());
        let census = census.sorted();
        for connection in planned.connections.iter().filter(|connection| connection.state.phase() == Phase::Live) {
            let (was, _) = justified(aws, old, planned, connection, &census, now).await;
            let (would, because) = justified(aws, new, planned, connection, &census, now).await;
            if was != would {
                let state = connection.state.as_str().to_owned();
                rows.push([name(&planned.service), connection.endpoint.to_string(), owner(connection), state, was, would, because]);
            }
        }
    }
    rows.write(common.output, "The new policy set would change nothing for what is there now.");
    if common.output == crate::arguments::Format::Table {
        println!("{} → {}", policy::short(old.digest()), policy::short(new.digest()));
    }
    Ok(if rows.is_empty() { Done::Fine } else { Done::Differences })
}

/// What each waiting request comes to, in the sweep's order.
async fn answers(aws: &Aws, policy: &PolicySet, planned: &Planned, now: Timestamp) -> Vec<(Connection, Decision)> {
    let Some(PendingQueue { service, waiting, mut counts }) = PendingQueue::of(&planned.connections, planned.service.clone()) else {
        return Vec::new();
    };
    let mut answers = Vec::new();
    for connection in waiting {
        let facts = facts(aws, policy, &service, connection.clone(), counts.seen_by(&connection), now).await;
        let decision = decide(policy, &facts, &planned.grants);
        if matches!(decision.action, Action::Accept(_)) {
            counts.let_in(&connection);
        }
        answers.push((connection, decision));
    }
    answers
}

/// Whether what is connected would be let in: judged as the audit judges it, beside those that were there before it.
async fn justified(
    aws: &Aws,
    policy: &PolicySet,
    planned: &Planned,
    connection: &Connection,
    census: &AdmissionOrder,
    now: Timestamp,
) -> (String, String) {
    let counts = census.beside(connection, planned.memory.as_ref());
    let waiting = Connection { state: warden::model::connection::State::PendingAcceptance, ..connection.clone() };
    let role = planned.memory.as_ref().and_then(|memory| memory.of(connection)?.role.clone());
    let claim = role.map(|role| Claim::recorded(connection, role));
    let facts = Facts { claim, ..facts(aws, policy, &planned.service, waiting, counts, now).await };
    let decision = decide(policy, &facts, &planned.grants);
    let (would, because) = words(&decision);
    match decision.action {
        Action::Refer(Refer::Unverified { ref needs }) if needs.contains(&UnknownFact::Organization) => ("unknown".to_owned(), because),
        Action::Accept(_) => ("justified".to_owned(), because),
        Action::Reject(_) | Action::Refer(_) | Action::NoAction(_) => ("unjustified".to_owned(), format!("{would}: {because}")),
    }
}

async fn facts(aws: &Aws, policy: &PolicySet, service: &Service, connection: Connection, counts: Counts, now: Timestamp) -> Facts {
    let mut facts = Facts { service: service.clone(), connection, counts, membership: Membership::NotAsked, claim: None, now };
    aws.members.complete(policy, &mut facts).await;
    facts
}

/// What would be done, and by what.
pub(crate) fn words(decision: &Decision) -> (String, String) {
    let judgement = decision.grounds.judgement.as_ref();
    match (&decision.action, &decision.grounds.grant) {
        (Action::Accept(_), Some(grant)) => ("accept".into(), format!("granted by {}: {}", grant.by, grant.reason)),
        (Action::Accept(_), None) => ("accept".into(), rules(judgement.map(|judgement| &judgement.accept))),
        (Action::Reject(_), _) => ("reject".into(), rules(judgement.map(|judgement| &judgement.reject))),
        (Action::Refer(why), _) => ("refer".into(), because(why, judgement)),
        (Action::NoAction(NoAction::Live), _) => ("leave".into(), "connected already".into()),
        (Action::NoAction(NoAction::Gone), _) => ("leave".into(), "nothing waits any more".into()),
    }
}

fn rules(answer: Option<&Answer>) -> String {
    answer.map(|answer| answer.policies.iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>().join(", ")).unwrap_or_default()
}

/// Why a person must decide.
pub(crate) fn because(why: &Refer, judgement: Option<&Judgement>) -> String {
    match why {
        Refer::NoPermit => "no policy allows it".to_owned(),
        Refer::Forbidden => format!("forbidden by {}", rules(judgement.map(|judgement| &judgement.accept))),
        Refer::Contradiction => "both accept and reject are allowed".to_owned(),
        Refer::PolicyError => {
            let errors = judgement.into_iter().flat_map(|judgement| judgement.accept.errors.iter().chain(&judgement.reject.errors));
            let mut ids: Vec<&str> = errors.map(|error| error.id.as_ref().map_or("(request)", PolicyId::as_str)).collect();
            ids.dedup();
            format!("{} cannot be evaluated", ids.join(", "))
        }
        Refer::Missing { fact } => fact.to_string(),
        Refer::Unverified { needs } => unverified(needs, judgement),
        Refer::Inactive { state } => format!("the account is {state} in its organization"),
        Refer::UnknownState { state } => format!("its state `{state}` is unknown"),
        Refer::Disputed { claimed } => format!("the event names another owner, {claimed}"),
    }
}

fn unverified(needs: &BTreeSet<UnknownFact>, judgement: Option<&Judgement>) -> String {
    let open = judgement.into_iter().flat_map(|judgement| judgement.accept.residual.iter().chain(&judgement.reject.residual));
    let mut ids: Vec<&str> = open.map(|rule| rule.id.as_str()).collect();
    ids.dedup();
    // No rule, where a person's grant is what waits.
    let who = if ids.is_empty() { "a grant".to_owned() } else { ids.join(", ") };
    format!("{who} {} for {}", if ids.len() > 1 { "wait" } else { "waits" }, awaited(needs))
}

/// What is not known, in words.
pub(crate) fn awaited(needs: &BTreeSet<UnknownFact>) -> String {
    needs.iter().map(|need| need.label()).collect::<Vec<_>>().join(" and ")
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
        60..120 => "1 minute".to_owned(),
        seconds => format!("{} minutes", seconds.max(0) / 60),
    }
}
