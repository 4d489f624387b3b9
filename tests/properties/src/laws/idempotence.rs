//! Law 2: idempotence.

use jiff::SignedDuration;
use proptest::{collection::vec, prelude::*, sample::Index, test_runner::TestRunner};
use warden::{
    ledger::record::Record,
    model::origin::{Origin, OriginKind},
};

use super::check;
use crate::{
    generators::{FAULTLESS, SEQUENTIAL, scenario},
    grammar::{Action, Condition, Effect, Policies},
    mutants::Flaw,
    scenario::{Delivery, Ending, Forgery, Scenario},
    simulation::{Simulation, is_live, now},
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
    simulation.crash_all();
    // By then, the caches of the environments have expired, and each reason to wait has lasted.
    simulation.pass(SignedDuration::from_mins(25));
    for n in 0..simulation.sent.len() {
        drop(simulation.work_off(Delivery::Sent(n, Forgery::None)));
    }
    sweep_until_quiet(&mut simulation)?;
    drop(simulation.ledger.take_batch());
    let before = (states(&simulation), records(&simulation));
    for _ in 0..2 {
        drop(simulation.invoke(1, Delivery::Sweep, Ending::Completes));
        for n in 0..simulation.sent.len() {
            drop(simulation.invoke(n % 2, Delivery::Sent(n, Forgery::None), Ending::Completes));
        }
    }
    same(&before, &(states(&simulation), records(&simulation)))?;
    let stream = simulation.ledger.take_batch()["Records"].as_array().unwrap().len();
    if stream == 0 { Ok(()) } else { Err("an owner is told the same again".to_owned()) }
}

/// Time passes while messages wait, and may change an answer.
fn sweep_until_quiet(simulation: &mut Simulation<'_>) -> Result<(), String> {
    for _ in 0..20 {
        let begin = now();
        if simulation.work_off(Delivery::Sweep).written.is_empty() && now() == begin {
            return Ok(());
        }
    }
    Err("the warden does not come to rest".to_owned())
}

/// The same events once, and any number of times: the same records. In another order: the same connections and verdicts.
fn repetitions_and_order_change_nothing(flaw: Option<Flaw>, scenario: &Scenario, deliveries: &[(Index, bool)]) -> Result<(), String> {
    let outcome = |order: &dyn Fn(usize) -> Vec<usize>| -> Result<_, String> {
        let mut simulation = Simulation::new(flaw, scenario);
        simulation.run();
        // By then, the caches of the environments, which may differ, have expired.
        simulation.pass(SignedDuration::from_mins(10));
        for n in order(simulation.sent.len()) {
            drop(simulation.invoke(n % 2, Delivery::Sent(n, Forgery::None), Ending::Completes));
        }
        // What had to wait for another act is answered at the same time in each order.
        for _ in 0..3 {
            simulation.pass(SignedDuration::from_secs(10));
            drop(simulation.invoke(0, Delivery::Queued, Ending::Completes));
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

fn states(simulation: &Simulation<'_>) -> Vec<(String, String)> {
    let class = |state: String| if is_live(&state) { "live".to_owned() } else { state };
    simulation.requests.iter().map(|request| (request.endpoint.clone(), class(simulation.state(&request.endpoint)))).collect()
}

/// The records. Several events about one service may be in a batch: it does not matter which of them led to the answer.
fn records(simulation: &Simulation<'_>) -> Vec<String> {
    let origin = Origin { kind: OriginKind::Sweep, id: String::new() };
    let without_origin = |record: Record| Record { origin: origin.clone(), ..record };
    simulation.ledger.records().into_iter().map(|record| without_origin(record).to_json().unwrap()).collect()
}

fn same<T: PartialEq + std::fmt::Debug>(one: &T, other: &T) -> Result<(), String> {
    if one == other { Ok(()) } else { Err(format!("{one:#?}\nbecame\n{other:#?}")) }
}
