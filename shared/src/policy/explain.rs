//! Why one policy matched a request or did not: its scope and each of its conditions, asked one by one.

use std::collections::BTreeSet;

use cedar_policy::{Authorizer, Decision, Effect, Entities, PolicyId, Request};
use serde::Serialize;
use serde_json::{Value, json};

use crate::model::facts::Facts;
use crate::policy::{
    cedar_request,
    facts::{UnknownFact, unknown},
    index::evaluation_error,
    judgement::MissingFact,
    residual::{conjuncts, needs},
    set::PolicySet,
};

/// One policy, held against one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyExplanation {
    /// Its `@id`.
    pub id: String,
    /// Whether it forbids.
    pub forbids: bool,
    /// Whether its head (who, what, which service) speaks of this request.
    pub in_scope: bool,
    /// What its head speaks of otherwise: `account`, `action`, `service`.
    pub elsewhere: Vec<&'static str>,
    /// Its conditions, each with what it came to. What its head asks of a fact that is not known is one of them.
    pub conditions: Vec<Condition>,
}

/// One condition of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// As the policy says it.
    pub text: String,
    /// What it came to.
    pub holds: ConditionResult,
}

/// What a condition came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConditionResult {
    /// It holds.
    Yes,
    /// It does not.
    No,
    /// An earlier condition does not hold, and without that one Cedar does not ask this one.
    NotAsked,
    /// It asks for facts that are not known.
    Open(BTreeSet<UnknownFact>),
    /// It cannot be evaluated.
    Fails(String),
}

/// One request in Cedar's terms, and what nobody can say of it.
struct Asked {
    request: Request,
    entities: Entities,
    unknown: BTreeSet<UnknownFact>,
}

impl PolicyExplanation {
    /// Whether its conditions hold, and only its head speaks of something else.
    #[must_use]
    pub fn matches_elsewhere(&self) -> bool {
        !self.in_scope && !self.conditions.is_empty() && self.conditions.iter().all(|condition| condition.holds == ConditionResult::Yes)
    }

    /// Whether it took part in the decision.
    #[must_use]
    pub fn matched(&self) -> bool {
        self.in_scope && self.conditions.iter().all(|condition| condition.holds == ConditionResult::Yes)
    }

    /// Whether it could match, were more known.
    #[must_use]
    pub fn waits(&self) -> bool {
        let open = |condition: &Condition| matches!(condition.holds, ConditionResult::Open(_));
        self.in_scope
            && self.conditions.iter().any(open)
            && self.conditions.iter().all(|one| open(one) || one.holds == ConditionResult::Yes)
    }
}

impl PolicySet {
    /// Holds every policy about an action (`Accept` or `Reject`) against one request.
    ///
    /// # Errors
    /// When EC2 left out something that every judgement needs.
    pub fn explain(&self, action: &str, facts: &Facts) -> Result<Vec<PolicyExplanation>, MissingFact> {
        let Ok((request, entities)) = cedar_request::build(action, facts, &self.groups, &self.schema)? else { return Ok(Vec::new()) };
        let asked = Asked { request, entities, unknown: unknown(facts) };
        let mut explained: Vec<PolicyExplanation> = self.set.policies().filter_map(|policy| explain(policy, &asked)).collect();
        explained.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(explained)
    }
}

fn explain(policy: &cedar_policy::Policy, asked: &Asked) -> Option<PolicyExplanation> {
    let json = policy.to_json().ok()?;
    let mut conditions: Vec<Condition> = open_head(&json, asked).into_iter().collect();
    let head_is_open = !conditions.is_empty();
    let mut guarded = false;
    for condition in json.get("conditions").and_then(Value::as_array).into_iter().flatten() {
        let kind = condition.get("kind").and_then(Value::as_str).unwrap_or("when");
        // `unless` is one condition whatever it is made of: its parts do not hold by themselves.
        let parts = if kind == "when" { conjuncts(condition.get("body")?) } else { vec![condition.get("body")?] };
        for part in parts {
            let held = held(kind, part, guarded, asked)?;
            guarded |= held.holds == ConditionResult::No;
            conditions.push(held);
        }
    }
    let mut elsewhere = Vec::new();
    for (name, part) in [("account", "principal"), ("action", "action"), ("service", "resource")] {
        if head_is_open && part == "principal" {
            continue;
        }
        if evaluate(bare(json!({part: json.get(part)?}), json!([])), asked)? != ConditionResult::Yes {
            elsewhere.push(name);
        }
    }
    let forbids = policy.effect() == Effect::Forbid;
    Some(PolicyExplanation { id: policy.id().to_string(), forbids, in_scope: elsewhere.is_empty(), elsewhere, conditions })
}

/// What a head asks of the account, where nobody can say it.
fn open_head(policy: &Value, asked: &Asked) -> Option<Condition> {
    let head = policy.get("principal")?;
    let open: BTreeSet<UnknownFact> = needs(head).intersection(&asked.unknown).copied().collect();
    let unit = || Some(format!("principal in PrivateLink::OrganizationalUnit::\"{}\"", head.pointer("/entity/id")?.as_str()?));
    (!open.is_empty()).then(|| Condition { text: unit().unwrap_or_else(|| "principal".to_owned()), holds: ConditionResult::Open(open) })
}

fn held(kind: &str, part: &Value, guarded: bool, asked: &Asked) -> Option<Condition> {
    // Alone, without the policy's head: so the condition is asked even where the head does not match.
    let alone = bare(json!({}), json!([{"kind": kind, "body": part}]));
    // Displayed, it keeps the author's operators; `to_cedar` would show Cedar's own: `!(a < b)` for `a >= b`.
    let text = cedar_policy::Policy::from_json(None, alone.clone()).ok()?.to_string();
    let text = text.split_once('{').map_or(text.as_str(), |(_, rest)| rest).trim().trim_end_matches(';').trim_end_matches('}').trim();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = if kind == "unless" { format!("unless {text}") } else { text };
    let open: BTreeSet<UnknownFact> = needs(part).intersection(&asked.unknown).copied().collect();
    let holds = match evaluate(alone, asked)? {
        // An absent fact would pass for one that is not so.
        _ if !open.is_empty() => ConditionResult::Open(open),
        ConditionResult::Fails(_) if guarded => ConditionResult::NotAsked,
        holds => holds,
    };
    Some(Condition { text, holds })
}

/// A permit for whoever and whatever, but for what is given.
fn bare(head: Value, conditions: Value) -> Value {
    let mut policy = json!({"effect": "permit", "principal": {"op": "All"}, "action": {"op": "All"}, "resource": {"op": "All"}});
    if let (Some(policy), Value::Object(head)) = (policy.as_object_mut(), head) {
        policy.extend(head);
        policy.insert("conditions".to_owned(), conditions);
    }
    policy
}

fn evaluate(policy: Value, asked: &Asked) -> Option<ConditionResult> {
    let policy = cedar_policy::Policy::from_json(Some(PolicyId::new("asked")), policy).ok()?;
    let set = cedar_policy::PolicySet::from_policies([policy]).ok()?;
    let response = Authorizer::new().is_authorized(&asked.request, &set, &asked.entities);
    let error = response.diagnostics().errors().next().map(|error| evaluation_error(error).message);
    Some(match (error, response.decision()) {
        (Some(error), _) => ConditionResult::Fails(error),
        (None, Decision::Allow) => ConditionResult::Yes,
        (None, Decision::Deny) => ConditionResult::No,
    })
}
