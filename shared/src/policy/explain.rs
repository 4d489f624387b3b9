//! Why one policy matched a request or did not: its scope and each of its conditions, asked one by one.

use cedar_policy::{Authorizer, Decision, Effect, Entities, PolicyId, PolicySet, Request};
use serde::Serialize;
use serde_json::{Value, json};

use super::{MissingFact, Policy, open::conjuncts, request};
use crate::facts::Facts;

/// One policy, held against one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// Its `@id`.
    pub id: String,
    /// Whether it forbids.
    pub forbids: bool,
    /// Whether its head (who, what, which service) speaks of this request.
    pub in_scope: bool,
    /// Its conditions, each with what it came to.
    pub conditions: Vec<Condition>,
}

/// One condition of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// As the policy says it.
    pub text: String,
    /// What it came to.
    pub holds: Holds,
}

/// What a condition came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holds {
    /// It holds.
    Yes,
    /// It does not.
    No,
    /// It cannot be evaluated.
    Fails(String),
}

impl Explained {
    /// Whether its conditions hold, and only its head speaks of something else.
    #[must_use]
    pub fn matches_elsewhere(&self) -> bool {
        !self.in_scope && !self.conditions.is_empty() && self.conditions.iter().all(|condition| condition.holds == Holds::Yes)
    }

    /// Whether it took part in the decision.
    #[must_use]
    pub fn matched(&self) -> bool {
        self.in_scope && self.conditions.iter().all(|condition| condition.holds == Holds::Yes)
    }
}

impl Policy {
    /// Holds every policy about an action (`Accept` or `Reject`) against one request.
    ///
    /// # Errors
    /// When EC2 left out something that every judgement needs.
    pub fn explain(&self, action: &str, facts: &Facts) -> Result<Vec<Explained>, MissingFact> {
        let Ok((request, entities)) = request::build(action, facts, &self.groups, &self.schema)? else { return Ok(Vec::new()) };
        let mut explained: Vec<Explained> = self.set.policies().filter_map(|policy| explain(policy, &request, &entities)).collect();
        explained.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(explained)
    }
}

fn explain(policy: &cedar_policy::Policy, request: &Request, entities: &Entities) -> Option<Explained> {
    let json = policy.to_json().ok()?;
    let mut conditions = Vec::new();
    for condition in json.get("conditions").and_then(Value::as_array).into_iter().flatten() {
        let kind = condition.get("kind").and_then(Value::as_str).unwrap_or("when");
        // `unless` is one condition whatever it is made of: its parts do not hold by themselves.
        let parts = if kind == "when" { conjuncts(condition.get("body")?) } else { vec![condition.get("body")?] };
        conditions.extend(parts.into_iter().filter_map(|part| held(kind, part, request, entities)));
    }
    let in_scope = matches!(evaluate(with_conditions(&json, json!([])), request, entities)?, Holds::Yes);
    Some(Explained { id: policy.id().to_string(), forbids: policy.effect() == Effect::Forbid, in_scope, conditions })
}

fn held(kind: &str, part: &Value, request: &Request, entities: &Entities) -> Option<Condition> {
    let conditions = json!([{"kind": kind, "body": part}]);
    // Alone, without the policy's head: so the condition is asked even where the head does not match.
    let alone = json!({"effect": "permit", "principal": {"op": "All"}, "action": {"op": "All"}, "resource": {"op": "All"}, "conditions": conditions});
    let text = cedar_policy::Policy::from_json(None, alone.clone()).ok()?.to_cedar()?;
    let text = text.split_once('{').map_or(text.as_str(), |(_, rest)| rest).trim().trim_end_matches(';').trim_end_matches('}').trim();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = if kind == "unless" { format!("unless {text}") } else { text };
    Some(Condition { text, holds: evaluate(alone, request, entities)? })
}

fn with_conditions(policy: &Value, conditions: Value) -> Value {
    let mut policy = policy.clone();
    if let Some(object) = policy.as_object_mut() {
        object.insert("conditions".to_owned(), conditions);
        object.insert("effect".to_owned(), json!("permit"));
    }
    policy
}

fn evaluate(policy: Value, request: &Request, entities: &Entities) -> Option<Holds> {
    let policy = cedar_policy::Policy::from_json(Some(PolicyId::new("asked")), policy).ok()?;
    let set = PolicySet::from_policies([policy]).ok()?;
    let response = Authorizer::new().is_authorized(request, &set, entities);
    let error = response.diagnostics().errors().next().map(|error| super::rule_error(error).message);
    Some(match (error, response.decision()) {
        (Some(error), _) => Holds::Fails(error),
        (None, Decision::Allow) => Holds::Yes,
        (None, Decision::Deny) => Holds::No,
    })
}
