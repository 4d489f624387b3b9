//! What holds for every request that occurs, although the schema allows more. Every proof rests on these assumptions, so
//! each names its source.

use std::collections::BTreeSet;

use cedar_policy::{EntityUid, Policy, PolicyId};
use jiff::Timestamp;
use serde_json::Value;
use warden::policy::{PolicySet, UnknownFact};

use crate::{
    groups::{Groups, joined},
    solver::Undecided,
};

/// - Counts are `u32` (`warden::model::facts::Counts`), and the connections of an account are among those of the service.
/// - `now` is the time of a clock, and at most the latest time of `jiff`, so that adding 15 minutes does not overflow.
/// - An endpoint exists before its request is judged. EC2 refuses calls if the two clocks differ by more than 15 minutes
///   (`RequestExpired`), and nothing is judged without EC2.
/// - AWS PrivateLink for endpoint services started in November 2017.
/// - A request is about an endpoint or an attachment (`warden::policy::facts`).
const ALWAYS: [&str; 8] = [
    "0 <= context.connections.ofAccount",
    "context.connections.ofAccount <= context.connections.ofService",
    "context.connections.ofService <= 4294967295",
    "datetime(\"TODAY\") <= context.now",
    "context.now < datetime(\"9999-12-31\")",
    "datetime(\"2017-11-01\") <= context.requestedAt",
    "context.requestedAt <= context.now.offset(duration(\"15m\"))",
    "(if context has attachment then context.kind == \"transit-gateway-attachment\" && context.endpoint.id == \"\" else context.kind == \"vpc-endpoint\")",
];

pub(crate) struct Assumptions {
    always: Vec<String>,
    pub(crate) groups: Groups,
    /// False if the members of the groups are not stated completely: then a counterexample may be a request that never
    /// occurs.
    is_exact: bool,
    units: BTreeSet<EntityUid>,
    read: BTreeSet<UnknownFact>,
}

impl Assumptions {
    /// The assumptions for policies of one set, which read the facts `read`.
    pub(crate) fn of(policies: &[&Policy], set: &PolicySet, read: &BTreeSet<UnknownFact>) -> Self {
        Self::with_groups(policies, Groups::of(policies, set), read)
    }

    pub(crate) fn with_groups(policies: &[&Policy], groups: Groups, read: &BTreeSet<UnknownFact>) -> Self {
        let today = Timestamp::now().strftime("%Y-%m-%d").to_string();
        let (membership, is_exact) = groups.membership();
        // A role is proved only for its own account (`warden::model::facts::Facts::requester`).
        let own = |(role, account): (&String, &EntityUid)| {
            format!("(if context has requester then context.requester.role != \"{role}\" || principal == {account} else true)")
        };
        let roles = groups.roles.iter().map(own);
        let always = ALWAYS.iter().map(|one| one.replace("TODAY", &today)).chain(roles).chain(membership).collect();
        let literals = policies.iter().flat_map(|policy| policy.entity_literals());
        let units = literals.filter(|uid| uid.type_name().basename() == "OrganizationalUnit").collect();
        Self { always, groups, is_exact, units, read: read.clone() }
    }

    /// Returns the counterexample, unless it may be a request that never occurs.
    pub(crate) fn exact<T>(&self, counterexample: Option<T>) -> Result<Option<T>, Undecided> {
        if counterexample.is_some() && !self.is_exact { Err(Undecided::INEXACT.into()) } else { Ok(counterexample) }
    }

    /// A `forbid` of every request that does not occur while the given facts are unknown and the others are known.
    pub(crate) fn forbid(&self, unknown: &BTreeSet<UnknownFact>, action: &str) -> Result<Policy, Undecided> {
        let of_facts = self.read.iter().flat_map(|fact| self.of_fact(*fact, !unknown.contains(fact), action));
        let all: Vec<String> = self.always.iter().cloned().chain(of_facts).collect();
        let text = format!("forbid(principal, action, resource) unless {{ {} }};", joined(&all, "&&"));
        Policy::parse(Some(PolicyId::new("assumptions")), text).map_err(|_| Undecided::INEXPRESSIBLE.into())
    }

    /// The policy with the assumptions before its own conditions, so that it does not fail for other requests.
    pub(crate) fn guard(&self, policy: &Policy) -> Option<Policy> {
        let text = format!("permit(principal, action, resource) when {{ {} }};", joined(&self.always, "&&"));
        let (guard, mut json) = (Policy::parse(None, text).ok()?.to_json().ok()?, policy.to_json().ok()?);
        let conditions = [&guard, &json].into_iter().flat_map(|policy| policy["conditions"].as_array().into_iter().flatten());
        let conditions = conditions.cloned().collect();
        json.as_object_mut()?.insert("conditions".to_owned(), Value::Array(conditions));
        Policy::from_json(Some(policy.id().clone()), json).ok()
    }

    /// What a known fact, or an unknown one, implies.
    ///
    /// Organizations states the status of each account whose unit or name it states. An account with another status than
    /// `ACTIVE` is never accepted (`warden::policy::evaluation`).
    fn of_fact(&self, fact: UnknownFact, is_known: bool, action: &str) -> Vec<String> {
        let present = |path: &str| format!("{}({path})", if is_known { "" } else { "!" });
        match (fact, is_known) {
            (UnknownFact::Requester, _) => vec![present("context has requester")],
            (UnknownFact::IpAddressType, _) => vec![present("context.endpoint has ipAddressType")],
            (UnknownFact::Region, true) => vec![
                "(context.endpoint has region && context.endpoint has crossRegion && context.endpoint.crossRegion == (context.endpoint.region != resource.region))".to_owned(),
            ],
            (UnknownFact::Region, false) => vec![present("context.endpoint has region || context.endpoint has crossRegion")],
            (UnknownFact::Organization, true) => {
                let units = self.units.iter().map(|unit| format!("(!(principal in {unit}) || principal has status)"));
                let active = "(if principal has status then principal.status == \"ACTIVE\" else true)".to_owned();
                let active = (action == "Accept").then_some(active);
                let named = "(!(principal has name) || principal has status)".to_owned();
                [named].into_iter().chain(units).chain(active).collect()
            }
            (UnknownFact::Organization, false) => vec![present("principal has name || principal has status")],
        }
    }
}
