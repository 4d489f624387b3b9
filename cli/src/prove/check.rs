//! `policy check --prove`: no policy can err, each permit can match, each policy adds something.

use std::collections::BTreeSet;

use cedar_policy::{Effect, Policy as CedarPolicy, PolicySet as CedarPolicySet, RequestEnv, Schema};
use cedar_policy_symcc::{CompiledPolicy, CompiledPolicySet};
use warden::policy::{PolicySet, UnknownFact};

use super::{
    action_of,
    effective::{self, Parts},
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
    unknown: BTreeSet<UnknownFact>,
    env: RequestEnv,
    parts: Parts,
    world: CedarPolicy,
    /// What the whole set allows.
    whole: CompiledPolicySet,
}

/// A set that is looked at.
struct Checked<'a> {
    policy: &'a PolicySet,
    schema: &'a Schema,
    /// Or why there are none.
    situations: Result<Vec<Situation>, String>,
    is_exact: bool,
}

/// A policy that is no dead permit.
struct Living<'a> {
    id: &'a str,
    may_fail: bool,
}

pub(super) async fn check(policy: &PolicySet, mut prover: Prover, format: Format) -> Result<Done, Failure> {
    let checked = Checked::of(policy);
    let mut verdicts = Verdicts::new(format);
    let mut all: Vec<&CedarPolicy> = policy.cedar().0.policies().collect();
    all.sort_by_key(|rule| rule.id().to_string());
    // Whether a rule adds anything is the longest question, and the least of them.
    let (living, dead) = checked.alone(&all, &mut prover, &mut verdicts).await;
    let needed = checked.beside_others(&living, dead, &mut prover, &mut verdicts).await;
    verdicts.counted(&needed, all.len(), "policies add something to the others");
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
    fn of(policy: &'a PolicySet) -> Self {
        let (set, schema) = policy.cedar();
        let asked = policy.unknown_facts();
        let world = World::of(set.policies(), Lists::of(set.policies(), policy), &asked);
        Self { policy, schema, situations: situations(policy, schema, &world), is_exact: world.is_exact }
    }

    /// No policy can fail, and each permit can match: those that live, and how many are dead.
    async fn alone<'r>(&self, all: &[&'r CedarPolicy], prover: &mut Prover, verdicts: &mut Verdicts) -> (Vec<Living<'r>>, usize) {
        let (mut sound, mut alive, mut living, mut looked_at) = (Tally::default(), Tally::default(), Vec::new(), 0_usize);
        let bar = progress(all.len(), "policies by themselves");
        for rule in all {
            if prover.is_late() {
                break;
            }
            bar.inc(1);
            looked_at += 1;
            let id: &str = rule.id().as_ref();
            let world = World::of([*rule], Lists::of([*rule], self.policy), &BTreeSet::new());
            let answer = cannot_err(prover, rule, &world, self.schema).await;
            let may_fail = !matches!(answer, Answer::Proved);
            let claim = format!("`{id}` can be evaluated for every well-formed request");
            sound.take(verdicts, &claim, answer, |when| format!("`{id}` cannot be evaluated for {when}: then nothing is accepted"));
            if rule.effect() == Effect::Permit {
                let answer = self.is_alive(prover, id).await;
                let is_dead = matches!(answer, Answer::Refuted(()));
                let claim = format!("`{id}` can let somebody through, or turn somebody away");
                let dead = |()| format!("`{id}` lets nobody through: it matches no request from today on that nothing else holds back");
                alive.take(verdicts, &claim, answer, dead);
                if is_dead {
                    continue;
                }
            }
            living.push(Living { id, may_fail });
        }
        bar.finish_and_clear();
        cut_short(looked_at, all.len(), "can be evaluated, and can match", prover, verdicts);
        let permits = all.iter().filter(|rule| rule.effect() == Effect::Permit).count();
        verdicts.counted(&sound, all.len(), "policies can be evaluated for every well-formed request");
        verdicts.counted(&alive, permits, "permits can let somebody through, or turn somebody away");
        let dead = looked_at - living.len();
        (living, dead)
    }

    /// Each policy adds something to the others, which the dead do not.
    async fn beside_others(&self, living: &[Living<'_>], dead: usize, prover: &mut Prover, verdicts: &mut Verdicts) -> Tally {
        let (mut needed, mut idle, mut looked_at) = (Tally { refuted: dead, ..Tally::default() }, Vec::new(), 0_usize);
        let bar = progress(living.len(), "policies beside the others");
        for Living { id, may_fail } in living {
            if prover.is_late() {
                break;
            }
            bar.inc(1);
            looked_at += 1;
            let answer = match self.adds_something(prover, &[id]).await {
                // Where it fails, the warden answers nothing: that is more than it would without.
                Answer::Refuted(()) if *may_fail => {
                    Answer::Undecided("it may fail, and then it holds back what the others allow".to_owned())
                }
                answer => answer,
            };
            if matches!(answer, Answer::Refuted(())) {
                idle.push(*id);
            }
            let claim = format!("`{id}` adds something to the others");
            needed.take(verdicts, &claim, answer, |()| format!("`{id}` adds nothing: without it, every request is answered alike"));
        }
        bar.finish_and_clear();
        if let Some(first) = idle.first().filter(|_| idle.len() > 1) {
            self.together(&idle, first, prover, verdicts).await;
        }
        cut_short(looked_at, living.len(), "add something to the others", prover, verdicts);
        needed
    }

    /// Proved by a request that it lets through or turns away, from today on, with all that holds back beside it.
    async fn is_alive(&self, prover: &mut Prover, id: &str) -> Answer<()> {
        let mut unsure = None;
        let opens = |situation: &&Situation| situation.parts.opens(id, action_of(&situation.env));
        for situation in self.situations.as_deref().unwrap_or_default().iter().filter(opens) {
            let action = action_of(&situation.env);
            let world = self.beside(id, action);
            let alone = world.nothing_else(&situation.unknown, action).and_then(|world| situation.parts.allow(action, Some(id), &world));
            match self.denies_all(prover, alone, &situation.env).await {
                Answer::Proved => {}
                Answer::Refuted(()) if world.is_exact => return Answer::Proved,
                Answer::Refuted(()) => unsure = Some(TOO_MANY.to_owned()),
                Answer::Undecided(why) => unsure = Some(why),
            }
        }
        match unsure.or_else(|| self.situations.as_ref().err().cloned()) {
            Some(why) => Answer::Undecided(why),
            None => Answer::Refuted(()),
        }
    }

    /// The world for a permit and what could hold it back. The lists of the other permits say nothing about it, and with
    /// all of them there could be too many.
    fn beside(&self, id: &str, action: &str) -> World {
        let holds_back = |rule: &&CedarPolicy| {
            AsRef::<str>::as_ref(rule.id()) == id || rule.effect() == Effect::Forbid || !effective::is_only_about(rule, action)
        };
        let rules: Vec<&CedarPolicy> = self.policy.cedar().0.policies().filter(holds_back).collect();
        World::of(rules.iter().copied(), Lists::of(rules.iter().copied(), self.policy), &self.policy.unknown_facts())
    }

    async fn denies_all(&self, prover: &mut Prover, set: Option<CedarPolicySet>, env: &RequestEnv) -> Answer<()> {
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
        for Situation { env, parts, world, whole, .. } in situations {
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
        let all_at_once = match self.adds_something(prover, idle).await {
            Answer::Refuted(()) => return,
            Answer::Proved => "not all of them may go",
            Answer::Undecided(_) => "whether all of them may go is undecided",
        };
        verdicts.say(&format!("           They add nothing one by one; {all_at_once}: delete one (`{first}`), then prove again."));
    }
}

/// Says how far it came, where the time was up before the end.
fn cut_short(looked_at: usize, of: usize, claim: &str, prover: &Prover, verdicts: &mut Verdicts) {
    if looked_at < of {
        let late = prover.late();
        eprintln!("note: {late}: of {looked_at} of {of} policies it was asked whether they {claim}");
        verdicts.undecided(&format!("the other {} of {of} policies {claim}", of - looked_at), &late);
    }
}

fn situations(policy: &PolicySet, schema: &Schema, world: &World) -> Result<Vec<Situation>, String> {
    let mut situations = Vec::new();
    for unknown in unknowns(&policy.unknown_facts()) {
        let parts = Parts::of(policy, &unknown).ok_or(BEYOND)?;
        for env in envs(schema) {
            let world = world.nothing_else(&unknown, action_of(&env)).ok_or(BEYOND)?;
            let whole = compiled(parts.allow(action_of(&env), None, &world), &env, schema)?;
            situations.push(Situation { unknown: unknown.clone(), env, parts: parts.clone(), world, whole });
        }
    }
    Ok(situations)
}

/// A set in the solver's terms, for one kind of request.
pub(super) fn compiled(set: Option<CedarPolicySet>, env: &RequestEnv, schema: &Schema) -> Result<CompiledPolicySet, String> {
    CompiledPolicySet::compile(&set.ok_or(BEYOND)?, env, schema).map_err(|error| error.to_string())
}
