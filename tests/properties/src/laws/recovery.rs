//! Law 4: nothing is lost.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use proptest::test_runner::TestRunner;
use scenarios::DEFAULT_TOPIC;
use serde_json::Value;
use warden::ledger::record::Record;

use super::{check, none};
use crate::{
    generators::{CONCURRENT, scenario},
    mutants::Flaw,
    reference::{self, Answer},
    scenario::{ACCOUNTS, Delivery, Ending},
    simulation::{OWN_TOPIC, Request, Simulation, now},
};

/// 4. After a kill at any await, and once the faults stop, one sweep puts each act of the warden on the record, and answers
///    each pending request or tells its owner. One audit tells the connections that others accepted without a record.
pub fn nothing_is_lost(flaw: Option<Flaw>, runner: &mut TestRunner) -> Result<(), String> {
    check(runner, &scenario(CONCURRENT), |scenario| {
        let mut simulation = Simulation::new(flaw, &scenario);
        simulation.run();
        let mut lost = settle(&mut simulation);
        for request in simulation.requests.iter().filter(|request| simulation.is_in_scope(request)) {
            let open = matches!(request.state.as_str(), "pendingAcceptance" | "migrating");
            if open && !is_told(&simulation, request) && !is_counted(&simulation, request) {
                lost.push(format!("{} is pending, and its owner was not told", request.endpoint));
            }
            for (was_done, verdict) in [(request.is_own, "accepted"), (request.is_own_rejection, "rejected")] {
                if was_done && !simulation.has_verdict(request, &[verdict, "failed"]) {
                    lost.push(format!("{} was {verdict} by the warden, off the record", request.endpoint));
                }
            }
            let needs_record = request.is_live() && simulation.service_of(request).acceptance_required;
            if needs_record && !is_recorded(&simulation, request) {
                lost.push(format!("{} is connected without a record, and its owner was not told", request.endpoint));
            }
        }
        let keys = simulation.ledger.keys_after(0);
        lost.extend((keys.len() != BTreeSet::from_iter(&keys).len()).then(|| "a record took the place of another".to_owned()));
        none(lost)
    })
}

/// Stops the faults, and runs a sweep, an audit and `notify`. Returns what they leave undone.
pub(super) fn settle(simulation: &mut Simulation<'_>) -> Vec<String> {
    simulation.stop_faults();
    simulation.crash_all();
    // By then, EC2 describes each new endpoint, and the caches have expired.
    simulation.pass(SignedDuration::from_mins(25));
    let before: Vec<(i64, i64)> = simulation.requests.iter().map(|request| simulation.beside(request)).collect();
    let sweep = simulation.work_off(Delivery::Sweep);
    let mut undone: Vec<String> = (sweep.errors > 0).then(|| format!("the sweep failed: {sweep:?}")).into_iter().collect();
    for (request, least) in simulation.requests.iter().zip(before) {
        let is_due = request.is_pending() && simulation.is_in_scope(request) && !simulation.is_observed(request);
        if is_due && must_be_answered(simulation, request, least) {
            undone.push(format!("{} of {} is pending after a sweep", request.endpoint, ACCOUNTS[request.account]));
        }
    }
    // By then, each accepted connection is established, and old enough to need a record.
    simulation.pass(SignedDuration::from_mins(20));
    let audit = simulation.audit(Ending::Completes).unwrap();
    undone.extend(audit.err().map(|error| format!("the audit failed: {error}")));
    simulation.notify(Ending::Completes, false);
    undone
}

/// Returns true if the answer is the same, and is not to wait, for all counts from those before the sweep to those now.
fn must_be_answered(simulation: &Simulation<'_>, request: &Request, before: (i64, i64)) -> bool {
    let (after, in_force) = (simulation.beside(request), &simulation.in_force);
    if simulation.people.holds(&request.service) {
        return false;
    }
    if simulation.people.refusal(request, now()).is_some() {
        // A later grant for an account may be about a request whose account EC2 leaves out.
        let is_certain = !request.omits_owner || !simulation.people.granted_an_account_since_refusal(request, now());
        return request.state == "pendingAcceptance" && is_certain;
    }
    let granted = simulation.has_grant(request);
    let answer = |counts| {
        let facts = reference::Facts { role: simulation.role(request), ..simulation.facts(request, counts) };
        let facts = reference::as_asked(in_force, facts, granted);
        if reference::accepts_by_grant(in_force, &facts, granted) { Answer::Accept } else { reference::answer(in_force, &facts) }
    };
    let first = answer(before);
    // Counts fall where the sweep ends a connection for a person.
    let between = |before: i64, after: i64| before.min(after)..=before.max(after);
    let of_service = between(before.1, after.1);
    let counts = between(before.0, after.0).flat_map(|of_account| of_service.clone().map(move |of_service| (of_account, of_service)));
    !matches!(first, Answer::Wait { .. }) && counts.map(answer).all(|answer| answer == first)
}

/// Returns true if the owner got a message that the request waits, or a finding about it. If SNS refused the owner's topic, the
/// message went to the stack's own, with a note; if it refused that as well, the record was set aside.
fn is_told(simulation: &Simulation<'_>, request: &Request) -> bool {
    let topic = if simulation.service_of(request).own_topic { OWN_TOPIC } else { DEFAULT_TOPIC };
    let is_news = |attributes: &[(&str, String)]| {
        let answered = ["accepted", "rejected", "found"];
        attributes.iter().any(|(name, value)| *name == "decision" && !answered.contains(&value.as_str()))
    };
    simulation.mailbox.all().iter().any(|(to, message)| {
        let reached = to == topic || message.json.contains("SNS answers");
        reached && is_news(&message.attributes) && message.json.contains(&request.endpoint)
    }) || simulation.set_aside.all().iter().any(|(event, _)| event.contains(&request.endpoint))
}

/// Returns true if the ledger has told of the request only as one of many of its account.
fn is_counted(simulation: &Simulation<'_>, request: &Request) -> bool {
    let records = simulation.ledger.records();
    let of_account = |record: &&Record| record.account().is_some_and(|account| account.as_str() == ACCOUNTS[request.account]);
    let is_counted = |record: &Record| record.subject().as_str() == request.endpoint && record.counted;
    records.iter().any(is_counted) && records.iter().filter(of_account).count() > 10
}

/// Returns true if there is a record, a grant that names a person, or a message about the missing record. Without the time
/// of the request, its age is unknown; then the report must name it.
fn is_recorded(simulation: &Simulation<'_>, request: &Request) -> bool {
    simulation.has_verdict(request, &["accepted", "found"])
        || simulation.people.grants.iter().any(|grant| grant.covers(request))
        || is_told(simulation, request)
        || is_named_as_unseen(simulation, request)
}

fn is_named_as_unseen(simulation: &Simulation<'_>, request: &Request) -> bool {
    let names = |part: &Value| part.as_str().is_some_and(|part| part.contains(&request.endpoint));
    let report = simulation.reports.json();
    simulation.facts(request, (0, 0)).created.is_none() && report["unseen"].as_array().is_some_and(|all| all.iter().any(names))
}
