//! Policies that read facts which may be unknown.
//!
//! While a fact is unknown, a policy that reads it takes no part in an answer. Cedar would treat the fact as absent: a
//! `forbid` would not match, and an `unless` would hold. To find out if the policy *could* matter, a relaxed copy of it is
//! evaluated: a permit without the conditions that read the fact. If it could matter, the request waits.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use cedar_policy::{Effect, Policy, PolicyId as CedarPolicyId, PolicySet as CedarPolicySet};
use serde_json::{Value, json};

use crate::policy::{
    facts::{self, UnknownFact},
    index::PolicyIndex,
    judgement::ResidualPolicy,
};

/// The policies of a set that read facts which may be unknown.
#[derive(Debug, Default)]
pub(super) struct ResidualPolicies {
    all: Vec<Residual>,
    /// The set as it is evaluated, by the facts that are unknown. Made at first use.
    partitions: Mutex<BTreeMap<BTreeSet<UnknownFact>, Arc<Partition>>>,
}

#[derive(Debug)]
struct Residual {
    info: ResidualPolicy,
    forbids: bool,
    /// The policy in Cedar's JSON form; absent if Cedar cannot write it.
    json: Option<Value>,
}

/// A policy set while some facts are unknown.
#[derive(Debug)]
pub(super) struct Partition {
    /// The policies that read none of them.
    pub(super) independent: PolicyIndex,
    /// The other policies, relaxed.
    pub(super) relaxed: PolicyIndex,
    /// Policies that have no relaxed copy. Each of them could match.
    pub(super) opaque: BTreeSet<String>,
}

impl ResidualPolicies {
    pub(super) fn of(set: &CedarPolicySet) -> Self {
        Self { all: set.policies().filter_map(Residual::of).collect(), partitions: Mutex::default() }
    }

    /// Returns true if any policy reads the fact.
    pub(super) fn read(&self, fact: UnknownFact) -> bool {
        self.all.iter().any(|one| one.info.needs.contains(&fact))
    }

    /// Returns the permits that read a fact, relaxed in every unknown fact.
    pub(super) fn relaxed_permits(&self, fact: UnknownFact) -> CedarPolicySet {
        let reading = self.all.iter().filter(|one| !one.forbids && one.info.needs.contains(&fact));
        CedarPolicySet::from_policies(reading.filter_map(|one| one.relaxed(&UnknownFact::ALL.into()))).unwrap_or_default()
    }

    /// Returns the policies that read none of the unknown facts, and relaxed copies of the others with their own effects.
    /// Returns `None` if a policy has no relaxed copy.
    pub(super) fn split(&self, set: &CedarPolicySet, unknown: &BTreeSet<UnknownFact>) -> Option<(Vec<Policy>, Vec<Policy>)> {
        let relaxed = |one: &Residual| {
            let relaxed = one.relaxed(unknown)?;
            if !one.forbids {
                return Some(relaxed);
            }
            let mut json = relaxed.to_json().ok()?;
            json.as_object_mut()?.insert("effect".to_owned(), json!("forbid"));
            Policy::from_json(Some(relaxed.id().clone()), json).ok()
        };
        let dependent = self.reading(unknown).map(relaxed).collect::<Option<_>>()?;
        Some((self.independent(set, unknown).cloned().collect(), dependent))
    }

    /// Returns the set while these facts are unknown; `None` if no policy reads any of them.
    pub(super) fn partition(&self, set: &CedarPolicySet, unknown: &BTreeSet<UnknownFact>) -> Option<Arc<Partition>> {
        self.reading(unknown).next()?;
        let mut partitions = self.partitions.lock().unwrap_or_else(PoisonError::into_inner);
        let partition = partitions.entry(unknown.clone()).or_insert_with(|| Arc::new(self.divide(set, unknown)));
        Some(Arc::clone(partition))
    }

    fn divide(&self, set: &CedarPolicySet, unknown: &BTreeSet<UnknownFact>) -> Partition {
        let (mut relaxed, mut opaque) = (Vec::new(), BTreeSet::new());
        for one in self.reading(unknown) {
            match one.relaxed(unknown) {
                Some(policy) => relaxed.push(policy),
                None => drop(opaque.insert(one.info.id.to_string())),
            }
        }
        Partition { independent: PolicyIndex::of(self.independent(set, unknown)), relaxed: PolicyIndex::of(relaxed.iter()), opaque }
    }

    /// Returns the policies that could change the answer: of those that could match, the permits if nothing allows the action, the
    /// forbids if something does.
    pub(super) fn decisive(&self, unknown: &BTreeSet<UnknownFact>, could_match: &BTreeSet<String>, allowed: bool) -> Vec<ResidualPolicy> {
        let decisive = self.reading(unknown).filter(|one| one.forbids == allowed && could_match.contains(one.info.id.as_str()));
        let named =
            |one: &Residual| ResidualPolicy { id: one.info.id.clone(), needs: one.info.needs.intersection(unknown).copied().collect() };
        let mut policies: Vec<ResidualPolicy> = decisive.map(named).collect();
        policies.sort_by(|a, b| a.id.cmp(&b.id));
        policies
    }

    fn reading<'a>(&'a self, unknown: &'a BTreeSet<UnknownFact>) -> impl Iterator<Item = &'a Residual> {
        self.all.iter().filter(|one| !one.info.needs.is_disjoint(unknown))
    }

