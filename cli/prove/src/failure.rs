//! The proof that a policy never fails to evaluate.

use std::collections::BTreeSet;

use cedar_policy::Policy;
use cedar_policy_symcc::CompiledPolicy;
use warden::policy::PolicySet;

use crate::{
    assumptions::Assumptions,
    counterexample,
    environment::environments,
    solver::{Solver, Undecided},
};

/// Returns a request for which the policy fails to evaluate, in words.
pub(crate) async fn failing_request(solver: &mut Solver, policy: &Policy, set: &PolicySet) -> Result<Option<String>, Undecided> {
    let assumptions = Assumptions::of(&[policy], set, &BTreeSet::new());
    let guarded = assumptions.guard(policy).ok_or(Undecided::INEXPRESSIBLE)?;
    let (_, schema) = set.cedar();
    for env in environments(schema) {
        let compiled = CompiledPolicy::compile(&guarded, &env, schema)?;
        let found = solver.ask(async |compiler| compiler.check_never_errors_with_counterexample_opt(&compiled).await).await?;
        if let Some(found) = assumptions.exact(found)? {
            return Ok(Some(counterexample::describe(&found, &policy.to_cedar().unwrap_or_default(), &assumptions.groups)));
        }
    }
    Ok(None)
}
