//! Law 3: a forbid only narrows, and what is broken lets nobody in.

use jiff::SignedDuration;
use proptest::{collection::vec, prelude::*, sample::select, test_runner::TestRunner};

use super::{idempotence::deliver, none, on};
use crate::{
    generators::{CALM, rule, story},
    grammar::{Action, Condition, Effect, InForce, Rule, Set, Who},
    harness::{House, covers, now},
    shop::{Bucket, Wares},
    story::{ACCOUNTS, Delivery, End, NAMES, Story},
    wardens::Warden,
};

/// 3. A forbid only narrows; where a rule fails nobody is let in; an empty, missing or unparsable set lets nobody in, loudly.
pub fn forbid_only_narrows(warden: &dyn Warden, runner: &mut TestRunner) -> Result<(), String> {
    // Of what may be accepted: one that keeps a request from being rejected may well let it in.
    let forbid = rule(Just(Effect::Forbid), Just(Action::Accept).boxed(), select(NAMES.to_vec()).prop_map(Condition::Named));
    let wares = vec((Wares::any(), prop::bool::weighted(0.3)), 1..6);
    on(runner, &(story(CALM), forbid, wares), |(story, forbid, wares)| {
        let story = Story { sets: story.sets.into_iter().map(|set| set.without(Condition::counts)).collect(), ..story };
        let let_in = |more: Option<&Rule>| {
            let with = |set: Set| more.map_or_else(|| set.clone(), |rule| set.clone().with(rule.clone()));
            let story = Story { sets: story.sets.iter().cloned().map(with).collect(), ..story.clone() };
            let mut house = House::new(warden, &story);
            house.play();
            deliver(&mut house, 0, Delivery::Sweep).map(|()| {
                let by_policy = house
                    .requests
                    .iter()
                    .filter(|request| request.let_in.is_some())
                    .filter(|request| !house.grants_ever.iter().any(|grant| covers(grant, request)));
                by_policy.map(|request| request.endpoint.clone()).collect::<Vec<_>>()
            })
        };
        let without = let_in(None)?;
        let with = let_in(Some(&forbid))?;
        none(
            with.iter().filter(|endpoint| !without.contains(endpoint)).map(|endpoint| format!("{endpoint} is let in only with a forbid")),
        )?;
        let fails = Rule {
            effect: Effect::Forbid,
            action: Action::Accept,
            who: Who::Anyone,
            service: None,
            when: vec![Condition::FailsAbove(-1)],
            unless: None,
        };
        for rule in [fails.clone(), Rule { effect: Effect::Permit, ..fails }] {
            none(let_in(Some(&rule))?.iter().map(|endpoint| format!("{endpoint} is let in though a rule fails")))?;
        }
        goes_by_good_sets_only(warden, &story, &wares)
    })
}

/// The set in S3 changes, breaks and goes away, and environments begin anew: what is let in goes by the last good set that
/// was seen, and every look at another one says so.
fn goes_by_good_sets_only(warden: &dyn Warden, story: &Story, wares: &[(Wares, bool)]) -> Result<(), String> {
    let story = Story { moves: Vec::new(), ..story.clone() };
    let mut house = House::new(warden, &story);
    let bucket = Bucket::default();
    let mut keeper = warden.keeper(bucket.clone());
    let mut good: Option<InForce> = None;
    for (n, (ware, cold)) in wares.iter().enumerate() {
        house.ask(n % ACCOUNTS.len(), n, false);
        let set = house.written(story.sets[n % story.sets.len()].clone());
        bucket.put(*ware, set.files());
        if *cold {
            keeper = warden.keeper(bucket.clone());
            good = None;
        }
        house.pass(SignedDuration::from_secs(61));
        let (policy, loud) = keeper.current(now());
        let is_good = *ware == Wares::Good;
        good = if is_good { Some(set) } else { good };
        if loud == is_good {
            return Err(format!("with {ware:?} it is {}", if loud { "loud" } else { "silent" }));
        }
        match (policy, &good) {
            (None, None) => {}
            (Some(_), None) => return Err(format!("there is a policy, and of {ware:?} none can be made")),
            (None, Some(_)) => return Err(format!("{ware:?} took a good set away")),
            (Some(policy), Some(set)) => {
                house.go_by(set.clone(), policy);
                house.invoke(0, Delivery::Sweep, End::Well).unwrap()?;
            }
        }
    }
    none(house.breaches.iter().map(|breach| format!("{breach:?}")))
}
