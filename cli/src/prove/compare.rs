//! `policy compare`: does the new set accept anything that the old one does not?

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{RequestEnv, Schema};
use cedar_policy_symcc::Env;
use warden::policy::{PolicySet, UnknownFact};

use super::{
    action_of,
    check::{cannot_err, compiled},
    effective::{Parts, effective},
    envs,
    lists::{self, Lists},
    solver::{Answer, Prover},
    unknowns,
    verdicts::Verdicts,
    words,
    world::World,
};
use crate::{
    arguments::Format,
    failure::{Done, Failure},
    policy,
};

/// What is to be proved.
pub(super) const CLAIM: &str = "the new set accepts nothing that the old one does not";

pub(super) async fn compare(old: &PolicySet, new: &PolicySet, mut prover: Prover, format: Format) -> Result<Done, Failure> {
    let mut verdicts = Verdicts::new(format);
    if old.digest() == new.digest() {
        verdicts.proved(&format!("{CLAIM}: they are the same set ({})", policy::short(old.digest())));
        return Ok(verdicts.done());
    }
    let pair = Pair::of(old, new);
    pair.old_answers_all(&mut prover, &mut verdicts).await;
    for unknown in unknowns(&pair.asked) {
        let claim = format!("{CLAIM}{}", while_unknown(&unknown));
        match pair.accepts_more(&unknown, &mut prover).await {
            Answer::Proved => verdicts.proved(&claim),
            Answer::Refuted(found) => verdicts.refuted(&claim, &pair.words(&found, &unknown)),
            Answer::Undecided(why) => verdicts.undecided(&claim, &why),
        }
    }
    if prover.is_late() {
        eprintln!("note: {}", prover.late());
    }
    verdicts.say(&format!("{} → {}", policy::short(old.digest()), policy::short(new.digest())));
    Ok(verdicts.done())
}

/// Two sets in one world.
struct Pair<'a> {
    old: &'a PolicySet,
    new: &'a PolicySet,
    schema: &'a Schema,
    /// What the old set's groups are called here, where the new set's are others.
    former: BTreeMap<String, String>,
    asked: BTreeSet<UnknownFact>,
    world: World,
}

impl<'a> Pair<'a> {
    fn of(old: &'a PolicySet, new: &'a PolicySet) -> Self {
        let (before, schema) = old.cedar();
        let after = new.cedar().0;
        let former = lists::former(old, new);
        let lists = Lists::of(before.policies(), old).renamed(&former).and(Lists::of(after.policies(), new));
        let asked: BTreeSet<UnknownFact> = old.unknown_facts().union(&new.unknown_facts()).copied().collect();
        let world = World::of(before.policies().chain(after.policies()), lists, &asked);
        Self { old, new, schema, former, asked, world }
    }

    /// Where a policy of the old set could not be evaluated nothing was accepted: such requests are beyond this comparison.
    /// What a rule comes to while it waits for a fact must not fail either.
    async fn old_answers_all(&self, prover: &mut Prover, verdicts: &mut Verdicts) {
        let loose = self.old.parts(&self.old.unknown_facts()).map(|(_, loose)| loose).unwrap_or_default();
        for rule in self.old.cedar().0.policies().chain(&loose) {
            let world = World::of([rule], Lists::of([rule], self.old), &BTreeSet::new());
            let claim = format!("the new set accepts nothing where the old set's `{}` fails", rule.id());
            match cannot_err(prover, rule, &world, self.schema).await {
                Answer::Proved => {}
                Answer::Refuted(when) => verdicts.undecided(&claim, &format!("`{}` cannot be evaluated for {when}", rule.id())),
                Answer::Undecided(why) => verdicts.undecided(&claim, &why),
            }
        }
    }

    async fn accepts_more(&self, unknown: &BTreeSet<UnknownFact>, prover: &mut Prover) -> Answer<Env> {
        let beyond = || Answer::Undecided("there is no such action".to_owned());
        let Some(env) = envs(self.schema).into_iter().find(|env| action_of(env) == "Accept") else { return beyond() };
        let before = Parts::of(self.old, unknown).map(|parts| parts.renamed(&self.former));
        let after = Parts::of(self.new, unknown);
        let compiled = |parts: Option<Parts>| self.compiled(parts.as_ref(), &env, unknown);
        match (compiled(before), compiled(after)) {
            (Ok(before), Ok(after)) => {
                let asked = prover.ask(async |compiler| compiler.check_implies_with_counterexample_opt(&after, &before).await).await;
                match asked {
                    Answer::Refuted(_) if !self.world.is_exact => Answer::Undecided(super::check::TOO_MANY.to_owned()),
                    answer => answer,
                }
            }
            (Err(why), _) | (_, Err(why)) => Answer::Undecided(why),
        }
    }

    fn compiled(
        &self,
        parts: Option<&Parts>,
        env: &RequestEnv,
        unknown: &BTreeSet<UnknownFact>,
    ) -> Result<cedar_policy_symcc::CompiledPolicySet, String> {
        compiled(parts.and_then(|parts| effective(parts, "Accept", unknown, &self.world)), env, self.schema)
    }

    fn words(&self, found: &Env, unknown: &BTreeSet<UnknownFact>) -> String {
        let rules = self.old.cedar().0.policies().chain(self.new.cedar().0.policies());
        let text: String = rules.filter_map(cedar_policy::Policy::to_cedar).collect();
        let by = words::let_in_by(found, self.new, unknown);
        let changes = lists::changes(self.old, self.new);
        let lists = if changes.is_empty() { String::new() } else { format!(" (lists that changed: {})", changes.join(", ")) };
        let when = while_unknown(unknown);
        format!("would newly accept{when}: {}, by {by}{lists}", words::facts(found, &text, &self.world))
    }
}

fn while_unknown(unknown: &BTreeSet<UnknownFact>) -> String {
    let names: Vec<&str> = unknown.iter().map(|fact| fact.label()).collect();
    match names.len() {
        0 => String::new(),
        1 => format!(", while {} is not known", names.concat()),
        _ => format!(", while {} are not known", names.join(" and ")),
    }
}
