//! What may be and what must be, said a second time: from the laws of the house and from what AWS documents, over the
//! grammar of the policies. Nothing in here asks the warden or Cedar.

use jiff::Timestamp;

use crate::{
    grammar::{Action, Condition, Effect, InForce, ROLE, Rule, UNITS, Who},
    story::ACCOUNTS,
};

/// What is known about one request.
#[derive(Debug, Clone)]
pub struct Facts {
    pub endpoint: String,
    /// Nothing, where EC2 left it out; nobody is judged then.
    pub account: Option<String>,
    pub created: Option<Timestamp>,
    pub region: Option<String>,
    pub service: String,
    pub name: Option<String>,
    pub service_region: String,
    pub member: Member,
    /// The role behind the request, where an event proved it.
    pub role: Option<String>,
    /// Connections that are established already.
    pub of_account: i64,
    pub of_service: i64,
    pub now: Timestamp,
}

/// What the organization says of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Member {
    /// Nobody asked, or it did not answer.
    Unknown,
    Outside,
    Inside {
        units: Vec<String>,
        active: bool,
    },
}

/// What the policy has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Accept,
    Reject,
    /// For a person to decide. True: because something failed or is not known, and not because the rules say so.
    Wait {
        in_doubt: bool,
    },
}

/// Whether a rule matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Match {
    Yes,
    No,
    /// It depends on what is not known.
    Perhaps,
    Error,
}

/// What an action's rules come to.
struct Tally {
    allowed: bool,
    failed: bool,
    open: bool,
}

/// What the set answers: both actions are asked, and in any doubt it waits.
pub fn answer(set: &InForce, facts: &Facts) -> Answer {
    if facts.account.is_none() || facts.created.is_none() {
        return Answer::Wait { in_doubt: true };
    }
    let (accept, reject) = (tally(set, facts, Action::Accept), tally(set, facts, Action::Reject));
    // An account that is being shut down is let in by no rule, so nobody is before its state is known, where the set asks for it.
    let stateless = accept.allowed && speaks_of_organization(set) && facts.member == Member::Unknown;
    let in_doubt = accept.failed || reject.failed || accept.open || reject.open || stateless;
    let inactive = matches!(facts.member, Member::Inside { active: false, .. });
    match (accept.allowed, reject.allowed) {
        _ if in_doubt => Answer::Wait { in_doubt },
        (false, true) => Answer::Reject,
        (true, false) if !inactive => Answer::Accept,
        (true, true | false) | (false, false) => Answer::Wait { in_doubt },
    }
}

/// Default deny; a `forbid` beats every `permit`; a rule that fails leaves the answer in doubt, whatever the others say;
/// one that may match leaves it in doubt only if it could change the answer.
fn tally(set: &InForce, facts: &Facts, action: Action) -> Tally {
    let asked = || set.set.rules.iter().filter(|rule| rule.is_about(action)).map(|rule| (rule.effect, matches(set, rule, facts)));
    let any = |effect: Effect, matched: Match| asked().any(|one| one == (effect, matched));
    let forbidden = any(Effect::Forbid, Match::Yes);
    let allowed = any(Effect::Permit, Match::Yes) && !forbidden;
    let could_change = if allowed { Effect::Forbid } else { Effect::Permit };
    Tally { allowed, failed: asked().any(|(_, matched)| matched == Match::Error), open: !forbidden && any(could_change, Match::Perhaps) }
}

fn matches(set: &InForce, rule: &Rule, facts: &Facts) -> Match {
    let unknown = (rule.reads_role() && facts.role.is_none()) || (rule.reads_organization() && facts.member == Member::Unknown);
    let mut sure = vec![who(rule, set, facts), Some(rule.service.is_none_or(|n| set.service(n) == facts.service))];
    // In the order in which Cedar goes through them: what is false ends it, and so does what fails.
    sure.extend(rule.when.iter().filter(|one| !depends(one, facts)).map(|one| holds(set, *one, facts)));
    sure.extend(rule.unless.iter().filter(|one| !depends(one, facts)).map(|one| holds(set, *one, facts).map(|met| !met)));
    match sure.iter().find(|met| **met != Some(true)) {
        Some(Some(_)) => Match::No,
        _ if unknown => Match::Perhaps,
        Some(None) => Match::Error,
        None => Match::Yes,
    }
}

/// Whether a condition speaks of what is not known of this request.
fn depends(condition: &Condition, facts: &Facts) -> bool {
    *condition == Condition::Role && facts.role.is_none()
}

fn who(rule: &Rule, set: &InForce, facts: &Facts) -> Option<bool> {
    let is = |n: &usize| facts.account.as_deref() == Some(ACCOUNTS[*n]);
    Some(match rule.who {
        Who::Anyone => true,
        Who::Account(n) => is(&n),
        Who::Team => set.set.team.iter().any(is),
        Who::Unit(n) => match &facts.member {
            Member::Unknown => true,
            Member::Outside => false,
            Member::Inside { units, .. } => units.iter().any(|unit| unit == UNITS[n]),
        },
    })
}

/// Nothing: it cannot be evaluated.
fn holds(set: &InForce, condition: Condition, facts: &Facts) -> Option<bool> {
    Some(match condition {
        Condition::Named(name) => facts.name.as_deref() == Some(name),
        Condition::AccountBelow(n) => facts.of_account < n,
        Condition::ServiceBelow(n) => facts.of_service < n,
        Condition::AccountAtLeast(n) => facts.of_account >= n,
        Condition::ServiceAtLeast(n) => facts.of_service >= n,
        Condition::Until(minutes) => facts.now < set.at(minutes),
        Condition::From(minutes) => facts.now >= set.at(minutes),
        Condition::Endpoint(n) => facts.endpoint == set.endpoint(n),
        Condition::Local => facts.region.as_deref() == Some(&facts.service_region),
        Condition::Role => facts.role.as_deref().is_some_and(|role| role.ends_with(&format!(":{ROLE}"))),
        Condition::FailsAbove(n) => return (facts.of_service <= n).then_some(true),
    })
}

/// The organization is asked only where the answer could depend on it, or where a grant is to count.
pub fn as_asked(set: &InForce, facts: Facts, granted: bool) -> Facts {
    let unasked = Facts { member: Member::Unknown, ..facts.clone() };
    let open = matches!(answer(set, &unasked), Answer::Wait { in_doubt: true });
    if speaks_of_organization(set) && (open || granted) { facts } else { unasked }
}

/// Whether any rule speaks of the organization: then a grant counts only for an account whose state is known.
pub fn speaks_of_organization(set: &InForce) -> bool {
    set.set.rules.iter().any(Rule::reads_organization)
}

/// Whether a person's grant lets it in, where the policy does not. `granted`: one that covers it holds.
pub fn granted(set: &InForce, facts: &Facts, granted: bool) -> bool {
    let known = match &facts.member {
        Member::Inside { active, .. } => *active,
        Member::Outside => true,
        Member::Unknown => !speaks_of_organization(set),
    };
    granted && known && facts.account.is_some() && facts.created.is_some()
}
