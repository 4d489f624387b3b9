//! What a set really allows of one action, as one set: where the other action is allowed too nothing is done, and where a
//! fact is not known nothing that could rest on it.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{ActionConstraint, Policy as CedarPolicy, PolicyId, PolicySet as CedarPolicySet};
use serde_json::{Value, json};
use warden::policy::{PolicySet, UnknownFact};

use super::world::World;

/// A set, while some facts are not known: the rules that do not ask for them, and looser copies of those that do. These
/// only ever hold back.
#[derive(Clone)]
pub(super) struct Parts {
    sure: BTreeMap<String, Value>,
    loose: BTreeMap<String, Value>,
    /// The rules that ask for the organization. While there is one, nobody is let in of whom the organization is not known:
    /// the account may be on its way to be shut down.
    of_organization: BTreeSet<String>,
    organization_unknown: bool,
}

impl Parts {
    /// Nothing, where a rule cannot be put into these terms.
    pub(super) fn of(policy: &PolicySet, unknown: &BTreeSet<UnknownFact>) -> Option<Self> {
        let (sure, loose) = policy.parts(unknown)?;
        let json = |rules: Vec<CedarPolicy>| {
            let each = rules.iter().map(|rule| Some((AsRef::<str>::as_ref(rule.id()).to_owned(), rule.to_json().ok()?)));
            each.collect::<Option<BTreeMap<_, _>>>()
        };
        let (_, of_organization) = policy.parts(&[UnknownFact::Organization].into())?;
        let parts = Self {
            sure: json(sure)?,
            loose: json(loose)?,
            of_organization: of_organization.iter().map(|rule| AsRef::<str>::as_ref(rule.id()).to_owned()).collect(),
            organization_unknown: unknown.contains(&UnknownFact::Organization),
        };
        // A body that asks which action it is means something else once it stands under another one.
        let asks = |rule: &Value| rule.get("conditions").is_some_and(asks_for_the_action);
        (!parts.sure.values().chain(parts.loose.values()).any(asks)).then_some(parts)
    }

    /// The same without some rules.
    pub(super) fn without(&self, ids: &[&str]) -> Self {
        let mut parts = self.clone();
        for rules in [&mut parts.sure, &mut parts.loose] {
            rules.retain(|id, _| !ids.contains(&id.as_str()));
        }
        parts.of_organization.retain(|id| !ids.contains(&id.as_str()));
        parts
    }

    /// The same with some groups under other names.
    pub(super) fn renamed(mut self, names: &BTreeMap<String, String>) -> Self {
        self.sure.values_mut().chain(self.loose.values_mut()).for_each(|rule| rename(rule, names));
        self
    }

    /// Whether this is a permit of the action that does not wait for anything.
    pub(super) fn opens(&self, id: &str, action: &str) -> bool {
        !self.waits_for_organization(action) && self.sure.get(id).is_some_and(|rule| is(rule, "permit") && speaks_of(rule, action))
    }

    fn waits_for_organization(&self, action: &str) -> bool {
        action == "Accept" && self.organization_unknown && !self.of_organization.is_empty()
    }

    /// What it allows of `action` in that world; by `only` this permit, if one is given.
    pub(super) fn allow(&self, action: &str, only: Option<&str>, world: &CedarPolicy) -> Option<CedarPolicySet> {
        let other = if action == "Accept" { "Reject" } else { "Accept" };
        let counts = |id: &str, rule: &Value| is(rule, "forbid") || only.is_none_or(|only| only == id);
        let own = self.sure.iter().filter(|(id, rule)| speaks_of(rule, action) && counts(id, rule)).map(|(_, rule)| rule.clone());
        let forbids_other = self.sure.values().filter(|rule| is(rule, "forbid") && speaks_of(rule, other));
        let turned_down: Vec<Value> = forbids_other.map(whole_condition).collect();
        let mut all: Vec<Value> = own.collect();
        for permit in self.sure.values().chain(self.loose.values()).filter(|rule| is(rule, "permit") && speaks_of(rule, other)) {
            let mut forbid = held_back(permit, action);
            let conditions = forbid.get_mut("conditions")?.as_array_mut()?;
            conditions.extend(turned_down.iter().map(|body| json!({"kind": "unless", "body": body})));
            all.push(forbid);
        }
        let waits = self.loose.values().filter(|rule| is(rule, "forbid") && speaks_of(rule, action));
        all.extend(waits.map(|rule| held_back(rule, action)));
        if self.waits_for_organization(action) {
            all.push(held_back(&json!({"principal": {"op": "All"}, "resource": {"op": "All"}, "conditions": []}), action));
        }
        let mut rules = vec![world.clone()];
        for (index, json) in all.into_iter().enumerate() {
            rules.push(CedarPolicy::from_json(Some(PolicyId::new(format!("policy-{index}"))), json).ok()?);
        }
        CedarPolicySet::from_policies(rules).ok()
    }
}

