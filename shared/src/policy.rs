//! The allow policy: Cedar policies over the facts of one request. The one place where a request is judged.
//!
//! Cedar's authorizer skips a policy that errors, so an erroring `forbid` vanishes and a `permit` wins. The errors are
//! therefore part of every [`Answer`], and [`decide`](crate::decision::decide) acts on no answer that has any.

#[cfg(feature = "reach")]
pub mod explain;
pub mod folder;
mod groups;
mod load;
#[cfg(feature = "reach")]
pub mod reach;
mod request;

use std::collections::BTreeMap;

use cedar_policy::{Authorizer, Decision, PolicySet, Response, Schema};
use serde::{Deserialize, Serialize};

pub use groups::Groups;
pub use load::{PolicyErrors, PolicyFile, Problem};

use crate::facts::Facts;

/// The schema that policies are written against and checked with.
pub const SCHEMA: &str = include_str!("schema.cedarschema");

/// A policy set that parsed, passed validation and has something to say.
#[derive(Debug)]
pub struct Policy {
    set: PolicySet,
    schema: Schema,
    notes: BTreeMap<String, Rule>,
    groups: Groups,
    digest: String,
}

/// A policy that took part in an answer, with what its author wrote about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// `@id`, unique in the set.
    pub id: String,
    /// `@reason`: why the rule exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// `@advice`: what somebody it turns away can do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// `@owner`: whom to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// What the policy says about one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// May it be accepted?
    pub accept: Answer,
    /// May it be rejected?
    pub reject: Answer,
}

/// Whether an action is allowed, and by what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Some `permit` matched and no `forbid` did.
    pub allowed: bool,
    /// The policies that determined it: the permits, or the forbids that beat them. Sorted by id.
    pub rules: Vec<Rule>,
    /// Policies that could not be evaluated. With any of these the answer must not be acted on.
    pub errors: Vec<RuleError>,
}

/// A policy that failed on these facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleError {
    /// The `@id` of the policy, or empty where the request itself could not be put to Cedar.
    pub id: String,
    /// Cedar's words.
    pub message: String,
}

/// A fact without which nothing can be judged, and which EC2 did not give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum MissingFact {
    /// The owner of the endpoint.
    #[error("EC2 did not name the account that owns the endpoint")]
    Owner,
    /// When the endpoint was created.
    #[error("EC2 did not say when the endpoint was created")]
    CreationTime,
}

impl Policy {
    /// Parses, validates and takes in a policy set, or names every problem in it.
    ///
    /// # Errors
    /// When a text does not parse or does not pass the schema, a policy lacks a unique `@id`, the set is empty,
    /// `groups.json` is malformed, or a policy mentions a group that is not there.
    pub fn load(files: &[PolicyFile], groups: Option<&PolicyFile>) -> Result<Self, PolicyErrors> {
        load::load(files, groups)
    }

    /// Judges one request. Pure: the same facts under the same policy give the same judgement.
    ///
    /// # Errors
    /// When EC2 left out something that every judgement needs.
    pub fn judge(&self, facts: &Facts) -> Result<Judgement, MissingFact> {
        Ok(Judgement { accept: self.ask("Accept", facts)?, reject: self.ask("Reject", facts)? })
    }

    /// SHA-256 over the texts and groups, in hexadecimal: names the policy set in every record.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Whether any policy asks for the role behind a request, which only an event can prove.
    #[must_use]
    pub fn asks_for_role(&self) -> bool {
        self.set.policies().any(|policy| policy.to_cedar().is_some_and(|text| text.contains("requester")))
    }

    /// The number of policies in the set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.notes.len()
    }

    /// Never true: an empty set does not load.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.notes.is_empty()
    }

    fn ask(&self, action: &str, facts: &Facts) -> Result<Answer, MissingFact> {
        let asked = request::build(action, facts, &self.groups, &self.schema)?;
        Ok(match asked {
            Ok((request, entities)) => self.answer(&Authorizer::new().is_authorized(&request, &self.set, &entities)),
            Err(message) => Answer { errors: vec![RuleError { id: String::new(), message }], ..Answer::default() },
        })
    }

    fn answer(&self, response: &Response) -> Answer {
        let named = |id: &cedar_policy::PolicyId| self.notes.get(AsRef::<str>::as_ref(id)).cloned();
        let mut rules: Vec<Rule> = response.diagnostics().reason().filter_map(named).collect();
        rules.sort_by(|a, b| a.id.cmp(&b.id));
        let mut errors: Vec<RuleError> = response.diagnostics().errors().map(rule_error).collect();
        errors.sort_by(|a, b| a.id.cmp(&b.id));
        Answer { allowed: response.decision() == Decision::Allow, rules, errors }
    }
}

fn rule_error(error: &cedar_policy::AuthorizationError) -> RuleError {
    let cedar_policy::AuthorizationError::PolicyEvaluationError(inner) = error;
    RuleError { id: inner.policy_id().to_string(), message: inner.inner().to_string() }
}
