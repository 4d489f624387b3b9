//! A policy set indexed by the principals in its policies' scopes.
//!
//! A request is evaluated only by the policies whose scope can match it. Cedar decides on each part; the parts are joined
//! by Cedar's own rule: any forbid overrides every permit.

use std::{
    collections::{BTreeSet, HashMap},
    sync::OnceLock,
};

use cedar_policy::{
    ActionConstraint, AuthorizationError, Authorizer, Decision, Entities, EntityUid, Policy, PolicySet as CedarPolicySet,
    PrincipalConstraint, Request,
};

use crate::policy::judgement::EvaluationError;

/// The policies about each action, by the account, group or unit in their scope.
#[derive(Debug, Default)]
pub(super) struct PolicyIndex {
    parts: HashMap<IndexKey, Policies>,
}

/// One part. Its Cedar policy set is made at first use, because most parts are never evaluated.
#[derive(Debug, Default)]
struct Policies {
    all: Vec<Policy>,
    set: OnceLock<CedarPolicySet>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct IndexKey {
    /// `Accept` or `Reject`.
    action: &'static str,
    /// The principal in the scope; `None` if the scope matches every account.
    principal: Option<EntityUid>,
}

/// Cedar's answer.
#[derive(Debug, Default)]
pub(super) struct Response {
    pub(super) allowed: bool,
    /// The ids of the determining policies.
    pub(super) determining: BTreeSet<String>,
    pub(super) errors: Vec<EvaluationError>,
}

impl PolicyIndex {
    /// Indexes policies with distinct ids.
    pub(super) fn of<'a>(policies: impl Iterator<Item = &'a Policy>) -> Self {
        let mut parts: HashMap<IndexKey, Policies> = HashMap::new();
        for policy in policies {
            for action in ["Accept", "Reject"].into_iter().filter(|action| is_about(policy, action)) {
                let key = IndexKey { action, principal: principal(policy) };
                parts.entry(key).or_default().all.push(policy.clone());
            }
        }
        Self { parts }
    }

    /// Evaluates a request. `action` must be the request's.
    pub(super) fn evaluate(&self, action: &'static str, request: &Request, entities: &Entities) -> Response {
        let principal = request.principal().cloned();
        let ancestors = principal.iter().flat_map(|principal| entities.ancestors(principal).into_iter().flatten().cloned());
        let matching = ancestors.chain(principal.clone()).map(Some).chain([None]);
        let (mut permits, mut forbids, mut errors) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        for part in matching.filter_map(|principal| self.parts.get(&IndexKey { action, principal })) {
            // Only duplicate ids could make this fail, and a loaded set has none.
            let set = part.set.get_or_init(|| CedarPolicySet::from_policies(part.all.iter().cloned()).unwrap_or_default());
            let response = Authorizer::new().is_authorized(request, set, entities);
            let determining = response.diagnostics().reason().map(ToString::to_string);
            match response.decision() {
                Decision::Allow => permits.extend(determining),
                Decision::Deny => forbids.extend(determining),
            }
            errors.extend(response.diagnostics().errors().map(evaluation_error));
        }
        let allowed = forbids.is_empty() && !permits.is_empty();
        Response { allowed, determining: if allowed { permits } else { forbids }, errors }
    }
}

/// Converts Cedar's evaluation error to the form in records.
pub(super) fn evaluation_error(error: &AuthorizationError) -> EvaluationError {
    let AuthorizationError::PolicyEvaluationError(inner) = error;
    EvaluationError { id: Some(inner.policy_id().to_string().into()), message: inner.inner().to_string() }
}

fn is_about(policy: &Policy, action: &str) -> bool {
    let named = |uid: &EntityUid| AsRef::<str>::as_ref(uid.id()) == action;
    match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(uid) => named(&uid),
        ActionConstraint::In(uids) => uids.iter().any(named),
    }
}

/// Returns the principal that a policy's scope names.
fn principal(policy: &Policy) -> Option<EntityUid> {
    match policy.principal_constraint() {
        PrincipalConstraint::Eq(uid) | PrincipalConstraint::In(uid) | PrincipalConstraint::IsIn(_, uid) => Some(uid),
        PrincipalConstraint::Any | PrincipalConstraint::Is(_) => None,
    }
}
