//! What can be proved of a policy set, by Cedar's own symbolic compiler and an SMT solver: for every well-formed request
//! there could be, not for those that somebody thought of.
//!
//! The warden accepts less than Cedar allows: not where `Reject` is allowed too, and not where a policy cannot be
//! evaluated. The first is put into the set that is compared, as `forbid`s; the second is proved first.

mod effective;
mod words;

use std::{collections::BTreeSet, path::Path, process::Command};

use cedar_policy::{
    ActionConstraint, Effect, EntityUid, Policy as CedarPolicy, PolicyId, PolicySet, PrincipalConstraint, RequestEnv, Schema,
};
use cedar_policy_symcc::{CedarSymCompiler, CompiledPolicy, CompiledPolicySet, Env, err::Error as SymccError, solver::LocalSolver};
use warden::policy::{OpenFact, Policy};

use crate::{
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

    /// So many of so many: proved, if that is all of them.
    fn counted(&self, those: usize, of: usize, what: &str) {
        println!("{}{those} of {of} {what}", if those == of { "proved     " } else { "           " });
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

/// `policy check --prove`: no policy can err, each permit can match, each policy adds something. Nothing, without a solver.
pub(crate) async fn check(policy: &Policy) -> Option<Done> {
    let mut prover = Prover::start()?;
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
                    verdicts
                        .refuted(&format!("`{id}` lets nobody through: it matches no request from today on that nothing else holds back"));
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
    verdicts.counted(sound, all.len(), "policies can be evaluated for every well-formed request");
    verdicts.counted(alive, permits, "permits can let somebody through, or turn somebody away");
    verdicts.counted(needed, all.len(), "policies add something to the others");
    Some(verdicts.done())
}

/// `policy compare`: does the new set accept anything that the old one does not?
pub(crate) async fn compare(old: &Path, new: &Path) -> Result<Option<Done>, Failure> {
    let (old, new) = (policy::load(old)?, policy::load(new)?);
    let Some(mut prover) = Prover::start() else { return Ok(None) };
    let mut verdicts = Verdicts::default();
    for change in changed_groups(&old, &new) {
        match change {
            Change::Widens(what) => verdicts.refuted(&what),
            Change::MayWiden(what) => verdicts.undecided(&what, "a rule names it otherwise than to let its accounts in"),
        }
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
    for unknown in unknowns(&old, &new) {
        let when = while_unknown(&unknown);
        let question = format!("whether the new set accepts nothing that the old one does not{when}");
        let sets =
            (effective::effective(&old, "Accept", &unknown), effective::effective(&new, "Accept", &unknown), env_of(schema, "Accept"));
        let (Some(before), Some(after), Some(env)) = sets else {
            verdicts.undecided(&question, "a policy asks in its conditions which action it is, or cannot be put into the solver's terms");
            continue;
        };
        match accepts_more(&mut prover, &before, &after, &env, schema).await {
            Answer::Proved => verdicts.proved(&format!("the new set accepts nothing that the old one does not{when}, as far as rules go")),
            Answer::Refuted(found) => verdicts.refuted(&format!("would newly accept{when}: {}", words::request(&found, &old, &new))),
            Answer::Undecided(why) => verdicts.undecided(&question, &why),
        }
    }
    println!("{} → {}", policy::short(old.digest()), policy::short(new.digest()));
    Ok(Some(verdicts.done()))
}

/// Everything that may not be known of a request, and that either set asks for: nothing of it, each, all of it.
fn unknowns(old: &Policy, new: &Policy) -> BTreeSet<BTreeSet<OpenFact>> {
    let asked: BTreeSet<OpenFact> = old.open_facts().union(&new.open_facts()).copied().collect();
    let each = asked.iter().map(|fact| [*fact].into());
    each.chain([BTreeSet::new(), asked.clone()]).collect()
}

fn while_unknown(unknown: &BTreeSet<OpenFact>) -> String {
    let names = unknown.iter().map(|fact| match fact {
        OpenFact::Organization => "the organization",
        OpenFact::Requester => "the role",
    });
    let names: Vec<&str> = names.collect();
    if names.is_empty() { String::new() } else { format!(", while {} is not known", names.join(" and ")) }
}

/// What a change to the lists comes to.
enum Change {
    Widens(String),
    MayWiden(String),
}

/// Groups are lists, not rules. A longer list that only permits to accept name in their heads lets more in, and a shorter
/// one that only forbids do; of any other use it is not said what a change comes to.
fn changed_groups(old: &Policy, new: &Policy) -> Vec<Change> {
    let (before, after) = (old.groups(), new.groups());
    let nobody = BTreeSet::new();
    let mut changes = Vec::new();
    for name in before.keys().chain(after.keys()).copied().collect::<BTreeSet<&str>>() {
        let (had, has) = (before.get(name).unwrap_or(&nobody), after.get(name).unwrap_or(&nobody));
        // A group that only one of the sets knows is told by its rules: they are new, or gone.
        if had == has || !before.contains_key(name) || !after.contains_key(name) {
            continue;
        }
        let uses: BTreeSet<Use> =
            [old, new].into_iter().flat_map(|policy| policy.cedar().0.policies()).filter_map(|policy| use_of(policy, name)).collect();
        let joined: Vec<String> = has.difference(had).map(ToString::to_string).collect();
        let left: Vec<String> = had.difference(has).map(ToString::to_string).collect();
        if uses.contains(&Use::Otherwise) {
            changes.push(Change::MayWiden(format!(
                "what the changed list `{name}` comes to (joined: {}; left: {})",
                some(&joined),
                some(&left)
            )));
            continue;
        }
        if !joined.is_empty() && uses.contains(&Use::LetsIn) {
            changes.push(Change::Widens(format!("the group `{name}`, which permits name, has more accounts: {}", some(&joined))));
        }
        if !left.is_empty() && uses.contains(&Use::KeepsOut) {
            changes.push(Change::Widens(format!("the group `{name}`, which forbids name, has fewer accounts: {}", some(&left))));
        }
    }
    changes
}

/// How a policy uses a group.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    /// In the head of a permit to accept alone.
    LetsIn,
    /// In the head of a forbid.
    KeepsOut,
    Otherwise,
}

fn use_of(policy: &CedarPolicy, group: &str) -> Option<Use> {
    let is_it = |uid: &EntityUid| uid.type_name().basename() == "AccountGroup" && AsRef::<str>::as_ref(uid.id()) == group;
    if !policy.entity_literals().iter().any(is_it) {
        return None;
    }
    let in_head = matches!(policy.principal_constraint(), PrincipalConstraint::In(uid) | PrincipalConstraint::IsIn(_, uid) if is_it(&uid));
    // In the conditions as well as in the head, it may stand under an `unless` or a `!`.
    let conditions = policy.to_json().ok().and_then(|json| json.get("conditions").map(ToString::to_string)).unwrap_or_default();
    let accepts_alone = matches!(policy.action_constraint(), ActionConstraint::Eq(uid) if AsRef::<str>::as_ref(uid.id()) == "Accept");
    Some(match (in_head && !conditions.contains("AccountGroup"), policy.effect(), accepts_alone) {
        (true, Effect::Permit, true) => Use::LetsIn,
        (true, Effect::Forbid, true) => Use::KeepsOut,
        _ => Use::Otherwise,
    })
}

fn some(accounts: &[String]) -> String {
    if accounts.is_empty() {
        return "none".to_owned();
    }
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

/// Proved: with all that holds back beside it, a permit allows nothing from today on, neither to accept nor to reject.
async fn is_dead(prover: &mut Prover, permit: &CedarPolicy, set: &PolicySet, schema: &Schema) -> Answer<()> {
    for env in envs(schema) {
        let action: String = AsRef::<str>::as_ref(env.action().id()).to_owned();
        let others =
            |policy: &&CedarPolicy| policy.effect() == Effect::Forbid || policy.id() == permit.id() || only_about_other(policy, &action);
        let kept: Vec<CedarPolicy> = set.policies().filter(others).cloned().collect();
        let Some(mut alone) = effective::of_policies(&kept, &[], &action) else {
            return Answer::Undecided("it, or a policy beside it, asks in its conditions which action it is".to_owned());
        };
        let past = format!(
            "forbid(principal, action, resource) when {{ context.now < datetime(\"{}\") }};",
            jiff::Timestamp::now().strftime("%Y-%m-%d")
        );
        let past = CedarPolicy::parse(Some(PolicyId::new("past")), past).ok().and_then(|past| alone.add(past).ok());
        let compiled = match (past, CompiledPolicySet::compile(&alone, &env, schema)) {
            (Some(()), Ok(compiled)) => compiled,
            (None, _) => return Answer::Undecided("today could not be told".to_owned()),
            (_, Err(error)) => return Answer::Undecided(error.to_string()),
        };
        match prover.ask(async |compiler| Ok((!compiler.check_always_denies_opt(&compiled).await?).then_some(()))).await {
            Answer::Proved => {}
            other => return other,
        }
    }
    Answer::Proved
}

/// Whether a policy is a permit about the other action alone: it may hold back what this one would allow.
fn only_about_other(policy: &CedarPolicy, action: &str) -> bool {
    let other = |uid: &EntityUid| AsRef::<str>::as_ref(uid.id()) != action;
    policy.effect() == Effect::Permit
        && match policy.action_constraint() {
            ActionConstraint::Any => false,
            ActionConstraint::Eq(uid) => other(&uid),
            ActionConstraint::In(uids) => uids.iter().all(other),
        }
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