    fn independent<'a>(&'a self, set: &'a CedarPolicySet, unknown: &'a BTreeSet<UnknownFact>) -> impl Iterator<Item = &'a Policy> {
        let reading: BTreeSet<&str> = self.reading(unknown).map(|one| one.info.id.as_str()).collect();
        set.policies().filter(move |policy| !reading.contains(AsRef::<str>::as_ref(policy.id())))
    }
}

impl Residual {
    fn of(policy: &Policy) -> Option<Self> {
        if !facts::may_need(&policy.to_string()) {
            return None;
        }
        let json = policy.to_json().ok();
        // A policy that Cedar cannot write may read anything.
        let needs = json.as_ref().map_or_else(|| UnknownFact::ALL.into(), needs);
        let forbids = policy.effect() == Effect::Forbid;
        let id = policy.id().to_string().into();
        (!needs.is_empty()).then_some(Self { info: ResidualPolicy { id, needs }, forbids, json })
    }

    /// Returns the policy as a permit, without the conditions that read the unknown facts.
    fn relaxed(&self, unknown: &BTreeSet<UnknownFact>) -> Option<Policy> {
        Policy::from_json(Some(CedarPolicyId::new(self.info.id.as_str())), relaxed(self.json.clone()?, unknown)).ok()
    }
}

/// Returns the unknown facts that a policy, or a part of one, reads. In doubt, it reads a fact.
pub(super) fn needs(json: &Value) -> BTreeSet<UnknownFact> {
    let mut found = BTreeSet::new();
    visit(json, &mut found);
    found
}

fn visit(json: &Value, found: &mut BTreeSet<UnknownFact>) {
    let object = match json {
        Value::Object(object) => object,
        Value::Array(items) => return items.iter().for_each(|item| visit(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return,
    };
    // `{"type": …, "id": …}` in a policy's scope or in a literal, `{"is": {"entity_type": …}}` in a condition.
    let is_unit = |key: &str| object.get(key).and_then(Value::as_str).is_some_and(|kind| kind.ends_with("OrganizationalUnit"));
    if is_unit("type") || is_unit("entity_type") {
        found.insert(UnknownFact::Organization);
    }
    for (key, value) in object {
        match (key.as_str(), value) {
            ("." | "has", access) => visit_access(key, access, found),
            // A variable by itself: all of its attributes.
            ("Var", Value::String(name)) if name == "context" => found.extend(facts::read_by(&["context"])),
            _ => visit(value, found),
        }
    }
}

/// Visits `left.attr` or `left has attr`. Several attributes at once: `has requester.role`.
fn visit_access(operator: &str, access: &Value, found: &mut BTreeSet<UnknownFact>) {
    let one = access.get("attr").and_then(Value::as_str);
    let several = access.get("attr").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let attributes: Vec<&str> = one.into_iter().chain(several).collect();
    match access.get("left").and_then(path) {
        Some(mut path) => {
            path.extend(&attributes);
            found.extend(if operator == "has" { facts::tested_by(&path) } else { facts::read_by(&path) });
        }
        None => {
            visit(access.get("left").unwrap_or(&Value::Null), found);
            attributes.iter().for_each(|attribute| found.extend(facts::named(attribute)));
        }
    }
}

/// Returns the path of a plain chain of attributes, such as `context.endpoint.region`.
fn path(json: &Value) -> Option<Vec<&str>> {
    if let Some(name) = json.get("Var").and_then(Value::as_str) {
        return Some(vec![name]);
    }
    let access = json.get(".")?;
    let mut path = path(access.get("left")?)?;
    path.push(access.get("attr")?.as_str()?);
    Some(path)
}

/// Returns a policy as a permit in which every condition about an unknown fact holds.
fn relaxed(mut policy: Value, unknown: &BTreeSet<UnknownFact>) -> Value {
    let Some(object) = policy.as_object_mut() else { return policy };
    object.insert("effect".to_owned(), json!("permit"));
    if object.get("principal").is_some_and(|scope| !needs(scope).is_disjoint(unknown)) {
        object.insert("principal".to_owned(), json!({"op": "All"}));
    }
    let conditions = object.remove("conditions").and_then(|conditions| conditions.as_array().cloned()).unwrap_or_default();
    let kept: Vec<Value> = conditions.into_iter().filter_map(|condition| relaxed_condition(condition, unknown)).collect();
    object.insert("conditions".to_owned(), Value::Array(kept));
    policy
}

fn relaxed_condition(condition: Value, unknown: &BTreeSet<UnknownFact>) -> Option<Value> {
    if needs(&condition).is_disjoint(unknown) {
        return Some(condition);
    }
    if condition.get("kind").and_then(Value::as_str) != Some("when") {
        return None;
    }
    let independent = conjuncts(condition.get("body")?).into_iter().filter(|part| needs(part).is_disjoint(unknown)).cloned();
    let body = independent.reduce(|left, right| json!({"&&": {"left": left, "right": right}}))?;
    Some(json!({"kind": "when", "body": body}))
}

/// Returns the parts that must all hold, in the order in which Cedar evaluates them.
pub(super) fn conjuncts(body: &Value) -> Vec<&Value> {
    match body.get("&&") {
        Some(both) => ["left", "right"].iter().filter_map(|side| both.get(*side)).flat_map(conjuncts).collect(),
        None => vec![body],
    }
}
