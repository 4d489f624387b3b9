//! The requests on which the warden acts, as a plain policy set.
//!
//! It does not act where the other action is allowed too, nor where an unknown fact could change the answer.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{ActionConstraint, Effect, EntityUid, Policy, PolicyId, PolicySet as CedarPolicySet};
use serde_json::{Value, json};
use warden::policy::{PolicySet, UnknownFact};

/// A policy set while some facts are unknown.
#[derive(Clone)]
pub(crate) struct EffectiveSet(Vec<Member>);

#[derive(Clone)]
struct Member {
    policy: Policy,
    json: Value,
    /// True for the relaxed copy of a policy that reads an unknown fact. It prevents decisions and allows none.
    is_relaxed: bool,
    /// True if the policy reads the organization, which is unknown. Then no account is accepted: it may be one that is
    /// being closed.
    needs_organization: bool,
}

impl EffectiveSet {
    /// Returns `None` if a policy cannot be expressed. Groups get new names.
    pub(crate) fn of(set: &PolicySet, unknown: &BTreeSet<UnknownFact>, names: &BTreeMap<EntityUid, EntityUid>) -> Option<Self> {
        let organization = BTreeSet::from([UnknownFact::Organization]);
        let reading = if organization.is_subset(unknown) { set.parts(&organization)?.1 } else { Vec::new() };
        let reading: BTreeSet<&PolicyId> = reading.iter().map(Policy::id).collect();
        let (independent, relaxed) = set.parts(unknown)?;
        let all = independent.into_iter().map(|policy| (policy, false)).chain(relaxed.into_iter().map(|policy| (policy, true)));
        let member = |(policy, is_relaxed): (Policy, bool)| {
            let policy = policy.sub_entity_literals(names.clone()).ok()?;
            let (json, needs_organization) = (policy.to_json().ok()?, reading.contains(policy.id()));
            // A condition on the action would change its meaning under another action.
            let reads_action = json.get("conditions").is_some_and(|conditions| conditions.to_string().contains(r#"{"Var":"action"}"#));
            (!reads_action).then_some(Member { policy, json, is_relaxed, needs_organization })
        };
        all.map(member).collect::<Option<_>>().map(Self)
    }

    pub(crate) fn without(&self, ids: &[&PolicyId]) -> Self {
        Self(self.0.iter().filter(|member| !ids.contains(&member.policy.id())).cloned().collect())
    }

    /// Returns true if the policy is a permit of the action that no unknown fact prevents.
    pub(crate) fn can_allow(&self, id: &PolicyId, action: &str) -> bool {
        !self.needs_organization(action)
            && self.policies(Effect::Permit, action).any(|permit| permit.policy.id() == id && !permit.is_relaxed)
    }

    /// The policies that allow what the warden does, under the assumptions: all permits, or `only` one.
    pub(crate) fn allow(&self, action: &str, only: Option<&PolicyId>, assumptions: &Policy) -> Option<CedarPolicySet> {
        let other = if action == "Accept" { "Reject" } else { "Accept" };
        let is_independent = |member: &&Member| !member.is_relaxed;
        let permits = self.policies(Effect::Permit, action).filter(is_independent);
        let permits = permits.filter(|permit| only.is_none_or(|only| only == permit.policy.id()));
        let mut all: Vec<Value> = permits.map(|permit| permit.json.clone()).collect();
        all.extend(self.policies(Effect::Forbid, action).map(|forbid| as_forbid(&forbid.json, action, &[])));
        let exceptions = self.policies(Effect::Forbid, other).filter(is_independent);
        let exceptions: Vec<Value> = exceptions.map(|forbid| json!({"kind": "unless", "body": expression(&forbid.json)})).collect();
        all.extend(self.policies(Effect::Permit, other).map(|permit| as_forbid(&permit.json, action, &exceptions)));
        if self.needs_organization(action) {
            all.push(as_forbid(&json!({"principal": {"op": "All"}, "resource": {"op": "All"}}), action, &[]));
        }
        let parse = |(index, json)| Policy::from_json(Some(PolicyId::new(format!("policy-{index}"))), json).ok();
        let policies: Vec<Policy> = all.into_iter().enumerate().map(parse).collect::<Option<_>>()?;
        CedarPolicySet::from_policies(policies.into_iter().chain([assumptions.clone()])).ok()
    }

    fn policies<'a>(&'a self, effect: Effect, action: &'a str) -> impl Iterator<Item = &'a Member> {
        self.0.iter().filter(move |member| member.policy.effect() == effect && concerns(&member.policy, action))
    }

    fn needs_organization(&self, action: &str) -> bool {
        action == "Accept" && self.0.iter().any(|member| member.needs_organization)
    }
}

pub(crate) fn concerns(policy: &Policy, action: &str) -> bool {
    let is = |uid: &EntityUid| AsRef::<str>::as_ref(uid.id()) == action;
    match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(uid) => is(&uid),
        ActionConstraint::In(uids) => uids.iter().any(is),
    }
}

fn as_forbid(policy: &Value, action: &str, exceptions: &[Value]) -> Value {
    let conditions: Vec<&Value> = policy["conditions"].as_array().into_iter().flatten().chain(exceptions).collect();
    let action = json!({"op": "==", "entity": {"type": "PrivateLink::Action", "id": action}});
    json!({"effect": "forbid", "principal": policy["principal"], "action": action, "resource": policy["resource"], "conditions": conditions})
}

/// The scope and the conditions of a policy as one expression.
fn expression(policy: &Value) -> Value {
    let scope = ["principal", "resource"].into_iter().filter_map(|variable| scope_expression(variable, &policy[variable]));
    let conditions = policy["conditions"].as_array().into_iter().flatten().map(|condition| match condition["kind"].as_str() {
        Some("unless") => json!({"!": {"arg": condition["body"]}}),
        _ => condition["body"].clone(),
    });
    let all = scope.chain(conditions).reduce(|left, right| json!({"&&": {"left": left, "right": right}}));
    all.unwrap_or_else(|| json!({"Value": true}))
}

fn scope_expression(variable: &str, scope: &Value) -> Option<Value> {
    let variable = json!({ "Var": variable });
    let entity = |uid: &Value| json!({"Value": {"__entity": uid}});
    match scope["op"].as_str()? {
        op @ ("==" | "in") => Some(json!({op: {"left": variable, "right": entity(&scope["entity"])}})),
        "is" => Some(match scope["in"].get("entity").map(entity) {
            Some(within) => json!({"is": {"left": variable, "entity_type": scope["entity_type"], "in": within}}),
            None => json!({"is": {"left": variable, "entity_type": scope["entity_type"]}}),
        }),
        _ => None,
    }
}
