//! Law 5: no finding about a correct act, and a finding about each stranger.

use proptest::test_runner::TestRunner;

use super::{check, none, recovery::settle};
use crate::{
    generators::{SEQUENTIAL, scenario},
    mutants::Flaw,
    reference::{self, Answer},
    scenario::{Delivery, Ending},
    simulation::{Request, Simulation},
};

/// 5. The audit finds nothing about what `approve` did under the present policy, and finds each unjustified connection.
pub fn silence(flaw: Option<Flaw>, runner: &mut TestRunner) -> Result<(), String> {
    check(runner, &scenario(SEQUENTIAL), |scenario| {
        let mut simulation = Simulation::new(flaw, &scenario);
        // The audit judges in the order of the acceptances.
        simulation.let_the_clock_run();
        simulation.run();
        simulation.resume_all();
        settle(&mut simulation);
        sweep_until_stable(&mut simulation);
        drop(simulation.audit(Ending::Completes));
        let findings = simulation.reports.findings();
        let mut wrong = Vec::new();
        for request in simulation.requests.iter().filter(|request| simulation.is_in_scope(request) && !request.omits) {
            let endpoint = &request.endpoint;
            let found = |kind: &str| findings.contains(&format!("{kind}/{}/{endpoint}", request.service));
            let unjustified = found("unjustified") || found("expired-grant");
            if request.is_pending() && found("overdue") {
                wrong.push(format!("{endpoint} was swept, and is overdue"));
            }
            if !request.is_live() {
                continue;
            }
            if unjustified && is_still_allowed(&simulation, request) {
                wrong.push(format!("{endpoint} was accepted and is still allowed, and is unjustified"));
            }
            if !unjustified && is_stranger(&simulation, request) {
                wrong.push(format!("{endpoint} is not allowed, and is not found"));
            }
            if found("unrecorded") && simulation.has_verdict(request, &["accepted", "found"]) {
                wrong.push(format!("{endpoint} is on record, and is unrecorded"));
            }
            // An act that EC2 did and that seemed to fail is on record as failed.
            if found("unrecorded") && request.is_own && !simulation.has_verdict(request, &["failed"]) {
                wrong.push(format!("{endpoint} was accepted by the warden, and is unrecorded"));
            }
        }
        none(wrong)
    })
}

/// Time may allow another request since the last sweep, and an acceptance of one sweep counts when the next judges others.
fn sweep_until_stable(simulation: &mut Simulation<'_>) {
    let pending = |simulation: &Simulation<'_>| simulation.requests.iter().filter(|request| request.is_pending()).count();
    loop {
        let before = pending(simulation);
        drop(simulation.work_off(Delivery::Sweep));
        if pending(simulation) >= before {
            return;
        }
    }
}

/// Returns true if the warden accepted it and still would, with at most the connections that there were then, or if a
/// grant covers it.
fn is_still_allowed(simulation: &Simulation<'_>, request: &Request) -> bool {
    let recorded = simulation.has_verdict(request, &["accepted"]);
    let accepts = |counts| reference::answer(&simulation.in_force, &as_audited(simulation, request, counts)) == Answer::Accept;
    let by_policy = request.accepted_beside.is_some_and(|most| up_to(most).all(accepts));
    let granted = simulation.has_grant(request);
    let by_grant = reference::accepts_by_grant(&simulation.in_force, &as_audited(simulation, request, (0, 0)), granted);
    (recorded && by_policy && !has_returned_connection(simulation, request)) || by_grant
}

/// Returns true if an endpoint of the service was accepted by the warden, rejected, and accepted manually. It keeps the
/// place of its old record, so one that was accepted meanwhile may be beyond a cap.
fn has_returned_connection(simulation: &Simulation<'_>, request: &Request) -> bool {
    let returned = |one: &Request| one.was_rejected && one.is_live() && simulation.has_verdict(one, &["accepted"]);
    simulation.requests.iter().any(|one| one.service == request.service && returned(one))
}

/// Returns true if neither a policy nor a grant accepts it, for any number of the present connections.
fn is_stranger(simulation: &Simulation<'_>, request: &Request) -> bool {
    let denied = |counts| {
        let facts = as_audited(simulation, request, counts);
        let denied = matches!(reference::answer(&simulation.in_force, &facts), Answer::Reject | Answer::Wait { uncertain: false });
        denied && !reference::accepts_by_grant(&simulation.in_force, &facts, simulation.has_grant(request))
    };
    up_to(simulation.beside(request)).all(denied)
}

/// All counts up to these.
fn up_to((of_account, of_service): (i64, i64)) -> impl Iterator<Item = (i64, i64)> {
    (0..=of_account).flat_map(move |of_account| (of_account..=of_service).map(move |of_service| (of_account, of_service)))
}

fn as_audited(simulation: &Simulation<'_>, request: &Request, counts: (i64, i64)) -> reference::Facts {
    let facts = reference::Facts { role: simulation.role(request), ..simulation.facts(request, counts) };
    reference::as_asked(&simulation.in_force, facts, simulation.has_grant(request))
}
