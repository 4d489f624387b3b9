//! Law 2: idempotence.

use jiff::SignedDuration;
use proptest::{collection::vec, prelude::*, sample::Index, test_runner::TestRunner};

use super::on;
use crate::{
    generators::{CALM, ORDERLY, story},
    grammar::{Action, Condition, Effect, Set},
    harness::{House, is_live},
    story::{Delivery, End, Forgery, Story},
    wardens::Warden,
};

/// 2. Any number of deliveries in any order leave the connections and the ledger as one delivery does.
pub fn idempotence(warden: &dyn Warden, runner: &mut TestRunner) -> Result<(), String> {
    let again = (story(ORDERLY), story(CALM), vec((any::<Index>(), any::<bool>()), 0..24));
    on(runner, &again, |(stormy, calm, deliveries)| {
        after_a_storm(warden, &tame(stormy))?;
        in_any_number_and_order(warden, &tame(calm), &deliveries)
    })
}

/// Once all was answered, delivering all of it again, and again, changes nothing.
fn after_a_storm(warden: &dyn Warden, story: &Story) -> Result<(), String> {
    let mut house = House::new(warden, story);
    house.play();
    house.calm();
    // Past the time in which a fresh connection may still be another worker's.
    house.pass(SignedDuration::from_mins(10));
    let mut rounds = Vec::new();
    for _ in 0..3 {
        deliver(&mut house, 0, Delivery::Sweep)?;
        for n in (0..house.sent.len()).rev() {
            let back = house.sent.len() - 1 - n;
            deliver(&mut house, n % 2, Delivery::Sent(back, Forgery::None))?;
        }
        rounds.push((states(&house), records(&house), house.ledger.take_batch()["Records"].as_array().unwrap().len()));
    }
    let [first, second, third] = &rounds[..] else { return Err("three rounds".to_owned()) };
    same(&first.0, &second.0)?;
    same(&first.1, &second.1)?;
    same(&second, &third)?;
    if second.2 == 0 { Ok(()) } else { Err("what was told is told again".to_owned()) }
}

/// The same requests, answered by each event once, and by the same events with any number of repetitions: the same records.
/// In another order: the same connections, and the same verdicts.
fn in_any_number_and_order(warden: &dyn Warden, story: &Story, deliveries: &[(Index, bool)]) -> Result<(), String> {
    let told = |order: &dyn Fn(usize) -> Vec<usize>| -> Result<_, String> {
        let mut house = House::new(warden, story);
        house.play();
        // What an environment remembers of accounts is good no more: they would differ in it.
        house.pass(SignedDuration::from_mins(10));
        for n in order(house.sent.len()) {
            let back = house.sent.len() - 1 - n;
            deliver(&mut house, n % 2, Delivery::Sent(back, Forgery::None))?;
        }
        Ok((states(&house), records(&house), verdicts(&house)))
    };
    // `true` sends it once more at once, the others come again at the end.
    let many = |len: usize| -> Vec<usize> {
        let chosen: Vec<usize> =
            deliveries.iter().filter(|_| len > 0).flat_map(|(n, twice)| vec![n.index(len.max(1)); 1 + usize::from(*twice)]).collect();
        chosen.iter().chain(&chosen).copied().collect()
    };
    let once = |len: usize| {
        let mut order = Vec::new();
        many(len).into_iter().for_each(|n| {
            if !order.contains(&n) {
                order.push(n)
            }
        });
        order
    };
    let (one, several) = (told(&once)?, told(&many)?);
    same(&one.0, &several.0)?;
    same(&one.1, &several.1)?;
    let order_matters = |set: &Set| set.rules.iter().any(|rule| rule.reads_role() || rule.asks(Condition::counts));
    if story.sets.iter().any(order_matters) {
        return Ok(());
    }
    let other = told(&|len| once(len).into_iter().rev().collect())?;
    same(&one.0, &other.0)?;
    same(&one.2, &other.2)
}

/// A set that turns requests away once others were let in gives one answer now and another later, whoever asks it.
fn tame(mut story: Story) -> Story {
    let rejects = |set: &Set| set.rules.iter().any(|rule| rule.effect == Effect::Permit && rule.is_about(Action::Reject));
    story.sets = story.sets.into_iter().map(|set| if rejects(&set) { set.without(Condition::counts) } else { set }).collect();
    story
}

pub(super) fn deliver(house: &mut House<'_>, lambda: usize, event: Delivery) -> Result<(), String> {
    match house.invoke(lambda, event, End::Well) {
        // Somebody's connection of moments ago, or one that EC2 does not list yet: delivered again later.
        Some(Err(error)) if error.contains("yet") => Ok(()),
        Some(done) => done,
        None => Ok(()),
    }
}

fn states(house: &House<'_>) -> Vec<(String, String)> {
    let class = |state: &str| if is_live(state) { "live".to_owned() } else { state.to_owned() };
    house.requests.iter().map(|request| (request.endpoint.clone(), class(&house.state(&request.endpoint)))).collect()
}

fn records(house: &House<'_>) -> Vec<String> {
    house.ledger.records().iter().map(|record| record.to_json().unwrap()).collect()
}

fn verdicts(house: &House<'_>) -> Vec<String> {
    house.ledger.records().iter().map(|record| format!("{:?}", record.key())).collect()
}

fn same<T: PartialEq + std::fmt::Debug>(one: &T, other: &T) -> Result<(), String> {
    if one == other { Ok(()) } else { Err(format!("{one:#?}\nhas become\n{other:#?}")) }
}
