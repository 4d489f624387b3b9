//! `policy check --prove`: no policy can err, each permit can match, each policy adds something.

use std::collections::BTreeSet;

use cedar_policy::{Effect, Policy as CedarPolicy, PolicySet, RequestEnv, Schema};
use cedar_policy_symcc::{CompiledPolicy, CompiledPolicySet};
use warden::policy::Policy;

use super::{
    action_of,
    effective::Parts,
    envs,
    lists::Lists,
    solver::{Answer, Prover},
    unknowns,
    verdicts::{Tally, Verdicts},
    words,
    world::World,
};
use crate::{
    arguments::Format,
    failure::{Done, Failure},
    output::progress,
};

const BEYOND: &str = "a policy asks in its conditions which action it is, or cannot be put into the solver's terms";
pub(super) const TOO_MANY: &str = "the groups are too many for the solver to tell who is in which";

/// One of the two actions, while something or nothing is not known.
struct Situation {
    env: RequestEnv,
    parts: Parts,
    world: CedarPolicy,
    /// What the whole set allows.
    whole: CompiledPolicySet,
}

/// A set that is looked at.
struct Checked<'a> {
    policy: &'a Policy,
    schema: &'a Schema,
    /// Or why there are none.
    situations: Result<Vec<Situation>, String>,
    is_exact: bool,
}

/// What came of the three claims of every policy.
#[derive(Default)]
struct Tallies {
    sound: Tally,
    alive: Tally,
    needed: Tally,
}

pub(super) async fn check(policy: &Policy, mut prover: Prover, format: Format) -> Result<Done, Failure> {
    let checked = Checked::of(policy);
    let mut verdicts = Verdicts::new(format);
    let mut all: Vec<&CedarPolicy> = policy.cedar().0.policies().collect();
    all.sort_by_key(|rule| rule.id().to_string());
    let bar = progress(all.len(), "policies");
    let (mut tallies, mut idle, mut looked_at) = (Tallies::default(), Vec::new(), 0_usize);
    for rule in &all {
        if prover.is_late() {
            break;
        }
        bar.inc(1);
        looked_at += 1;
        if checked.look_at(rule, &mut prover, &mut tallies, &mut verdicts).await {
            idle.push(AsRef::<str>::as_ref(rule.id()));
        }
    }
    bar.finish_and_clear();
    if let Some(first) = idle.first().filter(|_| idle.len() > 1) {
        checked.together(&idle, first, &mut prover, &verdicts).await;
    }
    if looked_at < all.len() {
        eprintln!("note: {}: {looked_at} of {} policies were looked at", prover.late(), all.len());
        let rest = format!("the other {} of {} policies are sound, alive and needed", all.len() - looked_at, all.len());
        verdicts.undecided(&rest, &prover.late());
    }
    let permits = all.iter().filter(|rule| rule.effect() == Effect::Permit).count();
    verdicts.counted(&tallies.sound, all.len(), "policies can be evaluated for every well-formed request");
    verdicts.counted(&tallies.alive, permits, "permits can let somebody through, or turn somebody away");
    verdicts.counted(&tallies.needed, all.len(), "policies add something to the others");
    Ok(verdicts.done())
}

/// Refuted by a request, in words. `world` is made for this rule alone.
pub(super) async fn cannot_err(prover: &mut Prover, rule: &CedarPolicy, world: &World, schema: &Schema) -> Answer<String> {
    let Some(guarded) = world.guarded(rule) else { return Answer::Undecided(BEYOND.to_owned()) };
    for env in envs(schema) {
        let compiled = match CompiledPolicy::compile(&guarded, &env, schema) {
            Ok(compiled) => compiled,
            Err(error) => return Answer::Undecided(error.to_string()),
        };
        match prover.ask(async |compiler| compiler.check_never_errors_with_counterexample_opt(&compiled).await).await {
            Answer::Proved => {}
            Answer::Refuted(_) if !world.is_exact => return Answer::Undecided(TOO_MANY.to_owned()),
            Answer::Refuted(found) => return Answer::Refuted(words::facts(&found, &rule.to_cedar().unwrap_or_default(), world)),
            Answer::Undecided(why) => return Answer::Undecided(why),
        }
    }
    Answer::Proved
}

impl<'a> Checked<'a> {
    fn of(policy: &'a Policy) -> Self {
        let (set, schema) = policy.cedar();
        let asked = policy.open_facts();
        let world = World::of(set.policies(), Lists::of(set.policies(), policy), &asked);
        Self { policy, schema, situations: situations(policy, schema, &world), is_exact: world.is_exact }
    }

