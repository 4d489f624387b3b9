//! Facts that may not be known, and the policies that ask for them.
//!
//! A policy that asks for a fact that is not known takes no part in an answer: Cedar would take the fact for absent, and a
//! `forbid` would vanish, an `unless` come true. Whether it *could* matter is found by asking a looser copy of it, without
//! the conditions that speak of the fact. If it could, the request waits.

use std::{collections::BTreeSet, sync::OnceLock};

use cedar_policy::{Effect, PolicyId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::policy::index::PolicyIndex;

/// A fact that may not be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownFact {
    /// What Organizations says of the account: its units, name and state.
    Organization,
    /// The role behind the request, which only a CloudTrail event proves.
    Requester,
}

/// A policy that could have changed an answer, had a fact been known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResidualPolicy {
    /// Its `@id`.
    pub id: String,
    /// What it asks for.
    pub needs: BTreeSet<UnknownFact>,
}

/// The policies of a set that ask for facts that may not be known.
#[derive(Debug, Default)]
pub(super) struct ResidualPolicies {
    all: Vec<Residual>,
    /// By what is not known: organization, requester, both.
    parts: [OnceLock<KnownPart>; 3],
}

#[derive(Debug)]
struct Residual {
    rule: ResidualPolicy,
    forbids: bool,
    /// The policy, as far as it can be looked into.
    json: Option<Value>,
}

/// A policy set as it stands while something is not known.
#[derive(Debug)]
pub(super) struct KnownPart {
    /// The policies that do not ask for it.
    pub(super) sure: PolicyIndex,
    /// The others, loosened.
    pub(super) loose: PolicyIndex,
    /// Those that cannot be loosened: they might always match.
    pub(super) stiff: BTreeSet<String>,
}

impl ResidualPolicies {
    /// `texts` are what the set was read from: where none of them can speak of such a fact, no policy is taken apart.
    pub(super) fn of<'a>(set: &cedar_policy::PolicySet, mut texts: impl Iterator<Item = &'a str>) -> Self {
        // A backslash may spell any of the words.
        let spoken = texts.any(|text| ["OrganizationalUnit", "requester", "name", "status", "\\"].iter().any(|word| text.contains(word)));
        let all = if spoken { set.policies().filter_map(Residual::of).collect() } else { Vec::new() };
        Self { all, parts: Default::default() }
    }

    /// Whether any policy asks for a fact.
    pub(super) fn ask_for(&self, fact: UnknownFact) -> bool {
        self.all.iter().any(|one| one.rule.needs.contains(&fact))
    }

    /// The permits that ask for a fact, loosened.

    pub(super) fn loosened_permits(&self, fact: UnknownFact) -> cedar_policy::PolicySet {
        let asking = self.all.iter().filter(|one| !one.forbids && one.rule.needs.contains(&fact));
        let all = [UnknownFact::Organization, UnknownFact::Requester].into();
        cedar_policy::PolicySet::from_policies(asking.filter_map(|one| one.loose(&all))).unwrap_or_default()
    }

    /// The policies that ask for none of the unknown facts, and the others, loosened, with their own effects.

    pub(super) fn split(
        &self,
        set: &cedar_policy::PolicySet,
        unknown: &BTreeSet<UnknownFact>,
    ) -> Option<(Vec<cedar_policy::Policy>, Vec<cedar_policy::Policy>)> {
        let needing: Vec<&Residual> = self.all.iter().filter(|one| !one.rule.needs.is_disjoint(unknown)).collect();
        let is_needing = |policy: &&cedar_policy::Policy| needing.iter().any(|one| *policy.id() == PolicyId::new(&one.rule.id));
        let sure = set.policies().filter(|policy| !is_needing(policy)).cloned().collect();
        let loosened = |one: &&Residual| {
            let loose = one.loose(unknown)?;
            if !one.forbids {
                return Some(loose);
            }
            let mut json = loose.to_json().ok()?;
            json.as_object_mut()?.insert("effect".to_owned(), json!("forbid"));
            cedar_policy::Policy::from_json(Some(loose.id().clone()), json).ok()
        };
        Some((sure, needing.iter().map(loosened).collect::<Option<_>>()?))
    }

    /// The set without those that ask for any of the unknown facts; nothing, where none does.
    pub(super) fn part(&self, set: &cedar_policy::PolicySet, unknown: &BTreeSet<UnknownFact>) -> Option<&KnownPart> {
        let needing: Vec<&Residual> = self.all.iter().filter(|one| !one.rule.needs.is_disjoint(unknown)).collect();
        if needing.is_empty() {
            return None;
        }
        let index = match (unknown.contains(&UnknownFact::Organization), unknown.contains(&UnknownFact::Requester)) {
            (true, false) => 0,
            (false, _) => 1,
            (true, true) => 2,
        };
        let part = || {
            let is_needing = |policy: &&cedar_policy::Policy| needing.iter().any(|one| *policy.id() == PolicyId::new(&one.rule.id));
            let sure = PolicyIndex::of(set.policies().filter(|policy| !is_needing(policy)));
            let (loose, stiff): (Vec<_>, Vec<_>) =
                needing.iter().map(|one| one.loose(unknown).ok_or_else(|| one.rule.id.clone())).partition(Result::is_ok);
            let loose: Vec<cedar_policy::Policy> = loose.into_iter().flatten().collect();
            KnownPart { sure, loose: PolicyIndex::of(loose.iter()), stiff: stiff.into_iter().filter_map(Result::err).collect() }
        };
        self.parts.get(index).map(|cell| cell.get_or_init(part))
    }

    /// Of the unknown facts' policies, those that could change the answer: of those that could match, the permits where
    /// nothing allows it, the forbids where something does.
    pub(super) fn that_matter(
        &self,
        unknown: &BTreeSet<UnknownFact>,
        could_match: &BTreeSet<String>,
        allowed: bool,
    ) -> Vec<ResidualPolicy> {
        let matter = |one: &&Residual| !one.rule.needs.is_disjoint(unknown) && one.forbids == allowed && could_match.contains(&one.rule.id);
        let named =
            |one: &Residual| ResidualPolicy { id: one.rule.id.clone(), needs: one.rule.needs.intersection(unknown).copied().collect() };
        let mut rules: Vec<ResidualPolicy> = self.all.iter().filter(matter).map(named).collect();
        rules.sort_by(|a, b| a.id.cmp(&b.id));
        rules
    }
}

