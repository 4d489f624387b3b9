//! What a set really accepts, as one set about the action `Accept`: where `Reject` is allowed too, nothing is accepted.

use cedar_policy::{Effect, Policy as CedarPolicy, PolicyId, PolicySet};
use serde_json::{Value, json};
use warden::policy::Policy;

/// The set's policies about `Accept`, and a `forbid` for each permit to reject that no forbid turns down.
pub(super) fn accepting(policy: &Policy) -> Option<PolicySet> {
    let (set, _) = policy.cedar();
    let rejecting = |effect: Effect| {
        set.policies()
            .filter(move |policy| policy.effect() == effect)
            .filter_map(|policy| policy.to_json().ok())
            .filter(|json| speaks_of(json, "Reject"))
    };
    let turned_down: Vec<Value> = rejecting(Effect::Forbid).map(|json| whole_condition(&json)).collect();
    let mut all: Vec<CedarPolicy> = set.policies().cloned().collect();
    for (index, mut json) in rejecting(Effect::Permit).enumerate() {
        let object = json.as_object_mut()?;
        object.insert("effect".to_owned(), json!("forbid"));
        object.insert("action".to_owned(), json!({"op": "==", "entity": accept()}));
        let conditions = object.entry("conditions").or_insert_with(|| json!([])).as_array_mut()?;
        conditions.extend(turned_down.iter().map(|body| json!({"kind": "unless", "body": body})));
        all.push(CedarPolicy::from_json(Some(PolicyId::new(format!("rejected-{index}"))), json).ok()?);
    }
    all.push(CedarPolicy::parse(Some(PolicyId::new("no-such-request")), NO_SUCH_REQUEST).ok()?);
    PolicySet::from_policies(all).ok()
}

/// What the schema allows to be said and no request ever says.
const NO_SUCH_REQUEST: &str = r#"forbid(principal, action == PrivateLink::Action::"Accept", resource) when {
    context.connections.ofAccount < 0 || context.connections.ofService < context.connections.ofAccount
    || context.connections.ofService > 1000000
    || context.now < datetime("2020-01-01") || context.requestedAt > context.now || context.requestedAt < datetime("2020-01-01")
};"#;

fn accept() -> Value {
    json!({"type": "PrivateLink::Action", "id": "Accept"})
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
