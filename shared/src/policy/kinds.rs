//! A policy set as it is for endpoints, and as it is for attachments, while everything else about a request is unknown.

use cedar_policy::{Policy, PolicySet as CedarPolicySet};
use serde_json::{Value, json};

use crate::{
    model::subject::SubjectKind,
    policy::{facts::UnknownFact, residual::ResidualPolicies},
};

/// A policy set by kind.
#[derive(Debug)]
pub(super) struct Kinds {
    /// In the order of [`SubjectKind::ALL`]. `None` if Cedar does not write a policy that may read the kind.
    sets: [Option<KindSets>; 2],
    name_attachments: bool,
}

/// The set for one kind.
#[derive(Debug)]
pub(super) struct KindSets {
    pub(super) whole: CedarPolicySet,
    /// The permits that read the organization, relaxed: it is not known here, nor which units lie in which.
    pub(super) reads_organization: CedarPolicySet,
}

impl Kinds {
    pub(super) fn of(set: &CedarPolicySet, residuals: &ResidualPolicies) -> Self {
        let relaxed = residuals.relaxed_permits(UnknownFact::Organization);
        let sets = |kind| Some(KindSets { whole: of_kind(set, kind)?, reads_organization: of_kind(&relaxed, kind)? });
        let name_attachments = set.policies().any(|policy| policy.to_string().contains(SubjectKind::Attachment.as_str()));
        Self { sets: SubjectKind::ALL.map(sets), name_attachments }
    }

    pub(super) fn sets(&self, kind: SubjectKind) -> Option<&KindSets> {
        let [endpoint, attachment] = &self.sets;
        match kind {
            SubjectKind::Endpoint => endpoint.as_ref(),
            SubjectKind::Attachment => attachment.as_ref(),
        }
    }

    /// Returns true if any policy names the kind of attachments.
    pub(super) fn name_attachments(&self) -> bool {
        self.name_attachments
    }
}

/// Returns a set with the values that `context.kind` and `context has attachment` have for a kind.
fn of_kind(set: &CedarPolicySet, kind: SubjectKind) -> Option<CedarPolicySet> {
    let policies = set.policies().map(|policy| {
        let text = policy.to_string();
        // A backslash may spell any name.
        if !["kind", "attachment", "\\"].iter().any(|name| text.contains(name)) {
            return Some(policy.clone());
        }
        let mut json = policy.to_json().ok()?;
        substitute(&mut json, kind);
        Policy::from_json(Some(policy.id().clone()), json).ok()
    });
    CedarPolicySet::from_policies(policies.collect::<Option<Vec<_>>>()?).ok()
}

fn substitute(json: &mut Value, kind: SubjectKind) {
    let reads = |operator: &str, attribute: &str, json: &Value| {
        json.get(operator).is_some_and(|access| {
            let of_context = access.pointer("/left/Var").and_then(Value::as_str) == Some("context");
            of_context && access.get("attr").and_then(Value::as_str) == Some(attribute)
        })
    };
    if reads(".", "kind", json) {
        *json = json!({"Value": kind.as_str()});
    } else if reads("has", "attachment", json) {
        *json = json!({"Value": kind == SubjectKind::Attachment});
    } else if let Value::Object(object) = json {
        object.values_mut().for_each(|value| substitute(value, kind));
    } else if let Value::Array(items) = json {
        items.iter_mut().for_each(|item| substitute(item, kind));
    }
}
