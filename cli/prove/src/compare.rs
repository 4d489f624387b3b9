//! The claim that a new policy set accepts no more than an old one.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{EntityUid, Policy};
use cedar_policy_symcc::Env;
use warden::policy::{PolicySet, UnknownFact};

use crate::{
    assumptions::Assumptions,
    counterexample,
    effective::EffectiveSet,
    environment::{action, combinations, compile, environments},
    failure::failing_request,
    groups::{self, Groups},
    solver::{Solver, Undecided},
    verdict::{Outcome, Verdict},
};

const CLAIM: &str = "the new set accepts nothing that the old one does not";

/// Proves the claim for every combination of unknown facts.
pub async fn compare(old: &PolicySet, new: &PolicySet, solver: &mut Solver) -> Vec<Verdict> {
    if old.digest() == new.digest() {
        return vec![Verdict { claim: format!("{CLAIM}: both are the same set"), outcome: Outcome::Proved }];
    }
    let pair = Pair::of(old, new);
    let mut verdicts = pair.where_old_fails(solver).await;
    for unknown in combinations(&pair.read) {
        let claim = format!("{CLAIM}{}", while_unknown(&unknown));
        let found = pair.newly_accepted(&unknown, solver).await;
        verdicts.push(Verdict { claim, outcome: found.map(|found| found.map(|found| pair.describe(&found, &unknown))).into() });
    }
    verdicts
}

/// Looks for requests that only the old set accepts: who would lose access.
pub async fn lost(old: &PolicySet, new: &PolicySet, solver: &mut Solver) -> Vec<Verdict> {
    const CLAIM: &str = "the new set accepts everything that the old one does";
    let pair = Pair::of(new, old);
    let mut verdicts = Vec::new();
    for unknown in combinations(&pair.read) {
        let found = pair.newly_accepted(&unknown, solver).await;
        let describe = |found: Env| format!("would no longer accept{}", pair.request(&found, &unknown));
        verdicts
            .push(Verdict { claim: format!("{CLAIM}{}", while_unknown(&unknown)), outcome: found.map(|found| found.map(describe)).into() });
    }
    verdicts
}

struct Pair<'a> {
    old: &'a PolicySet,
    new: &'a PolicySet,
    /// The names of the old set's groups.
    renamed: BTreeMap<EntityUid, EntityUid>,
    read: BTreeSet<UnknownFact>,
    assumptions: Assumptions,
}

impl<'a> Pair<'a> {
    fn of(old: &'a PolicySet, new: &'a PolicySet) -> Self {
        let (before, after): (Vec<&Policy>, Vec<&Policy>) = (old.cedar().0.policies().collect(), new.cedar().0.policies().collect());
        let renamed = groups::renamed(old, new);
        let groups = Groups::of(&before, old).rename(&renamed).and(Groups::of(&after, new));
        let read = &old.unknown_facts() | &new.unknown_facts();
        let assumptions = Assumptions::with_groups(&[before, after].concat(), groups, &read);
        Self { old, new, renamed, read, assumptions }
    }

    /// Verdicts about the policies of the old set that may fail. Where one fails, the old set accepts nothing, which the
    /// comparison does not express. A relaxed copy must not fail either.
    async fn where_old_fails(&self, solver: &mut Solver) -> Vec<Verdict> {
        let (_, relaxed) = self.old.parts(&self.old.unknown_facts()).unwrap_or_default();
        let mut verdicts = Vec::new();
        for policy in self.old.cedar().0.policies().chain(&relaxed) {
            let id = policy.id();
            let why = match failing_request(solver, policy, self.old).await {
                Ok(None) => continue,
                Ok(Some(request)) => format!("`{id}` fails to evaluate for {request}").as_str().into(),
                Err(why) => why,
            };
            let claim = format!("the new set accepts nothing where the old set's `{id}` fails");
            verdicts.push(Verdict { claim, outcome: Outcome::Undecided(why) });
        }
        verdicts
    }

    /// Returns a request that only the new set accepts.
    async fn newly_accepted(&self, unknown: &BTreeSet<UnknownFact>, solver: &mut Solver) -> Result<Option<Env>, Undecided> {
        let schema = self.old.cedar().1;
        let env = environments(schema).into_iter().find(|env| action(env) == "Accept").ok_or("the schema has no action Accept")?;
        let assumptions = self.assumptions.forbid(unknown, "Accept")?;
        let accepted = |set: &PolicySet, names: &BTreeMap<_, _>| {
            compile(EffectiveSet::of(set, unknown, names).and_then(|set| set.allow("Accept", None, &assumptions)), &env, schema)
        };
        let (before, after) = (accepted(self.old, &self.renamed)?, accepted(self.new, &BTreeMap::new())?);
        let found = solver.ask(async |compiler| compiler.check_implies_with_counterexample_opt(&after, &before).await).await?;
        self.assumptions.exact(found)
    }

    fn describe(&self, found: &Env, unknown: &BTreeSet<UnknownFact>) -> String {
        let changes = groups::changes(self.old, self.new);
        let changes = if changes.is_empty() { String::new() } else { format!(" (changed groups: {})", changes.join(", ")) };
        format!("would newly accept{}{changes}", self.request(found, unknown))
    }

    /// The request, and the policies of the new set that accept it.
    fn request(&self, found: &Env, unknown: &BTreeSet<UnknownFact>) -> String {
        let policies = self.old.cedar().0.policies().chain(self.new.cedar().0.policies());
        let text: String = policies.filter_map(Policy::to_cedar).collect();
        let request = counterexample::describe(found, &text, &self.assumptions.groups);
        let (when, by) = (while_unknown(unknown), counterexample::accepting_policies(found, self.new, unknown));
        format!("{when}: {request}, by {by}")
    }
}

fn while_unknown(unknown: &BTreeSet<UnknownFact>) -> String {
    let labels: Vec<&str> = unknown.iter().map(|fact| fact.label()).collect();
    let verb = if labels.len() == 1 { "is" } else { "are" };
    if labels.is_empty() { String::new() } else { format!(", while {} {verb} unknown", labels.join(" and ")) }
}
