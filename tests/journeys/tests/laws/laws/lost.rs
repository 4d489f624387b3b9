//! Law 4: nothing is lost.

use jiff::SignedDuration;
use proptest::test_runner::TestRunner;
use serde_json::Value;

use super::{none, on};
use crate::{
    generators::{WILD, story},
    harness::{DEFAULT_TOPIC, House, OWN_TOPIC, Request, covers},
    reference::{self, Answer},
    story::{ACCOUNTS, Delivery, End, NAMES, Service},
    wardens::Warden,
};

/// 4. Once faults stop, one sweep and one audit leave every pending request answered or told to its owner, and every accepted
///    one on the record, or told not to be.
pub fn nothing_is_lost(warden: &dyn Warden, runner: &mut TestRunner) -> Result<(), String> {
    on(runner, &story(WILD), |story| {
        let mut house = House::new(warden, &story);
        house.play();
        let mut lost = settle(&mut house);
        let all = house.requests.clone();
        let ours = all.iter().filter(|request| in_scope(&house, request));
        for request in ours {
            let open = matches!(request.state.as_str(), "pendingAcceptance" | "migrating");
            if open && !is_told(&house, request) {
                lost.push(format!("{} waits, and its owner was not told", request.endpoint));
            }
            if request.is_live() && asks(&house, request) && !on_the_record(&house, request) {
                lost.push(format!("{} is connected, not on the record, and its owner was not told", request.endpoint));
            }
        }
        none(lost.into_iter())
    })
}

/// The faults stop; a sweep, an audit, and the messages that come of them. Returns what that leaves undone.
pub(super) fn settle(house: &mut House<'_>) -> Vec<String> {
    let mut undone = Vec::new();
    house.calm();
    house.crash_all();
    // A new endpoint is described by now, and nothing that an environment remembers is good any more.
    house.pass(SignedDuration::from_mins(25));
    let before: Vec<(i64, i64)> = house.requests.clone().iter().map(|request| house.beside(request)).collect();
    undone.extend(house.invoke(0, Delivery::Sweep, End::Well).unwrap().err().map(|error| format!("the sweep failed: {error}")));
    for (request, least) in house.requests.clone().iter().zip(before) {
        if request.waits() && in_scope(house, request) && !house.story.world.observe && must_be_answered(house, request, least) {
            undone.push(format!("{} of {} still waits after a sweep", request.endpoint, ACCOUNTS[request.account]));
        }
    }
    // What was accepted is set up by now, and old enough to be missed on the record.
    house.pass(SignedDuration::from_mins(20));
    undone.extend(house.audit(End::Well).unwrap().err().map(|error| format!("the audit failed: {error}")));
    house.notify(End::Well, false).unwrap();
    undone
}

/// Whatever a sweep counted beside it, from what was connected before to what is now, the answer is the same, and no wait.
fn must_be_answered(house: &House<'_>, request: &Request, least: (i64, i64)) -> bool {
    let most = house.beside(request);
    let counts = (least.0..=most.0).flat_map(|of_account| (least.1..=most.1).map(move |of_service| (of_account, of_service)));
    let answers = counts.map(|counts| {
        let granted = house.has_grant(request);
        let facts = reference::as_asked(&house.in_force, house.facts(request, counts), granted);
        let answer = reference::answer(&house.in_force, &facts);
        if reference::granted(&house.in_force, &facts, granted) { Answer::Accept } else { answer }
    });
    let answers: Vec<Answer> = answers.collect();
    answers.first().is_some_and(|first| !matches!(first, Answer::Wait { .. }) && answers.iter().all(|answer| answer == first))
}

pub(super) fn in_scope(house: &House<'_>, request: &Request) -> bool {
    !house.story.world.redis_only || house.facts(request, (0, 0)).name.as_deref() == Some(NAMES[0])
}

fn service_of<'a>(house: &'a House<'_>, request: &Request) -> &'a Service {
    let n = house.services.iter().position(|id| *id == request.service).unwrap();
    &house.story.world.services[n]
}

fn asks(house: &House<'_>, request: &Request) -> bool {
    service_of(house, request).acceptance_required
}

/// Whether its owner got a message that it waits, or about what an audit found.
fn is_told(house: &House<'_>, request: &Request) -> bool {
    let topic = if service_of(house, request).own_topic { OWN_TOPIC } else { DEFAULT_TOPIC };
    let says = |attributes: &[(&str, String)]| {
        let silent = ["accepted", "rejected", "found"];
        attributes.iter().any(|(name, value)| *name == "decision" && !silent.contains(&value.as_str()))
    };
    house.told().iter().any(|(to, notice)| to == topic && says(&notice.attributes) && notice.json.contains(&request.endpoint))
}

/// Whether the ledger has one of these words for it.
pub(super) fn has(house: &House<'_>, request: &Request, words: &[&str]) -> bool {
    let connection = format!("{}/{}", request.service, request.endpoint);
    house.ledger.keys_after(0).iter().any(|key| key.connection == connection && words.contains(&key.verdict.as_str()))
}

fn on_the_record(house: &House<'_>, request: &Request) -> bool {
    let recorded = has(house, request, &["accepted", "found"]);
    // A grant names the person who let it in; of what EC2 gives no time for nobody can say that it is old enough to be missed.
    let granted = house.grants.iter().any(|grant| covers(grant, request));
    recorded || granted || is_told(house, request) || is_named_as_unseen(house, request)
}

fn is_named_as_unseen(house: &House<'_>, request: &Request) -> bool {
    let report: Value = serde_json::from_str(&house.shelf.read("report.json")).unwrap();
    let says = |what: &Value| what.as_str().is_some_and(|what| what.contains(&request.endpoint));
    house.facts(request, (0, 0)).created.is_none() && report["unseen"].as_array().is_some_and(|all| all.iter().any(says))
}
