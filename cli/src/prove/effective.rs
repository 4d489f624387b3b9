//! What a set really allows of one action, as one set: where the other action is allowed too nothing is done, and where a
//! fact is not known nothing that could rest on it.

use std::collections::BTreeSet;

use cedar_policy::{Policy as CedarPolicy, PolicyId, PolicySet};
use serde_json::{Value, json};
use warden::policy::{OpenFact, Policy};

/// What the schema allows to be said and no request ever says: a count is never negative, and an account's connections are
/// among all of them.
const NO_SUCH_REQUEST: &str = "forbid(principal, action, resource)
    when { context.connections.ofAccount < 0 || context.connections.ofService < context.connections.ofAccount };";

/// What a set allows of `action`, while these facts are not known. Nothing, where a policy cannot be put into these terms.
pub(super) fn effective(policy: &Policy, action: &str, unknown: &BTreeSet<OpenFact>) -> Option<PolicySet> {
    let (sure, loose) = policy.parts(unknown)?;
    of_policies(&sure, &loose, action)
}

/// The same of some policies. `loose` are those that could match, were something known: they only ever hold back.
pub(super) fn of_policies(sure: &[CedarPolicy], loose: &[CedarPolicy], action: &str) -> Option<PolicySet> {
    let other = if action == "Accept" { "Reject" } else { "Accept" };
    let sure: Vec<Value> = sure.iter().map(CedarPolicy::to_json).collect::<Result<_, _>>().ok()?;
    let loose: Vec<Value> = loose.iter().map(CedarPolicy::to_json).collect::<Result<_, _>>().ok()?;
    // A body that asks which action it is means something else once it stands under another one.
    if sure.iter().chain(&loose).any(|policy| policy.get("conditions").is_some_and(asks_for_the_action)) {
        return None;
    }
    let is = |policy: &Value, effect: &str| policy.get("effect").and_then(Value::as_str) == Some(effect);
    let forbids_other = sure.iter().filter(|policy| is(policy, "forbid") && speaks_of(policy, other));
    let turned_down: Vec<Value> = forbids_other.map(whole_condition).collect();
    let mut all: Vec<Value> = sure.iter().filter(|policy| speaks_of(policy, action)).cloned().collect();
    for permit in sure.iter().chain(&loose).filter(|policy| is(policy, "permit") && speaks_of(policy, other)) {
        let mut forbid = held_back(permit, action);
        let conditions = forbid.get_mut("conditions")?.as_array_mut()?;
        conditions.extend(turned_down.iter().map(|body| json!({"kind": "unless", "body": body})));
        all.push(forbid);
    }
    all.extend(loose.iter().filter(|policy| is(policy, "forbid") && speaks_of(policy, action)).map(|policy| held_back(policy, action)));
    let mut policies = vec![CedarPolicy::parse(Some(PolicyId::new("no-such-request")), NO_SUCH_REQUEST).ok()?];
    for (index, json) in all.into_iter().enumerate() {
        policies.push(CedarPolicy::from_json(Some(PolicyId::new(format!("policy-{index}"))), json).ok()?);
    }
    PolicySet::from_policies(policies).ok()
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
