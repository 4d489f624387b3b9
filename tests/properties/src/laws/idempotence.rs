//! Law 2: idempotence.

use jiff::SignedDuration;
use proptest::{collection::vec, prelude::*, sample::Index, test_runner::TestRunner};

use super::check;
use crate::{
    generators::{FAULTLESS, SEQUENTIAL, scenario},
    grammar::{Action, Condition, Effect, Policies},
    mutants::Flaw,
    scenario::{Delivery, Ending, Forgery, Scenario},
    simulation::{Simulation, is_live},
};

/// 2. Any number of deliveries in any order leaves the connections and the ledger as one delivery of each event does.
pub fn idempotence(flaw: Option<Flaw>, runner: &mut TestRunner) -> Result<(), String> {
    let deliveries = vec((any::<Index>(), any::<bool>()), 0..24);
    check(runner, &(scenario(SEQUENTIAL), scenario(FAULTLESS), deliveries), |(faulty, faultless, deliveries)| {
        answered_events_change_nothing(flaw, &without_late_rejections(faulty))?;
        repetitions_and_order_change_nothing(flaw, &without_late_rejections(faultless), &deliveries)
    })
}

/// Once everything is answered, all events again change nothing.
fn answered_events_change_nothing(flaw: Option<Flaw>, scenario: &Scenario) -> Result<(), String> {
    let mut simulation = Simulation::new(flaw, scenario);
    simulation.run();
    simulation.stop_faults();
    // By then, no new connection can be one that another worker is about to record.
    simulation.pass(SignedDuration::from_mins(10));
    let mut rounds = Vec::new();
    for _ in 0..3 {
        deliver(&mut simulation, 0, Delivery::Sweep)?;
        for n in 0..simulation.sent.len() {
            deliver(&mut simulation, n % 2, Delivery::Sent(n, Forgery::None))?;
        }
        let stream = simulation.ledger.take_batch()["Records"].as_array().unwrap().len();
        rounds.push((states(&simulation), records(&simulation), stream));
    }
    same(&(&rounds[0].0, &rounds[0].1), &(&rounds[1].0, &rounds[1].1))?;
    same(&rounds[1], &rounds[2])?;
    if rounds[1].2 == 0 { Ok(()) } else { Err("an owner is told the same again".to_owned()) }
}

/// The same events once, and any number of times: the same records. In another order: the same connections and verdicts.
fn repetitions_and_order_change_nothing(flaw: Option<Flaw>, scenario: &Scenario, deliveries: &[(Index, bool)]) -> Result<(), String> {
    let outcome = |order: &dyn Fn(usize) -> Vec<usize>| -> Result<_, String> {
        let mut simulation = Simulation::new(flaw, scenario);
        simulation.run();
        // By then, the caches of the environments, which may differ, have expired.
        simulation.pass(SignedDuration::from_mins(10));
        for n in order(simulation.sent.len()) {
            deliver(&mut simulation, n % 2, Delivery::Sent(n, Forgery::None))?;
        }
        let verdicts: Vec<String> = simulation.ledger.records().iter().map(|record| format!("{:?}", record.key())).collect();
        Ok((states(&simulation), records(&simulation), verdicts))
    };
    // `true` repeats an event at once, and all of them come again at the end.
    let repeated = |len: usize| -> Vec<usize> {
        let chosen = deliveries.iter().filter(|_| len > 0).flat_map(|(n, twice)| vec![n.index(len.max(1)); 1 + usize::from(*twice)]);
        let chosen: Vec<usize> = chosen.collect();
        [chosen.clone(), chosen].concat()
    };
    let once = |len: usize| {
        let mut order = Vec::new();
        for n in repeated(len) {
            if !order.contains(&n) {
                order.push(n);
            }
        }
        order
    };
    let (one, many) = (outcome(&once)?, outcome(&repeated)?);
    same(&(&one.0, &one.1), &(&many.0, &many.1))?;
    let depends_on_order = |policies: &Policies| {
        policies.policies.iter().any(|policy| policy.has(|condition| condition.counts() || *condition == Condition::Role))
    };
    if scenario.policies.iter().any(depends_on_order) {
        return Ok(());
    }
    let reversed = outcome(&|len| once(len).into_iter().rev().collect())?;
    same(&(&one.0, &one.2), &(&reversed.0, &reversed.2))
}

/// Removes counts from sets that reject: such a set answers differently after others were accepted.
fn without_late_rejections(mut scenario: Scenario) -> Scenario {
    let rejects = |set: &Policies| set.policies.iter().any(|policy| policy.effect == Effect::Permit && policy.is_about(Action::Reject));
    let adapted = |set: Policies| if rejects(&set) { set.without(Condition::counts) } else { set };
    scenario.policies = scenario.policies.into_iter().map(adapted).collect();
    scenario
}

pub(super) fn deliver(simulation: &mut Simulation<'_>, environment: usize, event: Delivery) -> Result<(), String> {
    match simulation.invoke(environment, event, Ending::Completes) {
        // A connection that another worker may be about to record, or that EC2 does not list yet: Lambda retries later.
        Some(Err(error)) if error.contains("yet") => Ok(()),
        Some(done) => done,
        None => Ok(()),
    }
}

fn states(simulation: &Simulation<'_>) -> Vec<(String, String)> {
    let class = |state: String| if is_live(&state) { "live".to_owned() } else { state };
    simulation.requests.iter().map(|request| (request.endpoint.clone(), class(simulation.state(&request.endpoint)))).collect()
}

fn records(simulation: &Simulation<'_>) -> Vec<String> {
    simulation.ledger.records().iter().map(|record| record.to_json().unwrap()).collect()
}

fn same<T: PartialEq + std::fmt::Debug>(one: &T, other: &T) -> Result<(), String> {
    if one == other { Ok(()) } else { Err(format!("{one:#?}\nbecame\n{other:#?}")) }
}
