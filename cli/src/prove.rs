//! What can be proved of a policy set, by Cedar's own symbolic compiler and an SMT solver: for every well-formed request
//! there could be, not for those that somebody thought of.
//!
//! The warden accepts less than Cedar allows: not where `Reject` is allowed too, and not where a policy cannot be
//! evaluated. The first is put into the set that is compared, as `forbid`s; the second is proved first.

mod effective;
mod words;

use std::{collections::BTreeSet, path::Path, process::Command};

use cedar_policy::{Effect, Policy as CedarPolicy, PolicySet, RequestEnv, Schema};
use cedar_policy_symcc::{CedarSymCompiler, CompiledPolicy, CompiledPolicySet, Env, err::Error as SymccError, solver::LocalSolver};
use warden::policy::Policy;

use crate::{
    arguments::Common,
    failure::{Done, Failure},
    output::progress,
    policy,
};

/// Milliseconds that the solver takes for one question at most. What it has not answered then is undecided.
const QUESTION_MS_MAX: u32 = 20_000;

/// Says how to get a solver.
pub(crate) const NO_SOLVER: &str = "there is no SMT solver: install cvc5 (Debian: `apt install cvc5`; macOS: `brew install cvc5/cvc5/cvc5`; or a release from https://github.com/cvc5/cvc5), or set CVC5 to where it is";

/// What came of a question.
enum Answer<T> {
    Proved,
    Refuted(T),
    /// The solver could not tell, within its time or at all.
    Undecided(String),
}

/// A solver at work.
struct Prover {
    compiler: Option<CedarSymCompiler<LocalSolver>>,
}

impl Prover {
    /// Starts the solver, if there is one.
    fn start() -> Option<Self> {
        let program = std::env::var_os("CVC5").unwrap_or_else(|| "cvc5".into());
        let there = Command::new(program).arg("--version").output().is_ok_and(|ran| ran.status.success());
        there.then(|| Self { compiler: compiler() })
    }

    /// Puts one question. A solver that failed is replaced, so that it answers the next one.
    async fn ask<T>(
        &mut self,
        question: impl AsyncFnOnce(&mut CedarSymCompiler<LocalSolver>) -> Result<Option<T>, SymccError>,
    ) -> Answer<T> {
        let Some(compiler) = self.compiler.as_mut() else { return Answer::Undecided("the solver did not start".to_owned()) };
        match question(compiler).await {
            Ok(None) => Answer::Proved,
            Ok(Some(counterexample)) => Answer::Refuted(counterexample),
            Err(SymccError::SolverUnknown) => Answer::Undecided("the solver does not know".to_owned()),
            Err(error) => {
                self.compiler = self::compiler();
                Answer::Undecided(error.to_string())
            }
        }
    }
}

fn compiler() -> Option<CedarSymCompiler<LocalSolver>> {
    let solver = LocalSolver::cvc5_with_args([format!("--tlimit-per={QUESTION_MS_MAX}")]).ok()?;
    CedarSymCompiler::new(solver).ok()
}

/// What is said of one set: good and bad news, and what nobody knows.
#[derive(Default)]
struct Verdicts {
    bad: usize,
    undecided: usize,
}

impl Verdicts {
    fn proved(&self, what: &str) {
        println!("proved     {what}");
    }

    fn refuted(&mut self, what: &str) {
        println!("NOT SO     {what}");
        self.bad += 1;
    }

    fn undecided(&mut self, what: &str, why: &str) {
        println!("undecided  {what}: {why}");
        self.undecided += 1;
    }

    fn done(&self) -> Done {
        if self.bad + self.undecided == 0 { Done::Fine } else { Done::Differences }
    }
}

