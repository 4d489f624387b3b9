//! A loaded policy set.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

use cedar_policy::{Entities, PolicySet as CedarPolicySet, Request, Schema};

use crate::{
    model::{facts::Facts, organization::Membership},
    policy::{
        cedar_request::{self, Parts},
        facts::{UnknownFact, unknown},
        groups::Groups,
        index::{PolicyIndex, Response},
        judgement::{Answer, EvaluationError, Judgement, MissingFact, PolicyInfo, ResidualPolicy},
        kinds::Kinds,
        names::PolicyId,
        residual::ResidualPolicies,
    },
};

/// A policy set that parsed, passed validation and has at least one policy.
#[derive(Debug)]
pub struct PolicySet {
    pub(super) set: CedarPolicySet,
    pub(super) index: PolicyIndex,
    pub(super) schema: Schema,
    pub(super) policies: BTreeMap<PolicyId, PolicyInfo>,
    pub(super) residuals: ResidualPolicies,
    pub(super) groups: Groups,
    pub(super) digest: String,
    /// Made at first use.
    pub(super) kinds: OnceLock<Kinds>,
}

impl PolicySet {
    /// Judges one request. Pure: the same facts under the same set give the same judgement.
    ///
    /// # Errors
    /// EC2 did not state a fact that every judgement needs.
    pub fn judge(&self, facts: &Facts) -> Result<Judgement, MissingFact> {
        let parts = cedar_request::build(facts, &self.groups, &self.schema)?;
        let mut accept = self.answer("Accept", facts, &parts);
        if accept.allowed && self.reads_organization() && !facts.membership.is_known() {
            // An account that is being closed is never accepted, so every permit depends on its state.
            let needs = BTreeSet::from([UnknownFact::Organization]);
            accept.residual.extend(accept.policies.iter().map(|policy| ResidualPolicy { id: policy.id.clone(), needs: needs.clone() }));
        }
        let inactive = facts.membership.inactive().map(str::to_owned);
        Ok(Judgement { accept, reject: self.answer("Reject", facts, &parts), inactive })
    }

    /// Returns the SHA-256 of the policies and groups, in hexadecimal. Records name the policy set by it.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Returns true if any policy reads the role behind a request, which only an event can prove.
    #[must_use]
    pub fn reads_role(&self) -> bool {
        self.residuals.read(UnknownFact::Requester)
    }

    /// Returns true if any policy reads a fact from AWS Organizations.
    #[must_use]
    pub fn reads_organization(&self) -> bool {
        self.residuals.read(UnknownFact::Organization)
    }

    /// Returns true if AWS Organizations was not asked yet and its answer could settle what is unknown. Any unknown fact
    /// counts: a `forbid` about a unit also settles a permit about a role.
    #[must_use]
    pub fn needs_organization(&self, facts: &Facts) -> bool {
        facts.membership == Membership::NotAsked
            && self.reads_organization()
            && self.judge(facts).is_ok_and(|judgement| judgement.residual().next().is_some())
    }

    /// Returns the number of policies.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "an empty set does not load")]
    pub fn len(&self) -> usize {
        self.policies.len()
    }

    fn answer(&self, action: &'static str, facts: &Facts, parts: &Result<Parts, String>) -> Answer {
        let parts = parts.as_ref().map_err(String::clone);
        match parts.and_then(|parts| Ok((parts.request(action, &self.schema)?, &parts.entities))) {
            Ok((request, entities)) => self.evaluate(action, &unknown(facts), &request, entities),
            Err(message) => Answer { errors: vec![EvaluationError { id: None, message }], ..Answer::default() },
        }
    }

    /// Evaluates the policies that read no unknown fact, and finds those of the others that could change the answer.
    fn evaluate(&self, action: &'static str, unknown: &BTreeSet<UnknownFact>, request: &Request, entities: &Entities) -> Answer {
        let partition = self.residuals.partition(&self.set, unknown);
        let index = partition.as_ref().map_or(&self.index, |partition| &partition.independent);
        let Response { allowed, determining, mut errors } = index.evaluate(action, request, entities);
        errors.sort_by(|a, b| a.id.cmp(&b.id));
        let forbidden = !allowed && !determining.is_empty();
        let residual = partition.filter(|_| !forbidden).map(|partition| {
            let relaxed = partition.relaxed.evaluate(action, request, entities);
            let failed = relaxed.errors.into_iter().filter_map(|error| error.id).map(String::from);
            let could_match = relaxed.determining.into_iter().chain(failed).chain(partition.opaque.iter().cloned()).collect();
            self.residuals.decisive(unknown, &could_match, allowed)
        });
        let policies = determining.iter().filter_map(|id| self.policies.get(id.as_str()).cloned()).collect();
        Answer { allowed, policies, errors, residual: residual.unwrap_or_default() }
    }
}
