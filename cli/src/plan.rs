//! `warden plan`: the decision on every pending request. Changes nothing.

use jiff::Timestamp;
use warden::{
    audit::admission_order::AdmissionOrder,
    decision::{
        Action, Decision, Hold, PersonDecisions, decide, decide_with_people,
        queue::{RunningCounts, pending},
    },
    ledger::history::PageHistory,
    model::{
        connection::{Connection, Phase},
        facts::{Claim, Counts, Facts},
        mode::{MODE_TAG, Mode},
        service::Service,
    },
    policy::{Detail, PolicySet, PolicyUri, UnknownFact, evaluation::Refer},
    ports::{ConnectionFilter, Describe, History, ServiceLedger, StackLedger},
};

use crate::{
    arguments::Format,
    aws::Aws,
    error::{CliError, Outcome},
    facts,
    output::{Rows, bar},
    wording::{self, account, decision, service_name, short},
};

pub(crate) async fn plan(aws: &Aws, new: Option<&PolicyUri>) -> Result<Outcome, CliError> {
    let now = Timestamp::now();
    let current = Judge { aws, policies: aws.policies().await?, now };
    let Some(new) = new else { return list(&current, &read(aws).await?).await };
    let new = Judge { aws, policies: aws.policy_set(new).await?, now };
    compare(&current, &new, &read(aws).await?).await
}

/// What is known of one service.
pub(crate) struct Planned {
    pub(crate) service: Service,
    pub(crate) connections: Vec<Connection>,
    pub(crate) people: PersonDecisions,
    /// Absent without a ledger.
    pub(crate) history: Option<PageHistory>,
}

/// Reads every service in scope.
pub(crate) async fn read(aws: &Aws) -> Result<Vec<Planned>, CliError> {
    let mut planned = Vec::new();
    let services = aws.services().await?;
    let stack_hold = match aws.ledger() {
        Ok(ledger) => ledger.stack_hold().await?,
        Err(_) => None,
    };
    stack_hold.iter().for_each(|hold| eprintln!("note: every act on every service is {}", wording::hold(hold)));
    let bar = bar(services.len(), "services");
    for service in services {
        let connections = aws.ec2.connections(ConnectionFilter::Service(&service.id)).await?;
        let (mut people, history) = match aws.ledger() {
            Ok(ledger) => (ledger.decisions(&service.id).await?, Some(ledger.entries(&service.id, &connections).await?)),
            Err(_) => (PersonDecisions::default(), None),
        };
        let name = service_name(&service);
        people.unreadable.iter().for_each(|item| eprintln!("note: {name}: a person's decision cannot be read: {item}"));
        people.hold.iter().for_each(|hold| eprintln!("note: every act on {name} is {}", wording::hold(hold)));
        people.hold = people.hold.or_else(|| stack_hold.clone());
        planned.push(Planned { service, connections, people, history });
        bar.inc(1);
    }
    bar.finish_and_clear();
    if aws.common.ledger().is_none() {
        eprintln!("note: without --ledger, grants are ignored");
    }
    Ok(planned)
}

async fn list(judge: &Judge<'_>, services: &[Planned]) -> Result<Outcome, CliError> {
    modes(judge.aws, services);
    // A table of 80 columns has no room for the mode, which the notes say.
    let for_people = judge.aws.common.output == Format::Table;
    let mut rows = match for_people {
        true => Rows::new(&["service", "endpoint", "account", "waiting", "would", "because"]),
        false => Rows::new(&["service", "endpoint", "account", "waiting", "would", "because", "mode"]),
    };
    for planned in services {
        let mode = judge.aws.mode_of(&planned.service).map_or("unknown", Mode::as_str);
        for (connection, decided) in judge.decisions(planned).await {
            let (name, account, waiting) = (service_name(&planned.service), account(&connection), age(&connection, judge.now));
            let (would, because) = planned.people.hold.as_ref().and_then(|hold| held(&decided, hold)).unwrap_or_else(|| decision(&decided));
            let subject = connection.subject.as_str();
            match for_people {
                true => rows.push([&name, subject, &account, &waiting, &would, &because]),
                false => rows.push([&name, subject, &account, &waiting, &would, &because, mode]),
            }
        }
    }
    rows.write(judge.aws.common.output, "No request is pending.");
    Ok(Outcome::Clean)
}

