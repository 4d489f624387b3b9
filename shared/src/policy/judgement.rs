//! The answers of a policy set to one request, as records keep them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::policy::{facts::UnknownFact, names::PolicyId};

/// The answers to both questions about one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// The answer for the action `Accept`.
    pub accept: Answer,
    /// The answer for the action `Reject`.
    pub reject: Answer,
    /// The account's state in the organization if it is not `ACTIVE`. Such an account is never accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inactive: Option<String>,
}

/// Cedar's answer for one action.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// True if a `permit` matched and no `forbid` did.
    pub allowed: bool,
    /// The determining policies, sorted by id: the permits, or the forbids that override them.
    #[serde(alias = "rules")]
    pub policies: Vec<PolicyInfo>,
    /// The policies that failed to evaluate. An answer with errors must not be acted on.
    pub errors: Vec<EvaluationError>,
    /// The policies that could change the answer if a fact were known. An answer with any must not be acted on.
    #[serde(default, skip_serializing_if = "Vec::is_empty", alias = "open")]
    pub residual: Vec<ResidualPolicy>,
}

/// A determining policy, with its annotations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyInfo {
    /// `@id`.
    pub id: PolicyId,
    /// `@reason`: the reason for the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// `@advice`: the advice to a requester that the policy does not accept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// `@owner`: the person or team to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// A policy that failed to evaluate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvaluationError {
    /// The policy; absent if Cedar refused the request itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<PolicyId>,
    /// Cedar's message.
    pub message: String,
}

/// A policy that could change an answer if a fact were known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResidualPolicy {
    /// `@id`.
    pub id: PolicyId,
    /// The unknown facts that it reads.
    pub needs: BTreeSet<UnknownFact>,
}

/// A fact that every judgement needs and that EC2 did not state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum MissingFact {
    /// The account that owns the endpoint or attachment.
    #[error("EC2 did not state the account that requests the connection")]
    Owner,
    /// The time at which the endpoint or attachment was created.
    #[error("EC2 did not state when the connection was requested")]
    CreationTime,
}

impl Judgement {
    /// Returns the determining policies of both answers.
    pub fn policies(&self) -> impl Iterator<Item = &PolicyInfo> {
        self.accept.policies.iter().chain(&self.reject.policies)
    }

    /// Returns the evaluation errors of both answers.
    pub fn errors(&self) -> impl Iterator<Item = &EvaluationError> {
        self.accept.errors.iter().chain(&self.reject.errors)
    }

    /// Returns the residual policies of both answers.
    pub fn residual(&self) -> impl Iterator<Item = &ResidualPolicy> {
        self.accept.residual.iter().chain(&self.reject.residual)
    }
}