/// `policy check --prove`: no policy can err, each permit can match, each policy adds something.
pub(crate) async fn check(common: &Common) -> Result<Done, Failure> {
    let policy = policy::load(policy::folder_of(common)?)?;
    let Some(mut prover) = Prover::start() else {
        return Err(Failure::Trouble(format!("nothing is proved: {NO_SOLVER}. Without one, `warden policy test` runs the set's cases")));
    };
    let (set, schema) = policy.cedar();
    let mut verdicts = Verdicts::default();
    let mut all: Vec<&CedarPolicy> = set.policies().collect();
    all.sort_by_key(|policy| policy.id().to_string());
    let bar = progress(all.len(), "policies");
    let (mut sound, mut alive, mut needed) = (0_usize, 0_usize, 0_usize);
    for one in &all {
        bar.inc(1);
        let id = one.id();
        match cannot_err(&mut prover, one, schema).await {
            Answer::Proved => sound += 1,
            Answer::Refuted(when) => verdicts.refuted(&format!("`{id}` cannot be evaluated for {when}: then nothing is accepted")),
            Answer::Undecided(why) => verdicts.undecided(&format!("whether `{id}` can always be evaluated"), &why),
        }
        if one.effect() == Effect::Permit {
            match is_dead(&mut prover, one, set, schema).await {
                Answer::Refuted(()) => alive += 1,
                Answer::Proved => {
                    verdicts.refuted(&format!("`{id}` lets nobody through: it matches no request that no `forbid` turns down"));
                    continue;
                }
                Answer::Undecided(why) => verdicts.undecided(&format!("whether `{id}` can match"), &why),
            }
        }
        match adds_nothing(&mut prover, one, set, schema).await {
            Answer::Refuted(()) => needed += 1,
            Answer::Proved => verdicts.refuted(&format!("`{id}` adds nothing: without it, every request is answered alike")),
            Answer::Undecided(why) => verdicts.undecided(&format!("whether `{id}` adds anything"), &why),
        }
    }
    bar.finish_and_clear();
    let permits = all.iter().filter(|one| one.effect() == Effect::Permit).count();
    verdicts.proved(&format!("{sound} of {} policies can be evaluated for every well-formed request", all.len()));
    verdicts.proved(&format!("{alive} of {permits} permits can let somebody through"));
    verdicts.proved(&format!("{needed} of {} policies add something to the others", all.len()));
    Ok(verdicts.done())
}

/// `policy compare`: does the new set accept anything that the old one does not?
pub(crate) async fn compare(old: &Path, new: &Path) -> Result<Option<Done>, Failure> {
    let (old, new) = (policy::load(old)?, policy::load(new)?);
    let Some(mut prover) = Prover::start() else { return Ok(None) };
    let mut verdicts = Verdicts::default();
    for line in widened_groups(&old, &new) {
        verdicts.refuted(&line);
    }
    let (old_set, schema) = old.cedar();
    // Where a policy of the old set could not be evaluated nothing was accepted: such requests are beyond this comparison.
    for one in old_set.policies() {
        match cannot_err(&mut prover, one, schema).await {
            Answer::Proved => {}
            Answer::Refuted(when) => {
                verdicts.undecided(
                    "what becomes of requests that the old set could not answer",
                    &format!("its `{}` cannot be evaluated for {when}", one.id()),
                );
            }
            Answer::Undecided(why) => verdicts.undecided(&format!("whether the old set's `{}` can always be evaluated", one.id()), &why),
        }
    }
    let question = "whether the new set accepts nothing that the old one does not";
    match (effective::accepting(&old), effective::accepting(&new), env_of(schema, "Accept")) {
        (Some(before), Some(after), Some(env)) => match accepts_more(&mut prover, &before, &after, &env, schema).await {
            Answer::Proved => verdicts.proved("the new set accepts nothing that the old one does not, as far as rules go"),
            Answer::Refuted(found) => verdicts.refuted(&format!("would newly accept: {}", words::request(&found, &old, &new))),
            Answer::Undecided(why) => verdicts.undecided(question, &why),
        },
        _ => verdicts.undecided(question, "a policy could not be put into the solver's terms"),
    }
    println!("{} → {}", policy::short(old.digest()), policy::short(new.digest()));
    Ok(Some(verdicts.done()))
}

/// Groups are lists, not rules: who was added to one that lets in, or taken off one that keeps out.
fn widened_groups(old: &Policy, new: &Policy) -> Vec<String> {
    let (before, after) = (old.groups(), new.groups());
    let (set, _) = new.cedar();
    let nobody = BTreeSet::new();
    let mut lines = Vec::new();
    for (name, accounts) in &after {
        let had = before.get(name).unwrap_or(&nobody);
        let named = |effect: Effect| {
            let names = |policy: &&CedarPolicy| policy.entity_literals().iter().any(|uid| AsRef::<str>::as_ref(uid.id()) == *name);
            set.policies().filter(|policy| policy.effect() == effect).any(|policy| names(&policy))
        };
        // A group of the old set that no rule of it named is told by the rules: they are what is new.
        if !before.contains_key(name) {
            continue;
        }
        let joined: Vec<String> = accounts.difference(had).map(ToString::to_string).collect();
        let left: Vec<String> = had.difference(accounts).map(ToString::to_string).collect();
        if !joined.is_empty() && named(Effect::Permit) {
            lines.push(format!("the group `{name}`, which permits name, has more accounts: {}", some(&joined)));
        }
        if !left.is_empty() && named(Effect::Forbid) {
            lines.push(format!("the group `{name}`, which forbids name, has fewer accounts: {}", some(&left)));
        }
    }
    lines
}

