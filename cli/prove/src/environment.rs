//! The kinds of requests, each of which is proved by itself: an action, and the facts that are unknown.

use std::collections::BTreeSet;

use cedar_policy::{PolicySet as CedarPolicySet, RequestEnv, Schema};
use cedar_policy_symcc::CompiledPolicySet;
use warden::policy::UnknownFact;

use crate::solver::Undecided;

pub(crate) fn environments(schema: &Schema) -> Vec<RequestEnv> {
    let mut environments: Vec<RequestEnv> = schema.request_envs().collect();
    environments.sort_by_key(|env| env.action().to_string());
    environments
}

/// The name of the action: `Accept` or `Reject`.
pub(crate) fn action(env: &RequestEnv) -> &str {
    env.action().id().as_ref()
}

/// Every combination of facts that may be unknown together.
pub(crate) fn combinations(facts: &BTreeSet<UnknownFact>) -> BTreeSet<BTreeSet<UnknownFact>> {
    facts.iter().fold([BTreeSet::new()].into(), |all: BTreeSet<BTreeSet<UnknownFact>>, fact| {
        let with_fact = all.iter().map(|one| one | &BTreeSet::from([*fact])).collect();
        &all | &with_fact
    })
}

pub(crate) fn compile(set: Option<CedarPolicySet>, env: &RequestEnv, schema: &Schema) -> Result<CompiledPolicySet, Undecided> {
    Ok(CompiledPolicySet::compile(&set.ok_or(Undecided::INEXPRESSIBLE)?, env, schema)?)
}
