//! The reference model: the answers that the laws and AWS's documentation imply, over the grammar of the policies. It uses
//! neither the warden nor Cedar.

use jiff::Timestamp;

use crate::{
    grammar::{Action, Condition, Effect, InForce, Policy, Principal, ROLE, UNITS},
    scenario::ACCOUNTS,
};

/// The facts of one request. `None` is a fact that EC2 omits or that no event proves.
#[derive(Debug, Clone)]
pub struct Facts {
    pub endpoint: String,
    pub account: Option<String>,
    pub created: Option<Timestamp>,
    pub region: Option<String>,
    pub address_type: Option<String>,
    pub role: Option<String>,
    pub member: Member,
    pub service: String,
    pub name: Option<String>,
    pub service_region: String,
    /// Established connections.
    pub of_account: i64,
    pub of_service: i64,
    pub now: Timestamp,
}

/// The account in its organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Member {
    /// AWS Organizations was not asked, or did not answer.
    Unknown,
    Outside,
    Inside {
        units: Vec<String>,
        active: bool,
    },
}

/// The answer of the policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Accept,
    Reject,
    /// A person must decide. `uncertain`: a policy failed, or a fact is unknown.
    Wait {
        uncertain: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Match {
    Yes,
    No,
    /// It depends on an unknown fact.
    Unknown,
    Error,
}

/// The result of the policies for one action.
struct Evaluation {
    allowed: bool,
    failed: bool,
    /// An unknown fact could change `allowed`.
    open: bool,
}

/// The answer of the policies. In any doubt, a person decides.
pub fn answer(in_force: &InForce, facts: &Facts) -> Answer {
    if facts.account.is_none() || facts.created.is_none() {
        return Answer::Wait { uncertain: true };
    }
    let (accept, reject) = (evaluate(in_force, facts, Action::Accept), evaluate(in_force, facts, Action::Reject));
    // No policy accepts an account that is being closed. So its state must be known if any policy reads the organization.
    let unknown_state = accept.allowed && reads_organization(in_force) && facts.member == Member::Unknown;
    let uncertain = accept.failed || reject.failed || accept.open || reject.open || unknown_state;
    let inactive = matches!(facts.member, Member::Inside { active: false, .. });
    match (accept.allowed, reject.allowed) {
        _ if uncertain => Answer::Wait { uncertain },
        (false, true) => Answer::Reject,
        (true, false) if !inactive => Answer::Accept,
        (true, true | false) | (false, false) => Answer::Wait { uncertain },
    }
}

/// Default deny, and a `forbid` overrides every `permit`.
fn evaluate(in_force: &InForce, facts: &Facts, action: Action) -> Evaluation {
    let matches = || {
        let about = in_force.policies.policies.iter().filter(|policy| policy.is_about(action));
        about.map(|policy| (policy.effect, matches(in_force, policy, facts)))
    };
    let any = |effect: Effect, result: Match| matches().any(|one| one == (effect, result));
    let forbidden = any(Effect::Forbid, Match::Yes);
    let allowed = any(Effect::Permit, Match::Yes) && !forbidden;
    let could_change = if allowed { Effect::Forbid } else { Effect::Permit };
    Evaluation {
        allowed,
        failed: matches().any(|(_, result)| result == Match::Error),
        open: !forbidden && any(could_change, Match::Unknown),
    }
}

fn matches(in_force: &InForce, policy: &Policy, facts: &Facts) -> Match {
    let is_unknown = |condition: &Condition| reads_unknown_fact(*condition, facts);
    let unknown = policy.has(is_unknown) || (policy.reads_organization() && facts.member == Member::Unknown);
    let mut known =
        vec![Some(is_principal(policy, in_force, facts)), Some(policy.service.is_none_or(|n| in_force.service(n) == facts.service))];
    // In Cedar's order of evaluation: the first condition that is false or fails decides.
    known.extend(policy.when.iter().filter(|one| !is_unknown(one)).map(|one| holds(in_force, *one, facts)));
    known.extend(policy.unless.iter().filter(|one| !is_unknown(one)).map(|one| holds(in_force, *one, facts).map(|holds| !holds)));
    match known.iter().find(|holds| **holds != Some(true)) {
        Some(Some(_)) => Match::No,
        _ if unknown => Match::Unknown,
        Some(None) => Match::Error,
        None => Match::Yes,
    }
}

fn reads_unknown_fact(condition: Condition, facts: &Facts) -> bool {
    match condition {
        Condition::Role => facts.role.is_none(),
        Condition::SameRegion | Condition::CrossRegion => facts.region.is_none(),
        Condition::Ipv4 => facts.address_type.is_none(),
        Condition::Named(_)
        | Condition::AccountBelow(_)
        | Condition::ServiceBelow(_)
        | Condition::AccountAtLeast(_)
        | Condition::ServiceAtLeast(_)
        | Condition::Until(_)
        | Condition::From(_)
        | Condition::Endpoint(_)
        | Condition::FailsAbove(_) => false,
    }
}

/// Returns true also for a unit while the membership is unknown.
fn is_principal(policy: &Policy, in_force: &InForce, facts: &Facts) -> bool {
    let is = |n: &usize| facts.account.as_deref() == Some(ACCOUNTS[*n]);
    match policy.principal {
        Principal::Any => true,
        Principal::Account(n) => is(&n),
        Principal::Team => in_force.policies.team.iter().any(is),
        Principal::Unit(n) => match &facts.member {
            Member::Unknown => true,
            Member::Outside => false,
            Member::Inside { units, .. } => units.iter().any(|unit| unit == UNITS[n]),
        },
    }
}

/// Returns `None` if the condition fails.
fn holds(in_force: &InForce, condition: Condition, facts: &Facts) -> Option<bool> {
    Some(match condition {
        Condition::Named(name) => facts.name.as_deref() == Some(name),
        Condition::AccountBelow(n) => facts.of_account < n,
        Condition::ServiceBelow(n) => facts.of_service < n,
        Condition::AccountAtLeast(n) => facts.of_account >= n,
        Condition::ServiceAtLeast(n) => facts.of_service >= n,
        Condition::Until(minutes) => facts.now < in_force.at(minutes),
        Condition::From(minutes) => facts.now >= in_force.at(minutes),
        Condition::Endpoint(n) => facts.endpoint == in_force.endpoint(n),
        Condition::SameRegion => facts.region.as_ref() == Some(&facts.service_region),
        Condition::CrossRegion => facts.region.as_ref() != Some(&facts.service_region),
        Condition::Ipv4 => facts.address_type.as_deref() == Some("ipv4"),
        Condition::Role => facts.role.as_deref().is_some_and(|role| role.ends_with(&format!(":{ROLE}"))),
        Condition::FailsAbove(n) => return (facts.of_service <= n).then_some(true),
    })
}

/// The facts with the membership only if the warden asks for it: the answer depends on it, or a grant covers the request.
pub fn as_asked(in_force: &InForce, facts: Facts, granted: bool) -> Facts {
    let unasked = Facts { member: Member::Unknown, ..facts.clone() };
    let open = matches!(answer(in_force, &unasked), Answer::Wait { uncertain: true });
    if reads_organization(in_force) && (open || granted) { facts } else { unasked }
}

pub fn reads_organization(in_force: &InForce) -> bool {
    in_force.policies.policies.iter().any(Policy::reads_organization)
}

/// Returns true if a grant leads to acceptance. `granted`: a grant covers the request and has not expired.
pub fn accepts_by_grant(in_force: &InForce, facts: &Facts, granted: bool) -> bool {
    let may_be_accepted = match &facts.member {
        Member::Inside { active, .. } => *active,
        Member::Outside => true,
        Member::Unknown => !reads_organization(in_force),
    };
    granted && may_be_accepted && facts.account.is_some() && facts.created.is_some()
}