    /// Says what there is to say of one rule, and whether it adds nothing.
    async fn look_at(&self, rule: &CedarPolicy, prover: &mut Prover, tallies: &mut Tallies, verdicts: &mut Verdicts) -> bool {
        let id = rule.id();
        let world = World::of([rule], Lists::of([rule], self.policy), &BTreeSet::new());
        let claim = format!("`{id}` can be evaluated for every well-formed request");
        let sound = cannot_err(prover, rule, &world, self.schema).await;
        let may_err = !matches!(sound, Answer::Proved);
        tallies.sound.take(verdicts, &claim, sound, |when| format!("`{id}` cannot be evaluated for {when}: then nothing is accepted"));
        if rule.effect() == Effect::Permit {
            let claim = format!("`{id}` can let somebody through, or turn somebody away");
            let dead = |()| format!("`{id}` lets nobody through: it matches no request from today on that nothing else holds back");
            let alive = self.is_alive(prover, id.as_ref()).await;
            let is_dead = matches!(alive, Answer::Refuted(()));
            tallies.alive.take(verdicts, &claim, alive, dead);
            if is_dead {
                tallies.needed.refuted += 1;
                return false;
            }
        }
        let claim = format!("`{id}` adds something to the others");
        let needed = match self.adds_something(prover, &[id.as_ref()]).await {
            // Where it fails, the warden answers nothing: that is more than it would without.
            Answer::Refuted(()) if may_err => Answer::Undecided("it may fail, and then it holds back what the others allow".to_owned()),
            needed => needed,
        };
        let idle = matches!(needed, Answer::Refuted(()));
        tallies.needed.take(verdicts, &claim, needed, |()| format!("`{id}` adds nothing: without it, every request is answered alike"));
        idle
    }

    /// Proved by a request that it lets through or turns away, from today on, with all that holds back beside it.
    async fn is_alive(&self, prover: &mut Prover, id: &str) -> Answer<()> {
        let mut unsure = None;
        let opens = |situation: &&Situation| situation.parts.opens(id, action_of(&situation.env));
        for situation in self.situations.as_deref().unwrap_or_default().iter().filter(opens) {
            let alone = situation.parts.allow(action_of(&situation.env), Some(id), &situation.world);
            match self.denies_all(prover, alone, &situation.env).await {
                Answer::Proved => {}
                Answer::Refuted(()) if self.is_exact => return Answer::Proved,
                Answer::Refuted(()) => unsure = Some(TOO_MANY.to_owned()),
                Answer::Undecided(why) => unsure = Some(why),
            }
        }
        match unsure.or_else(|| self.situations.as_ref().err().cloned()) {
            Some(why) => Answer::Undecided(why),
            None => Answer::Refuted(()),
        }
    }

    async fn denies_all(&self, prover: &mut Prover, set: Option<PolicySet>, env: &RequestEnv) -> Answer<()> {
        match compiled(set, env, self.schema) {
            Ok(set) => prover.ask(async |compiler| Ok((!compiler.check_always_denies_opt(&set).await?).then_some(()))).await,
            Err(why) => Answer::Undecided(why),
        }
    }

    /// Refuted, if the set answers every request alike without these.
    async fn adds_something(&self, prover: &mut Prover, ids: &[&str]) -> Answer<()> {
        let situations = match &self.situations {
            Ok(situations) => situations,
            Err(why) => return Answer::Undecided(why.clone()),
        };
        for Situation { env, parts, world, whole } in situations {
            let without = match compiled(parts.without(ids).allow(action_of(env), None, world), env, self.schema) {
                Ok(without) => without,
                Err(why) => return Answer::Undecided(why),
            };
            match prover.ask(async |compiler| Ok((!compiler.check_equivalent_opt(whole, &without).await?).then_some(()))).await {
                Answer::Proved => {}
                Answer::Refuted(()) if self.is_exact => return Answer::Proved,
                Answer::Refuted(()) => return Answer::Undecided(TOO_MANY.to_owned()),
                Answer::Undecided(why) => return Answer::Undecided(why),
            }
        }
        Answer::Refuted(())
    }

    /// Each may go, but each for the sake of another that must then stay.
    async fn together(&self, idle: &[&str], first: &str, prover: &mut Prover, verdicts: &Verdicts) {
        if !matches!(self.adds_something(prover, idle).await, Answer::Refuted(())) {
            verdicts
                .say(&format!("           They add nothing one by one; not all of them may go: delete one (`{first}`), then prove again."));
        }
    }
}

fn situations(policy: &Policy, schema: &Schema, world: &World) -> Result<Vec<Situation>, String> {
    let mut situations = Vec::new();
    for unknown in unknowns(&policy.open_facts()) {
        let parts = Parts::of(policy, &unknown).ok_or(BEYOND)?;
        for env in envs(schema) {
            let world = world.nothing_else(&unknown, action_of(&env)).ok_or(BEYOND)?;
            let whole = compiled(parts.allow(action_of(&env), None, &world), &env, schema)?;
            situations.push(Situation { env, parts: parts.clone(), world, whole });
        }
    }
    Ok(situations)
}

/// A set in the solver's terms, for one kind of request.
pub(super) fn compiled(set: Option<PolicySet>, env: &RequestEnv, schema: &Schema) -> Result<CompiledPolicySet, String> {
    CompiledPolicySet::compile(&set.ok_or(BEYOND)?, env, schema).map_err(|error| error.to_string())
}
