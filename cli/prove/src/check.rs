//! Three claims about one policy set: no policy can fail, each permit can match, each policy has an effect.

use std::collections::BTreeSet;

use cedar_policy::{Effect, Policy, PolicyId, RequestEnv};
use cedar_policy_symcc::CompiledPolicySet;
use warden::policy::{PolicySet, UnknownFact};

use crate::{
    assumptions::Assumptions,
    effective::{EffectiveSet, concerns},
    environment::{action, combinations, compile, environments},
    failure::failing_request,
    solver::{Solver, Undecided},
    verdict::{Outcome, Tally},
};

/// The results for a policy set.
#[derive(Debug)]
pub struct Checked {
    /// One for each claim.
    pub tallies: [Tally; 3],
    /// The step to take if several policies have no effect only beside each other.
    pub advice: Option<String>,
}

/// Proves the claims about each policy of a set. `step` is called before each proof.
pub async fn check(set: &PolicySet, solver: &mut Solver, step: impl Fn()) -> Checked {
    let mut policies: Vec<&Policy> = set.cedar().0.policies().collect();
    policies.sort_by_key(|policy| policy.id().to_string());
    let permits: Vec<&Policy> = policies.iter().copied().filter(|policy| policy.effect() == Effect::Permit).collect();
    let mut proof = Proof { set, solver, situations: situations(set), step, may_fail: BTreeSet::new(), dead: BTreeSet::new() };
    let sound = proof.tally(["policies never fail to evaluate", "never fails to evaluate"], &policies, Proof::never_fails).await;
    proof.may_fail = sound.outcomes.iter().filter(|(_, outcome)| *outcome != Outcome::Proved).map(|(id, _)| PolicyId::new(id)).collect();
    let live = proof.tally(["permits can match", "can match"], &permits, Proof::can_match).await;
    proof.dead = live.refuted().into_iter().map(PolicyId::new).collect();
    // Last, because it takes longest and matters least.
    let effective = proof.tally(["policies have an effect", "has an effect"], &policies, Proof::has_effect).await;
    let advice = proof.advice(&effective).await;
    Checked { tallies: [sound, live, effective], advice }
}

/// The requests of one kind while some facts are unknown.
struct Situation {
    unknown: BTreeSet<UnknownFact>,
    env: RequestEnv,
    effective: EffectiveSet,
    assumptions: Policy,
    /// What the whole set allows.
    whole: CompiledPolicySet,
}

struct Proof<'a, Step> {
    set: &'a PolicySet,
    solver: &'a mut Solver,
    situations: Result<(Vec<Situation>, Assumptions), Undecided>,
    step: Step,
    may_fail: BTreeSet<PolicyId>,
    dead: BTreeSet<PolicyId>,
}

