//! A policy set sorted by whom its policies are about, so that a request is put to those that can be about it and to no
//! others: a policy whose head names another account or group does not match, whatever its conditions say.
//!
//! Cedar decides on each shelf; the answers are put together by Cedar's own rule: any forbid beats every permit.

use std::{
    collections::{BTreeSet, HashMap},
    sync::OnceLock,
};

use cedar_policy::{ActionConstraint, Authorizer, Decision, Entities, EntityUid, PrincipalConstraint, Request};

/// The policies about one action each, by the account, group or unit in their head.
#[derive(Debug, Default)]
pub(super) struct PolicyIndex {
    index: HashMap<IndexKey, Policies>,
}

/// A shelf's policies, put into Cedar's terms when somebody first asks for them: most index are never asked for.
#[derive(Debug, Default)]
struct Policies {
    all: Vec<cedar_policy::Policy>,
    set: OnceLock<cedar_policy::PolicySet>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct IndexKey {
    /// `Accept` or `Reject`.
    action: &'static str,
    /// Nothing: about everybody.
    principal: Option<EntityUid>,
}

/// What Cedar says.
#[derive(Debug, Default)]
pub(super) struct Response {
    pub(super) allowed: bool,
    /// The policies that determine it.
    pub(super) reasons: BTreeSet<String>,
    pub(super) errors: Vec<super::EvaluationError>,
}

impl PolicyIndex {
    /// Of the policies of one set, of which no two have the same id.
    pub(super) fn of<'a>(policies: impl Iterator<Item = &'a cedar_policy::Policy>) -> Self {
        let mut index: HashMap<IndexKey, Policies> = HashMap::new();
        for policy in policies {
            for action in ["Accept", "Reject"].into_iter().filter(|action| is_about(policy, action)) {
                let shelf = IndexKey { action, principal: principal(policy) };
                index.entry(shelf).or_default().all.push(policy.clone());
            }
        }
        Self { index }
    }

    /// What the policies say of a request. The action must be the request's.
    pub(super) fn ask(&self, action: &'static str, request: &Request, entities: &Entities) -> Response {
        let principal = request.principal().cloned();
        let above = principal.iter().flat_map(|principal| entities.ancestors(principal).into_iter().flatten().cloned());
        let about = above.chain(principal.clone()).map(Some).chain([None]);
        let (mut permits, mut forbids, mut errors) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        for set in about.filter_map(|principal| self.index.get(&IndexKey { action, principal })) {
            // Two of the same id would make it empty; a set has none such.
            let set = set.set.get_or_init(|| cedar_policy::PolicySet::from_policies(set.all.iter().cloned()).unwrap_or_default());
            let response = Authorizer::new().is_authorized(request, set, entities);
            let reasons = response.diagnostics().reason().map(ToString::to_string);
            match response.decision() {
                Decision::Allow => permits.extend(reasons),
                Decision::Deny => forbids.extend(reasons),
            }
            errors.extend(response.diagnostics().errors().map(super::rule_error));
        }
        let allowed = forbids.is_empty() && !permits.is_empty();
        Response { allowed, reasons: if allowed { permits } else { forbids }, errors }
    }
}

fn is_about(policy: &cedar_policy::Policy, action: &str) -> bool {
    let named = |uid: &EntityUid| AsRef::<str>::as_ref(uid.id()) == action;
    match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(uid) => named(&uid),
        ActionConstraint::In(uids) => uids.iter().any(named),
    }
}

/// Whom a policy's head names; nobody, where it does not, or not in this way.
fn principal(policy: &cedar_policy::Policy) -> Option<EntityUid> {
    match policy.principal_constraint() {
        PrincipalConstraint::Eq(uid) | PrincipalConstraint::In(uid) | PrincipalConstraint::IsIn(_, uid) => Some(uid),
        PrincipalConstraint::Any | PrincipalConstraint::Is(_) => None,
    }
}
