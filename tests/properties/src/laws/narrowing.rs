//! Law 3: a forbid only narrows, and an invalid policy set accepts nothing.

use jiff::SignedDuration;
use proptest::{collection::vec, prelude::*, sample::select, test_runner::TestRunner};
use scenarios::PolicyBucket;

use super::{check, none};
use crate::{
    generators::{FAULTLESS, policy, scenario},
    grammar::{Action, Condition, Effect, InForce, Policy},
    mutants::Flaw,
    policy_store::{PolicyReader, Stored},
    scenario::{ACCOUNTS, Delivery, Ending, NAMES, NewEndpoint, Scenario},
    simulation::{Simulation, now},
};

/// 3. A forbid only narrows. If a policy fails, nothing is accepted. An empty, missing or unparsable set accepts nothing,
///    and the function reports it.
pub fn forbid_only_narrows(flaw: Option<Flaw>, runner: &mut TestRunner) -> Result<(), String> {
    // Only of Accept: a forbid of Reject may well lead to an acceptance.
    let forbid = policy(Effect::Forbid, Just(Action::Accept).boxed(), select(NAMES.to_vec()).prop_map(Condition::Named));
    let stored = vec((Stored::any(), prop::bool::weighted(0.3)), 1..6);
    check(runner, &(scenario(FAULTLESS), forbid, stored), |(scenario, forbid, stored)| {
        let policies = scenario.policies.into_iter().map(|set| set.without(Condition::counts)).collect();
        let scenario = Scenario { policies, ..scenario };
        let without = accepted_by_policy(flaw, &scenario, None)?;
        let only_with = accepted_by_policy(flaw, &scenario, Some(&forbid))?.into_iter().filter(|endpoint| !without.contains(endpoint));
        none(only_with.map(|endpoint| format!("{endpoint} is accepted only with a forbid")).collect())?;
        for effect in [Effect::Forbid, Effect::Permit] {
            let failing = Policy::about_all(effect, Action::Accept, vec![Condition::FailsAbove(-1)]);
            let accepted = accepted_by_policy(flaw, &scenario, Some(&failing))?.into_iter();
            none(accepted.map(|endpoint| format!("{endpoint} is accepted though a policy fails")).collect())?;
        }
        only_valid_sets_decide(flaw, &scenario, &stored)
    })
}

/// The endpoints that the policies accept, with one more policy in each set.
fn accepted_by_policy(flaw: Option<Flaw>, scenario: &Scenario, more: Option<&Policy>) -> Result<Vec<String>, String> {
    let mut scenario = scenario.clone();
    scenario.policies.iter_mut().for_each(|set| set.policies.extend(more.cloned()));
    let mut simulation = Simulation::new(flaw, &scenario);
    // An acceptance makes others wait, and time passes meanwhile.
    simulation.unpaced = true;
    simulation.run();
    drop(simulation.invoke(0, Delivery::Sweep, Ending::Completes));
    let accepted = simulation.requests.iter().filter(|request| request.accepted_beside.is_some());
    let by_policy = accepted.filter(|request| !simulation.was_granted(request));
    Ok(by_policy.map(|request| request.endpoint.clone()).collect())
}

/// The set in S3 changes, breaks and disappears, and environments restart. The last valid set that was read decides, and
/// each look at an invalid set is reported.
fn only_valid_sets_decide(flaw: Option<Flaw>, scenario: &Scenario, stored: &[(Stored, bool)]) -> Result<(), String> {
    let scenario = Scenario { steps: Vec::new(), ..scenario.clone() };
    let mut simulation = Simulation::new(flaw, &scenario);
    let bucket = PolicyBucket::default();
    let mut reader = PolicyReader::cold(bucket.clone(), flaw);
    let mut valid: Option<InForce> = None;
    for (n, (stored, restarts)) in stored.iter().enumerate() {
        simulation.request(NewEndpoint { account: n % ACCOUNTS.len(), service: n, remote: false, dualstack: false, omitted: None });
        let set = simulation.written_now(scenario.policies[n % scenario.policies.len()].clone());
        stored.put(&bucket, set.files());
        if *restarts {
            reader = PolicyReader::cold(bucket.clone(), flaw);
            valid = None;
        }
        simulation.pass(SignedDuration::from_secs(61));
        let (policy, reported) = reader.current(now());
        let is_valid = *stored == Stored::Valid;
        valid = if is_valid { Some(set) } else { valid };
        if reported == is_valid {
            return Err(format!("{stored:?} is {}", if reported { "reported" } else { "not reported" }));
        }
        match (policy, &valid) {
            (None, None) => {}
            (Some(_), None) => return Err(format!("{stored:?} became a policy set")),
            (None, Some(_)) => return Err(format!("{stored:?} replaced a valid set")),
            (Some(policy), Some(set)) => {
                simulation.use_policy(set.clone(), policy);
                drop(simulation.work_off(Delivery::Sweep));
            }
        }
    }
    none(simulation.violations.iter().map(|violation| format!("{violation:?}")).collect())
}