/// Says which services are only observed.
fn modes(aws: &Aws, services: &[Planned]) {
    if aws.common.stack.as_ref().is_some_and(|stack| stack.mode == Mode::Observe) {
        return eprintln!("note: the stack is in observe mode: nothing is accepted or rejected");
    }
    let observed = services.iter().filter(|planned| aws.mode_of(&planned.service) == Some(Mode::Observe));
    let observed: Vec<String> = observed.map(|planned| service_name(&planned.service)).collect();
    if !observed.is_empty() {
        eprintln!("note: in observe mode by their tag `{MODE_TAG}`, so that nothing is accepted or rejected: {}", observed.join(", "));
    }
}

/// During a hold, the warden refers what it would accept or reject.
fn held(decided: &Decision, hold: &Hold) -> Option<(String, String)> {
    let refer = Refer::Held { by: hold.by.clone(), reason: hold.reason.clone() };
    let acts = matches!(decided.action, Action::Accept(_) | Action::Reject(_));
    acts.then(|| ("refer".to_owned(), refer.clause(None, Detail::Brief)))
}

async fn compare(old: &Judge<'_>, new: &Judge<'_>, services: &[Planned]) -> Result<Outcome, CliError> {
    let mut rows = Rows::new(&["service", "endpoint", "account", "state", "now", "then", "because"]);
    for planned in services {
        let name = service_name(&planned.service);
        let mut push = |connection: &Connection, state: &str, was: String, (then, because): (String, String)| {
            if was != then {
                rows.push([&name, connection.subject.as_str(), &account(connection), state, &was, &then, &because]);
            }
        };
        for ((connection, before), (_, after)) in old.decisions(planned).await.into_iter().zip(new.decisions(planned).await) {
            push(&connection, "pending", decision(&before).0, decision(&after));
        }
        let mut order = AdmissionOrder::default();
        order.count(&planned.connections, planned.history.as_ref());
        let order = order.sorted();
        for connection in planned.connections.iter().filter(|connection| connection.state.phase() == Phase::Live) {
            let (was, _) = old.justification(planned, connection, &order).await;
            push(connection, connection.state.as_str(), was, new.justification(planned, connection, &order).await);
        }
    }
    rows.write(new.aws.common.output, "The new policy set would change nothing: every current decision stays the same.");
    if new.aws.common.output == Format::Table {
        println!("{} → {}", short(old.policies.digest()), short(new.policies.digest()));
    }
    Ok(Outcome::clean_if(rows.is_empty()))
}

/// A policy set that judges requests and connections.
pub(crate) struct Judge<'a> {
    pub(crate) aws: &'a Aws,
    pub(crate) policies: PolicySet,
    pub(crate) now: Timestamp,
}

impl Judge<'_> {
    /// The decision on each pending request, in the order in which the warden decides.
    async fn decisions(&self, planned: &Planned) -> Vec<(Connection, Decision)> {
        let (mut counts, mut decisions) = (RunningCounts::established(&planned.connections), Vec::new());
        for connection in pending(&planned.connections) {
            let facts = self.facts(planned, connection, counts.seen_by(connection)).await;
            let decision = decide_with_people(&self.policies, &facts, &planned.people);
            if matches!(decision.action, Action::Accept(_)) {
                counts.add(connection);
            }
            decisions.push((connection.clone(), decision));
        }
        decisions
    }

    /// Judges a live connection as the audit does: beside the connections that were admitted before it.
    pub(crate) async fn live(&self, planned: &Planned, connection: &Connection, order: &AdmissionOrder) -> Decision {
        let counts = order.beside(connection, planned.history.as_ref());
        let facts = self.facts(planned, &facts::pending(connection), counts).await;
        decide(&self.policies, &facts, &planned.people.grants)
    }

    /// Returns if a live connection is justified, and by what.
    async fn justification(&self, planned: &Planned, connection: &Connection, order: &AdmissionOrder) -> (String, String) {
        let decided = self.live(planned, connection, order).await;
        let (would, because) = decision(&decided);
        match decided.action {
            Action::Refer(Refer::Unverified { needs }) if needs.contains(&UnknownFact::Organization) => ("unknown".to_owned(), because),
            Action::Accept(_) => ("justified".to_owned(), because),
            Action::Reject(_) | Action::Refer(_) | Action::NoAction(_) => ("unjustified".to_owned(), format!("{would}: {because}")),
        }
    }

    /// The facts of a connection, with the role that an earlier event proved.
    async fn facts(&self, planned: &Planned, connection: &Connection, counts: Counts) -> Facts {
        let role = planned.history.as_ref().and_then(|history| history.of(connection)?.role.clone());
        let facts = facts::beside(self.aws, &self.policies, &planned.service, connection, counts, self.now).await;
        facts.with_claim(role.map(|role| Claim::recorded(connection, role)))
    }
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
