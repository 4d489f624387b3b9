//! Law 5: silence about what was done rightly, and no silence about strangers.

use proptest::test_runner::TestRunner;

use super::{
    lost::{has, in_scope, settle},
    none, on,
};
use crate::{
    generators::{ORDERLY, story},
    harness::{House, Request},
    reference::{self, Answer},
    story::{Delivery, End},
    wardens::Warden,
};

/// 5. What approve did under the current policy is no finding of audit; and a stranger is one.
pub fn silence(warden: &dyn Warden, runner: &mut TestRunner) -> Result<(), String> {
    on(runner, &story(ORDERLY), |story| {
        let mut house = House::new(warden, &story);
        // The audit goes by who was let in before whom.
        house.let_the_clock_run();
        house.play();
        settle(&mut house);
        sweep_until_nobody_comes_to_be_allowed(&mut house);
        drop(house.audit(End::Well));
        let findings = house.shelf.findings();
        let all = house.requests.clone();
        let mut wrong = Vec::new();
        for request in all.iter().filter(|request| in_scope(&house, request) && !request.gap) {
            let found = |kind: &str| findings.contains(&format!("{kind}/{}/{}", request.service, request.endpoint));
            let stranger = found("unjustified") || found("expired-grant");
            if request.waits() && found("overdue") {
                wrong.push(format!("{} was swept, and is called overdue", request.endpoint));
            }
            if !request.is_live() {
                continue;
            }
            if stranger && is_still_allowed(&house, request) {
                wrong.push(format!("{} was let in, still would be, and is called a stranger", request.endpoint));
            }
            if !stranger && is_a_stranger(&house, request) {
                wrong.push(format!("{} is a stranger, and nobody says so", request.endpoint));
            }
            if found("unrecorded") && has(&house, request, &["accepted", "found"]) {
                wrong.push(format!("{} is on the record, and is called unrecorded", request.endpoint));
            }
            // What EC2 did and seemed to refuse is on the record as that.
            if found("unrecorded") && request.let_in_well && !has(&house, request, &["failed"]) {
                wrong.push(format!("{} was let in, all was said to be well, and it is not on the record", request.endpoint));
            }
        }
        none(wrong.into_iter())
    })
}

/// By the clock somebody may be since the last sweep; and whom a sweep lets in is counted when the next one judges the others.
fn sweep_until_nobody_comes_to_be_allowed(house: &mut House<'_>) {
    let waiting = |house: &House<'_>| house.requests.iter().filter(|request| request.waits()).count();
    loop {
        let before = waiting(house);
        drop(house.invoke(0, Delivery::Sweep, End::Well));
        if waiting(house) >= before {
            return;
        }
    }
}

/// The warden let it in, and would still, if it met no more beside it than it did; or a person's grant holds.
fn is_still_allowed(house: &House<'_>, request: &Request) -> bool {
    let recorded = has(house, request, &["accepted"]);
    let answer = |counts| reference::answer(&house.in_force, &as_audited(house, request, counts));
    let by_policy = request.let_in.is_some_and(|(of_account, of_service)| {
        (0..=of_account).all(|of_account| (of_account..=of_service).all(|of_service| answer((of_account, of_service)) == Answer::Accept))
    });
    let by_person = reference::granted(&house.in_force, &as_audited(house, request, (0, 0)), house.has_grant(request));
    (recorded && by_policy && !somebody_came_back(house, request)) || by_person
}

/// Whom the warden let in, somebody turned away, and somebody let in again by hand has the place of its old record: one that
/// was let in meanwhile is then too much.
fn somebody_came_back(house: &House<'_>, request: &Request) -> bool {
    let back = |one: &&Request| one.service == request.service && one.was_rejected && one.is_live() && has(house, one, &["accepted"]);
    house.requests.iter().any(|one| back(&one))
}

/// Whatever it met beside it, neither the policy nor a person would let it in.
fn is_a_stranger(house: &House<'_>, request: &Request) -> bool {
    let (of_account, of_service) = house.beside(request);
    let denied = |counts| {
        let facts = as_audited(house, request, counts);
        let denied = matches!(reference::answer(&house.in_force, &facts), Answer::Reject | Answer::Wait { in_doubt: false });
        denied && !reference::granted(&house.in_force, &facts, house.has_grant(request))
    };
    (0..=of_account).all(|of_account| (of_account..=of_service).all(|of_service| denied((of_account, of_service))))
}

fn as_audited(house: &House<'_>, request: &Request, counts: (i64, i64)) -> reference::Facts {
    let facts = reference::Facts { role: request.role.clone(), ..house.facts(request, counts) };
    reference::as_asked(&house.in_force, facts, house.has_grant(request))
}