impl Residual {
    fn of(policy: &cedar_policy::Policy) -> Option<Self> {
        let id = policy.id().to_string();
        let json = policy.to_json().ok();
        // What cannot be looked into may ask for anything.
        let needs = json.as_ref().map_or_else(|| [UnknownFact::Organization, UnknownFact::Requester].into(), needs);
        let forbids = policy.effect() == Effect::Forbid;
        (!needs.is_empty()).then_some(Self { rule: ResidualPolicy { id, needs }, forbids, json })
    }

    /// As a permit, without what speaks of what is not known.
    fn loose(&self, unknown: &BTreeSet<UnknownFact>) -> Option<cedar_policy::Policy> {
        cedar_policy::Policy::from_json(Some(PolicyId::new(&self.rule.id)), loosened(self.json.clone()?, unknown)).ok()
    }
}

/// What a policy, or a part of one, asks for.
pub(super) fn needs(json: &Value) -> BTreeSet<UnknownFact> {
    match json {
        Value::Object(object) => {
            let mut needs: BTreeSet<UnknownFact> = object.values().flat_map(needs).collect();
            // One name, or several: `has requester.role` keeps both.
            let one = object.get("attr").into_iter().filter(|attr| attr.is_string());
            let several = object.get("attr").and_then(Value::as_array).into_iter().flatten();
            needs.extend(one.chain(several).filter_map(|attr| match attr.as_str()? {
                "requester" => Some(UnknownFact::Requester),
                "name" | "status" => Some(UnknownFact::Organization),
                _ => None,
            }));
            // `{"type": …, "id": …}` in a policy's head or in a literal, `{"is": {"entity_type": …}}` in a condition.
            for kind in ["type", "entity_type"] {
                if object.get(kind).and_then(Value::as_str).is_some_and(|kind| kind.ends_with("OrganizationalUnit")) {
                    needs.insert(UnknownFact::Organization);
                }
            }
            needs
        }
        Value::Array(items) => items.iter().flat_map(needs).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => BTreeSet::new(),
    }
}

/// A policy as a permit whose every condition about a fact that is not known is taken for met.
fn loosened(mut policy: Value, unknown: &BTreeSet<UnknownFact>) -> Value {
    let Some(object) = policy.as_object_mut() else { return policy };
    object.insert("effect".to_owned(), json!("permit"));
    if object.get("principal").is_some_and(|head| !needs(head).is_disjoint(unknown)) {
        object.insert("principal".to_owned(), json!({"op": "All"}));
    }
    let conditions = object.remove("conditions").and_then(|conditions| conditions.as_array().cloned()).unwrap_or_default();
    let kept: Vec<Value> = conditions.into_iter().filter_map(|condition| loosened_condition(condition, unknown)).collect();
    object.insert("conditions".to_owned(), Value::Array(kept));
    policy
}

fn loosened_condition(condition: Value, unknown: &BTreeSet<UnknownFact>) -> Option<Value> {
    if needs(&condition).is_disjoint(unknown) {
        return Some(condition);
    }
    if condition.get("kind").and_then(Value::as_str) != Some("when") {
        return None;
    }
    let free = conjuncts(condition.get("body")?).into_iter().filter(|part| needs(part).is_disjoint(unknown)).cloned();
    let body = free.reduce(|left, right| json!({"&&": {"left": left, "right": right}}))?;
    Some(json!({"kind": "when", "body": body}))
}

/// The parts that must all hold, in the order in which Cedar evaluates them.
pub(super) fn conjuncts(body: &Value) -> Vec<&Value> {
    match body.get("&&") {
        Some(both) => ["left", "right"].iter().filter_map(|side| both.get(*side)).flat_map(conjuncts).collect(),
        None => vec![body],
    }
}
