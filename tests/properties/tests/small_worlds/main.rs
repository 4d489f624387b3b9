//! Small worlds, explored exhaustively: every order in which two workers and a person can take their steps, with a crash of
//! a worker at every await of the real code, and acts that land late.
//!
//! The real worker runs over ports that stop before and after each effect. The explorer replays a prefix of choices, and
//! tries every choice at its end. States that were seen are not explored again: a state is the world, and what each
//! worker has been told.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ports;
mod run;
mod world;

use std::{collections::HashSet, sync::Arc};

use run::{Choice, Run, Scenario};
use warden::policy::{PolicyFile, PolicySet};
use world::{Flaw, Person};

use crate::ports::lock;

/// Explores a scenario. Returns the number of states, or the first run that breaks an invariant.
fn explore(scenario: Scenario) -> Result<usize, String> {
    let policy = PolicyFile { name: "p.cedar".to_owned(), text: scenario.policy.to_owned() };
    let policy = Arc::new(PolicySet::load(&[policy], None).unwrap());
    let mut seen = HashSet::new();
    let mut prefixes: Vec<Vec<Choice>> = vec![Vec::new()];
    while let Some(mut prefix) = prefixes.pop() {
        let mut run = Run::new(scenario, &policy);
        prefix.iter().for_each(|choice| run.take(*choice));
        while seen.insert(run.state()) {
            let choices = run.choices();
            let (Some(first), true) = (choices.first(), choices.iter().any(|choice| matches!(choice, Choice::Poll(_) | Choice::Person)))
            else {
                // All workers are gone. What was sent lands now, or never.
                prefixes.extend(choices.contains(&Choice::Land).then(|| [&prefix[..], &[Choice::Land]].concat()));
                run.settle();
                run.verdict(scenario).map_err(|wrong| format!("{wrong}\n{prefix:?}\n{:#?}", lock(&run.world).events))?;
                break;
            };
            // The first choice goes on in this run, the others are taken up later.
            prefixes.extend(choices.iter().skip(1).map(|choice| [&prefix[..], &[*choice]].concat()));
            prefix.push(*first);
            run.take(*first);
        }
    }
    Ok(seen.len())
}

const ACCEPT_ALL: &str = r#"@id("all") permit (principal, action == PrivateLink::Action::"Accept", resource);"#;
const ACCEPT_ONE: &str =
    r#"@id("one") permit (principal, action == PrivateLink::Action::"Accept", resource) when { context.connections.ofService < 1 };"#;
const REJECT_ALL: &str = r#"@id("none") permit (principal, action == PrivateLink::Action::"Reject", resource);"#;

const SCENARIO: Scenario = Scenario { policy: ACCEPT_ALL, subjects: 2, workers: 2, person: None, crashes: 1, flaw: Flaw::None, cap: 2 };

/// Explores a scenario: with `SMALL_WORLDS=full` all of it, otherwise two workers without a crash, and one with a crash.
fn holds(scenario: Scenario) {
    let parts = if std::env::var_os("SMALL_WORLDS").is_some() || scenario.person.is_none() {
        vec![scenario]
    } else {
        vec![Scenario { crashes: 0, ..scenario }, Scenario { workers: 1, ..scenario }]
    };
    parts.into_iter().for_each(holds_whole);
}

fn holds_whole(scenario: Scenario) {
    match explore(scenario) {
        Ok(states) => println!("{states} states"),
        Err(wrong) => panic!("{wrong}"),
    }
}

#[test]
fn crash_anywhere_leaves_every_act_recorded() {
    holds(SCENARIO);
}

#[test]
fn cap_is_never_exceeded() {
    holds(Scenario { policy: ACCEPT_ONE, cap: 1, ..SCENARIO });
}

#[test]
fn refusal_before_intent_is_never_overruled() {
    holds(Scenario { person: Some(Person::Refuses), subjects: 1, ..SCENARIO });
}

#[test]
fn grant_before_intent_is_never_overruled() {
    holds(Scenario { policy: REJECT_ALL, person: Some(Person::Grants), subjects: 1, ..SCENARIO });
}

#[test]
fn hold_before_intent_stops_act() {
    holds(Scenario { person: Some(Person::Holds), subjects: 1, ..SCENARIO });
}

#[test]
fn every_flaw_is_found() {
    for (flaw, scenario) in [
        (Flaw::NoCondition, Scenario { policy: ACCEPT_ONE, cap: 1, crashes: 0, ..SCENARIO }),
        (Flaw::NoIntent, SCENARIO),
        (Flaw::NoRecoveryAge, Scenario { subjects: 1, ..SCENARIO }),
        (Flaw::Retries, Scenario { person: Some(Person::Refuses), subjects: 1, workers: 1, ..SCENARIO }),
    ] {
        let found = explore(Scenario { flaw, ..scenario });
        println!("{flaw:?}: {found:?}");
        assert!(found.is_err(), "{flaw:?} was not found");
    }
}
