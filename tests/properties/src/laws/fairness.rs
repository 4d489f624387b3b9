//! Law 9: fairness.

use jiff::SignedDuration;
use local::world;
use proptest::{collection::vec, test_runner::TestRunner};

use super::{check, none};
use crate::{
    grammar::{Action, Effect, Policies, Policy, Principal},
    mutants::Flaw,
    scenario::{ACCOUNTS, Delivery, Member, NewEndpoint, Scenario, World},
    simulation::Simulation,
};

/// The interval of the sweeps.
const INTERVAL: SignedDuration = SignedDuration::from_mins(5);
/// The sweeps after which every stranger is told.
const SWEEPS: usize = 5;

/// 9. An allowed request is answered within two sweeps, however many strangers wait, and though AWS Organizations answers only
///    some questions in each invocation.
pub fn fairness(flaw: Option<Flaw>, runner: &mut TestRunner) -> Result<(), String> {
    let newcomers = vec(0..ACCOUNTS.len(), 1..6);
    check(runner, &(1usize..40, newcomers, ACCOUNTS.len()..8), |(strangers, newcomers, lookups)| {
        let scenario = scenario();
        let mut simulation = Simulation::new(flaw, &scenario);
        simulation.lookups_max = Some(lookups);
        (0..strangers).for_each(|n| stranger(&simulation, n));
        for _ in 0..SWEEPS {
            sweep(&mut simulation);
        }
        for account in newcomers {
            simulation.request(NewEndpoint { account, service: 0, remote: false, dualstack: false, omitted: None });
        }
        sweep(&mut simulation);
        sweep(&mut simulation);
        let pending = simulation.requests.iter().filter(|request| request.is_pending());
        none(pending.map(|request| format!("{} is allowed, and is pending after two sweeps", request.endpoint)).collect())
    })
}

fn sweep(simulation: &mut Simulation<'_>) {
    drop(simulation.work_off(Delivery::Sweep));
    simulation.pass(INTERVAL);
}

/// Each account in the first unit is allowed, so that each answer depends on the organization.
fn scenario() -> Scenario {
    let permit = Policy { principal: Principal::Unit(0), ..Policy::about_all(Effect::Permit, Action::Accept, Vec::new()) };
    let world = World { members: vec![Member::Active(0); ACCOUNTS.len()], ..World::of_one_service() };
    Scenario { world, policies: vec![Policies { policies: vec![permit], team: Vec::new() }], steps: Vec::new() }
}

/// A request of an account outside the organization.
fn stranger(simulation: &Simulation<'_>, n: usize) {
    let name = format!("com.amazonaws.vpce.us-east-1.{}", simulation.services[0]);
    let account = format!("5{n:011}");
    drop(simulation.aws.world().create_endpoint(&account, &name, world::NewEndpoint::default()).unwrap());
}