fn some(accounts: &[String]) -> String {
    const SHOWN_MAX: usize = 10;
    let shown = accounts.get(..SHOWN_MAX).unwrap_or(accounts).join(", ");
    match accounts.len().saturating_sub(SHOWN_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

async fn accepts_more(prover: &mut Prover, old: &PolicySet, new: &PolicySet, env: &RequestEnv, schema: &Schema) -> Answer<Env> {
    match both(old, new, env, schema) {
        Ok((old, new)) => prover.ask(async |compiler| compiler.check_implies_with_counterexample_opt(&new, &old).await).await,
        Err(why) => Answer::Undecided(why),
    }
}

/// Refuted by a request, in words.
async fn cannot_err(prover: &mut Prover, policy: &CedarPolicy, schema: &Schema) -> Answer<String> {
    for env in envs(schema) {
        let compiled = match CompiledPolicy::compile(policy, &env, schema) {
            Ok(compiled) => compiled,
            Err(error) => return Answer::Undecided(error.to_string()),
        };
        match prover.ask(async |compiler| compiler.check_never_errors_with_counterexample_opt(&compiled).await).await {
            Answer::Proved => {}
            Answer::Refuted(found) => return Answer::Refuted(words::facts(&found, &policy.to_cedar().unwrap_or_default())),
            Answer::Undecided(why) => return Answer::Undecided(why),
        }
    }
    Answer::Proved
}

/// Proved: with all the forbids beside it, a permit allows nothing.
async fn is_dead(prover: &mut Prover, permit: &CedarPolicy, set: &PolicySet, schema: &Schema) -> Answer<()> {
    let forbids = set.policies().filter(|policy| policy.effect() == Effect::Forbid).cloned();
    let Ok(alone) = PolicySet::from_policies(forbids.chain([permit.clone()])) else {
        return Answer::Undecided("it could not be set apart".to_owned());
    };
    for env in envs(schema) {
        let compiled = match CompiledPolicySet::compile(&alone, &env, schema) {
            Ok(compiled) => compiled,
            Err(error) => return Answer::Undecided(error.to_string()),
        };
        match prover.ask(async |compiler| Ok((!compiler.check_always_denies_opt(&compiled).await?).then_some(()))).await {
            Answer::Proved => {}
            other => return other,
        }
    }
    Answer::Proved
}

/// Proved: the set answers every request alike without it.
async fn adds_nothing(prover: &mut Prover, policy: &CedarPolicy, set: &PolicySet, schema: &Schema) -> Answer<()> {
    let Ok(without) = PolicySet::from_policies(set.policies().filter(|other| other.id() != policy.id()).cloned()) else {
        return Answer::Undecided("it could not be left out".to_owned());
    };
    for env in envs(schema) {
        let (all, without) = match both(set, &without, &env, schema) {
            Ok(compiled) => compiled,
            Err(why) => return Answer::Undecided(why),
        };
        match prover.ask(async |compiler| Ok((!compiler.check_equivalent_opt(&all, &without).await?).then_some(()))).await {
            Answer::Proved => {}
            other => return other,
        }
    }
    Answer::Proved
}

/// Two sets in the solver's terms, for one kind of request.
fn both(one: &PolicySet, other: &PolicySet, env: &RequestEnv, schema: &Schema) -> Result<(CompiledPolicySet, CompiledPolicySet), String> {
    let compiled = |set| CompiledPolicySet::compile(set, env, schema).map_err(|error| error.to_string());
    Ok((compiled(one)?, compiled(other)?))
}

fn envs(schema: &Schema) -> impl Iterator<Item = RequestEnv> {
    let mut envs: Vec<RequestEnv> = schema.request_envs().collect();
    envs.sort_by_key(|env| env.action().to_string());
    envs.into_iter()
}

fn env_of(schema: &Schema, action: &str) -> Option<RequestEnv> {
    envs(schema).find(|env| AsRef::<str>::as_ref(env.action().id()) == action)
}