impl<Step: Fn()> Proof<'_, Step> {
    /// Asks the same about each policy, until the time limit is reached.
    async fn tally(
        &mut self,
        claim: [&'static str; 2],
        policies: &[&Policy],
        question: impl AsyncFn(&mut Self, &PolicyId) -> Outcome,
    ) -> Tally {
        let mut tally = Tally { claim, of: policies.len(), outcomes: Vec::new(), stopped: None };
        for policy in policies {
            tally.stopped = self.solver.timed_out();
            if tally.stopped.is_some() {
                break;
            }
            (self.step)();
            tally.outcomes.push((policy.id().to_string(), question(self, policy.id()).await));
        }
        tally
    }

    async fn never_fails(&mut self, id: &PolicyId) -> Outcome {
        let Some(policy) = self.set.cedar().0.policy(id) else { return Outcome::Proved };
        let request = failing_request(self.solver, policy, self.set).await;
        request.map(|found| found.map(|request| format!("`{id}` fails to evaluate for {request}: then nothing is accepted"))).into()
    }

    async fn can_match(&mut self, id: &PolicyId) -> Outcome {
        let reason = || format!("`{id}` matches no request from today on that nothing else prevents");
        self.decides_some(id).await.map(|decides| (!decides).then(reason)).into()
    }

    async fn has_effect(&mut self, id: &PolicyId) -> Outcome {
        if self.dead.contains(id) {
            return Outcome::Refuted(format!("`{id}` has no effect: it cannot match"));
        }
        match self.change_decisions(&[id]).await {
            // Where it fails, nothing is accepted: that is an effect.
            Ok(false) if self.may_fail.contains(id) => Outcome::Undecided("it may fail, and then it prevents what others allow".into()),
            changes => changes.map(|yes| (!yes).then(|| format!("`{id}` has no effect: without it, every decision stays the same"))).into(),
        }
    }

    /// Returns true if a permit allows the warden to act on some request.
    async fn decides_some(&mut self, id: &PolicyId) -> Result<bool, Undecided> {
        let Self { set, solver, situations, .. } = self;
        let (situations, _) = situations.as_ref().map_err(Clone::clone)?;
        let mut answer = Ok(false);
        for Situation { unknown, env, effective, .. } in situations.iter().filter(|one| one.effective.can_allow(id, action(&one.env))) {
            let assumptions = beside(set, id, action(env));
            let allowed = effective.allow(action(env), Some(id), &assumptions.forbid(unknown, action(env))?);
            let allowed = compile(allowed, env, set.cedar().1)?;
            let found = solver.ask(async |compiler| Ok((!compiler.check_always_denies_opt(&allowed).await?).then_some(()))).await;
            match found.and_then(|found| assumptions.exact(found)) {
                Ok(None) => {}
                Ok(Some(())) => return Ok(true),
                Err(why) => answer = Err(why),
            }
        }
        answer
    }

    /// Returns true if some decision is another one without these policies.
    async fn change_decisions(&mut self, ids: &[&PolicyId]) -> Result<bool, Undecided> {
        let Self { set, solver, situations, .. } = self;
        let (situations, of_all) = situations.as_ref().map_err(Clone::clone)?;
        for Situation { env, effective, assumptions, whole, .. } in situations {
            let rest = compile(effective.without(ids).allow(action(env), None, assumptions), env, set.cedar().1)?;
            let found = solver.ask(async |compiler| Ok((!compiler.check_equivalent_opt(whole, &rest).await?).then_some(()))).await?;
            if of_all.exact(found)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The step to take if each of several policies has no effect, but only while another of them stays.
    async fn advice(&mut self, effective: &Tally) -> Option<String> {
        let idle: Vec<PolicyId> = effective.refuted().into_iter().map(PolicyId::new).filter(|id| !self.dead.contains(id)).collect();
        let [first, _, ..] = idle.as_slice() else { return None };
        let together = match self.change_decisions(&idle.iter().collect::<Vec<_>>()).await {
            Ok(false) => return None,
            Ok(true) => "not all of them can be deleted",
            Err(_) => "it is undecided if all of them can be deleted",
        };
        Some(format!("Each of these policies has no effect by itself, but {together}: delete one (`{first}`), then prove again."))
    }
}

/// The assumptions for a permit and the policies that may prevent what it permits. The groups of other permits do not
/// matter, and there may be too many of them.
fn beside(set: &PolicySet, id: &PolicyId, action: &str) -> Assumptions {
    let other = if action == "Accept" { "Reject" } else { "Accept" };
    let prevents = |policy: &&Policy| policy.id() == id || policy.effect() == Effect::Forbid || concerns(policy, other);
    Assumptions::of(&set.cedar().0.policies().filter(prevents).collect::<Vec<_>>(), set, &set.unknown_facts())
}

fn situations(set: &PolicySet) -> Result<(Vec<Situation>, Assumptions), Undecided> {
    let (policies, schema) = set.cedar();
    let of_all = Assumptions::of(&policies.policies().collect::<Vec<_>>(), set, &set.unknown_facts());
    let mut situations = Vec::new();
    for unknown in combinations(&set.unknown_facts()) {
        let effective = EffectiveSet::of(set, &unknown, &Default::default()).ok_or(Undecided::INEXPRESSIBLE)?;
        for env in environments(schema) {
            let assumptions = of_all.forbid(&unknown, action(&env))?;
            let whole = compile(effective.allow(action(&env), None, &assumptions), &env, schema)?;
            situations.push(Situation { unknown: unknown.clone(), env, effective: effective.clone(), assumptions, whole });
        }
    }
    Ok((situations, of_all))
}