/// What a set allows of `action` in a world, while these facts are not known. Nothing, where that cannot be said.
pub(super) fn effective(parts: &Parts, action: &str, unknown: &BTreeSet<UnknownFact>, world: &World) -> Option<CedarPolicySet> {
    parts.allow(action, None, &world.nothing_else(unknown, action)?)
}

/// Whether a rule speaks of this action and of no other.
pub(super) fn is_only_about(rule: &CedarPolicy, action: &str) -> bool {
    matches!(rule.action_constraint(), ActionConstraint::Eq(uid) if AsRef::<str>::as_ref(uid.id()) == action)
}

fn is(rule: &Value, effect: &str) -> bool {
    rule.get("effect").and_then(Value::as_str) == Some(effect)
}

fn rename(json: &mut Value, names: &BTreeMap<String, String>) {
    match json {
        Value::Object(object) => {
            if object.get("type").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("AccountGroup"))
                && let Some(id) = object.get_mut("id")
                && let Some(name) = id.as_str().and_then(|id| names.get(id))
            {
                *id = json!(name);
            }
            object.values_mut().for_each(|value| rename(value, names));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A policy as a `forbid` of an action.
fn held_back(policy: &Value, action: &str) -> Value {
    let mut forbid = policy.clone();
    if let Some(object) = forbid.as_object_mut() {
        object.insert("effect".to_owned(), json!("forbid"));
        object.insert("action".to_owned(), json!({"op": "==", "entity": {"type": "PrivateLink::Action", "id": action}}));
        object.entry("conditions").or_insert_with(|| json!([]));
    }
    forbid
}

fn asks_for_the_action(json: &Value) -> bool {
    match json {
        Value::Object(object) => object.get("Var").and_then(Value::as_str) == Some("action") || object.values().any(asks_for_the_action),
        Value::Array(items) => items.iter().any(asks_for_the_action),
        _ => false,
    }
}

/// Whether a policy speaks of an action.
fn speaks_of(policy: &Value, action: &str) -> bool {
    let is_it = |entity: &Value| entity.get("id").and_then(Value::as_str) == Some(action);
    let Some(head) = policy.get("action") else { return true };
    match (head.get("op").and_then(Value::as_str), head.get("entity"), head.get("entities").and_then(Value::as_array)) {
        (Some("All") | None, _, _) => true,
        (_, Some(entity), _) => is_it(entity),
        (_, None, Some(entities)) => entities.iter().any(is_it),
        (_, None, None) => true,
    }
}

/// A policy's head and conditions as one expression.
fn whole_condition(policy: &Value) -> Value {
    let mut parts: Vec<Value> = ["principal", "resource"].iter().filter_map(|who| head_condition(who, policy.get(*who)?)).collect();
    for condition in policy.get("conditions").and_then(Value::as_array).into_iter().flatten() {
        let body = condition.get("body").cloned().unwrap_or_else(|| json!({"Value": true}));
        parts.push(if condition.get("kind").and_then(Value::as_str) == Some("unless") { json!({"!": {"arg": body}}) } else { body });
    }
    parts.into_iter().reduce(|left, right| json!({"&&": {"left": left, "right": right}})).unwrap_or_else(|| json!({"Value": true}))
}

fn head_condition(who: &str, head: &Value) -> Option<Value> {
    let variable = json!({ "Var": who });
    let entity = |entity: &Value| json!({"Value": {"__entity": entity}});
    match head.get("op").and_then(Value::as_str)? {
        op @ ("==" | "in") => Some(json!({op: {"left": variable, "right": entity(head.get("entity")?)}})),
        "is" => {
            let mut test = json!({"left": variable, "entity_type": head.get("entity_type")?});
            if let (Some(within), Some(test)) = (head.get("in").and_then(|within| within.get("entity")), test.as_object_mut()) {
                test.insert("in".to_owned(), entity(within));
            }
            Some(json!({ "is": test }))
        }
        _ => None,
    }
}
