//! Explains why one policy matches a request or does not: evaluates its scope and each of its conditions separately.

use std::collections::BTreeSet;

use cedar_policy::{Authorizer, Decision, Effect, Entities, Policy, PolicyId, PolicySet as CedarPolicySet, Request};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    model::facts::Facts,
    policy::{
        cedar_request,
        facts::{UnknownFact, unknown},
        index::evaluation_error,
        judgement::MissingFact,
        residual::{conjuncts, needs},
        set::PolicySet,
    },
};

/// One policy, evaluated for one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyExplanation {
    /// `@id`.
    pub id: String,
    /// True if the effect is `forbid`.
    pub forbids: bool,
    /// True if the scope matches the request.
    pub in_scope: bool,
    /// The parts of the scope that do not match: `account`, `action`, `service`.
    pub scope_mismatches: Vec<&'static str>,
    /// The conditions, each with its result. A scope that depends on an unknown fact is one of them.
    pub conditions: Vec<Condition>,
}

/// One condition of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// The condition in Cedar's text form.
    pub text: String,
    /// The result.
    pub holds: ConditionResult,
}

/// The result of a condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConditionResult {
    /// The condition holds.
    Yes,
    /// The condition does not hold.
    No,
    /// Cedar does not evaluate the condition, because an earlier one does not hold.
    NotEvaluated,
    /// The condition depends on unknown facts.
    Unknown(BTreeSet<UnknownFact>),
    /// The condition fails to evaluate.
    Fails(String),
}

/// One request in Cedar's terms.
struct Question {
    request: Request,
    entities: Entities,
    unknown: BTreeSet<UnknownFact>,
}

impl PolicyExplanation {
    /// Returns true if the conditions hold, and the scope alone does not match.
    #[must_use]
    pub fn matches_except_scope(&self) -> bool {
        !self.in_scope && !self.conditions.is_empty() && self.conditions.iter().all(|condition| condition.holds == ConditionResult::Yes)
    }

    /// Returns true if the policy matches the request.
    #[must_use]
    pub fn matched(&self) -> bool {
        self.in_scope && self.conditions.iter().all(|condition| condition.holds == ConditionResult::Yes)
    }

    /// Returns true if the policy could match if its unknown facts were known.
    #[must_use]
    pub fn could_match(&self) -> bool {
        let is_unknown = |condition: &Condition| matches!(condition.holds, ConditionResult::Unknown(_));
        self.in_scope
            && self.conditions.iter().any(is_unknown)
            && self.conditions.iter().all(|one| is_unknown(one) || one.holds == ConditionResult::Yes)
    }
}

impl PolicySet {
    /// Explains every policy for one request and one action, `Accept` or `Reject`.
    ///
    /// # Errors
    /// EC2 did not state a fact that every judgement needs.
    pub fn explain(&self, action: &str, facts: &Facts) -> Result<Vec<PolicyExplanation>, MissingFact> {
        let Ok(parts) = cedar_request::build(facts, &self.groups, &self.schema)? else { return Ok(Vec::new()) };
        let Ok(request) = parts.request(action, &self.schema) else { return Ok(Vec::new()) };
        let question = Question { request, entities: parts.entities, unknown: unknown(facts) };
        let mut explained: Vec<PolicyExplanation> = self.set.policies().filter_map(|policy| explain(policy, &question)).collect();
        explained.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(explained)
    }
}

fn explain(policy: &Policy, question: &Question) -> Option<PolicyExplanation> {
    let json = policy.to_json().ok()?;
    let mut conditions: Vec<Condition> = unknown_scope(&json, question).into_iter().collect();
    let scope_is_unknown = !conditions.is_empty();
    let mut decided = false;
    for condition in json.get("conditions").and_then(Value::as_array).into_iter().flatten() {
        let kind = condition.get("kind").and_then(Value::as_str).unwrap_or("when");
        // The parts of an `unless` do not hold separately, so it stays one condition.
        let parts = if kind == "when" { conjuncts(condition.get("body")?) } else { vec![condition.get("body")?] };
        for part in parts {
            let result = explain_condition(kind, part, decided, question)?;
            decided |= result.holds == ConditionResult::No;
            conditions.push(result);
        }
    }
    let mut scope_mismatches = Vec::new();
    for (name, part) in [("account", "principal"), ("action", "action"), ("service", "resource")] {
        if scope_is_unknown && part == "principal" {
            continue;
        }
        if evaluate(permit(json!({part: json.get(part)?}), json!([])), question)? != ConditionResult::Yes {
            scope_mismatches.push(name);
        }
    }
    let forbids = policy.effect() == Effect::Forbid;
    Some(PolicyExplanation { id: policy.id().to_string(), forbids, in_scope: scope_mismatches.is_empty(), scope_mismatches, conditions })
}

/// Returns the principal of the scope as a condition, if it depends on an unknown fact.
fn unknown_scope(policy: &Value, question: &Question) -> Option<Condition> {
    let scope = policy.get("principal")?;
    let unknown: BTreeSet<UnknownFact> = needs(scope).intersection(&question.unknown).copied().collect();
    let unit = || Some(format!("principal in PrivateLink::OrganizationalUnit::\"{}\"", scope.pointer("/entity/id")?.as_str()?));
    (!unknown.is_empty())
        .then(|| Condition { text: unit().unwrap_or_else(|| "principal".to_owned()), holds: ConditionResult::Unknown(unknown) })
}

fn explain_condition(kind: &str, part: &Value, decided: bool, question: &Question) -> Option<Condition> {
    // Without the policy's scope, so that the condition is evaluated even if the scope does not match.
    let alone = permit(json!({}), json!([{"kind": kind, "body": part}]));
    // `Display` keeps the author's operators; `to_cedar` writes `!(a < b)` for `a >= b`.
    let text = Policy::from_json(None, alone.clone()).ok()?.to_string();
    let text = text.split_once('{').map_or(text.as_str(), |(_, rest)| rest).trim().trim_end_matches(';').trim_end_matches('}').trim();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = if kind == "unless" { format!("unless {text}") } else { text };
    let unknown: BTreeSet<UnknownFact> = needs(part).intersection(&question.unknown).copied().collect();
    let holds = match evaluate(alone, question)? {
        // Cedar treats an unknown fact as absent.
        _ if !unknown.is_empty() => ConditionResult::Unknown(unknown),
        ConditionResult::Fails(_) if decided => ConditionResult::NotEvaluated,
        result => result,
    };
    Some(Condition { text, holds })
}

/// Returns a permit with parts of a scope and conditions. It matches every value of the other parts.
fn permit(scope: Value, conditions: Value) -> Value {
    let mut policy = json!({"effect": "permit", "principal": {"op": "All"}, "action": {"op": "All"}, "resource": {"op": "All"}});
    if let (Some(policy), Value::Object(scope)) = (policy.as_object_mut(), scope) {
        policy.extend(scope);
        policy.insert("conditions".to_owned(), conditions);
    }
    policy
}

fn evaluate(policy: Value, question: &Question) -> Option<ConditionResult> {
    let policy = Policy::from_json(Some(PolicyId::new("explained")), policy).ok()?;
    let set = CedarPolicySet::from_policies([policy]).ok()?;
    let response = Authorizer::new().is_authorized(&question.request, &set, &question.entities);
    let error = response.diagnostics().errors().next().map(|error| evaluation_error(error).message);
    Some(match (error, response.decision()) {
        (Some(error), _) => ConditionResult::Fails(error),
        (None, Decision::Allow) => ConditionResult::Yes,
        (None, Decision::Deny) => ConditionResult::No,
    })
}
