//! What would change the answer. Pure.

use std::collections::BTreeSet;

use warden::{
    decision::Action,
    model::{connection::Phase, facts::Facts},
    policy::{Judgement, PolicyInfo, UnknownFact, evaluation::Refer, explain::ConditionResult},
};

use super::explanation::Explanation;
use crate::wording::account;

const APPROVE: &str = "`warden approve` accepts it in your name, regardless of the policy set.";
const UNKNOWN_STATE: &str = "AWS does not document this state: look at the connection in the EC2 console.";

pub(super) fn advice(of: &Explanation) -> Vec<String> {
    let granted = of.decision.grounds.grant.is_some();
    let line = match (of.state.phase(), &of.decision.action) {
        (Phase::Gone, _) => {
            let (state, connection) = (of.state.as_str(), &of.facts.connection);
            let (account, service, noun) = (account(connection), &connection.service, connection.subject.kind().noun());
            return vec![format!(
                "It stays {state}, regardless of the policy set: the consumer must create a new {noun}. To accept the account's \
                 next {noun}, if no policy does, use `warden approve --account {account} --service {service}`."
            )];
        }
        (Phase::Unknown, _) => UNKNOWN_STATE,
        (Phase::Live, Action::Accept(_)) if granted => {
            "To disconnect it, use `warden revoke`, which also ends the grant. A `forbid` does not disconnect it."
        }
        (Phase::Live, Action::Accept(_)) => {
            "To disconnect it, use `warden revoke`. A `forbid` does not disconnect it, but without one the account's next endpoint is accepted again."
        }
        (Phase::Live, _) => {
            "It stays connected until `warden revoke` disconnects it. To justify the connection in your name, use `warden approve`."
        }
        (Phase::Waiting, Action::Accept(_)) if granted => "To prevent this, use `warden revoke`, which ends the grant.",
        (Phase::Waiting, Action::Accept(_)) => {
            "To prevent this, write a `forbid` that matches it, or remove its account from the group that is accepted."
        }
        (Phase::Waiting, Action::Reject(_)) if of.decision.grounds.refusal.is_some() => {
            "A person rejects it. To accept it after all, use `warden approve`."
        }
        (Phase::Waiting, Action::Reject(_)) => "To accept it, change the policy that rejects it, or use `warden approve`.",
        (Phase::Waiting, Action::Refer(why)) => return referred(why, of),
        (Phase::Waiting, Action::NoAction(_)) => return Vec::new(),
    };
    vec![line.to_owned()]
}

fn referred(why: &Refer, of: &Explanation) -> Vec<String> {
    let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
    match why {
        Refer::NoPermit => no_permit(of),
        Refer::Forbidden => forbidden(of.decision.grounds.judgement.as_ref()),
        Refer::Contradiction => lines(&["Change the policy that permits to accept it, or the one that permits to reject it.", APPROVE]),
        Refer::PolicyError => {
            lines(&["Fix the policy that fails above. `warden policy check --prove` finds every policy that can fail.", APPROVE])
        }
        Refer::Missing { .. } => lines(&["The sweep asks EC2 again. Without this fact, nothing can be decided in your name either."]),
        Refer::Unverified { needs } => unverified(needs, &of.facts),
        Refer::Inactive { state } => {
            vec![format!("Neither a policy nor a person can accept it while its account is {state} in its organization.")]
        }
        Refer::UnknownState { .. } => lines(&[UNKNOWN_STATE]),
        Refer::ConnectedInPart => lines(&[APPROVE, "`warden revoke` rejects it and ends its established connections."]),
        Refer::Disputed { .. } => lines(&[APPROVE]),
        Refer::Held { .. } => lines(&["`warden resume` ends the hold."]),
        Refer::UnreadableDecision { .. } => lines(&["Upgrade this command line and the functions, or look at the item on the ledger."]),
    }
}

fn no_permit(of: &Explanation) -> Vec<String> {
    let permits = of.policies.iter().filter(|(action, policy)| *action == "Accept" && !policy.forbids && policy.in_scope);
    let conditions = permits.flat_map(|(_, policy)| policy.conditions.iter().map(move |condition| (&policy.id, condition)));
    let failing = conditions.filter(|(_, condition)| condition.holds == ConditionResult::No);
    let ways = failing.map(|(id, condition)| format!("To accept it by `{id}`, this must hold: {}", condition.text));
    let last = "To accept it, add its account to a group in groups.json that a `permit` names, write a `permit`, or use `warden approve`.";
    ways.chain([last.to_owned()]).collect()
}

fn forbidden(judgement: Option<&Judgement>) -> Vec<String> {
    let line = |policy: &PolicyInfo| {
        let reason = policy.reason.iter().map(|reason| format!(": {reason}"));
        let advice = policy.advice.iter().map(|advice| format!(" Its advice: {advice}"));
        let owner = policy.owner.iter().map(|owner| format!(" Its owner: {owner}."));
        format!("`{}` forbids it{}.{}", policy.id, reason.collect::<String>(), advice.chain(owner).collect::<String>())
    };
    let policies = judgement.into_iter().flat_map(|judgement| &judgement.accept.policies);
    policies.map(line).chain(["No `permit` overrides a `forbid`: change the `forbid`.".to_owned(), APPROVE.to_owned()]).collect()
}

fn unverified(needs: &BTreeSet<UnknownFact>, facts: &Facts) -> Vec<String> {
    let line = |fact: &UnknownFact| {
        let step = match fact {
            UnknownFact::Requester => {
                "If that event is lost, use `warden approve`, or ask the consumer to create a new endpoint in an account whose events are forwarded."
            }
            UnknownFact::Organization => {
                "Give --organization here and OrganizationAccess to the stack; `warden doctor` tells why calls fail."
            }
            UnknownFact::Region | UnknownFact::IpAddressType => {
                "Use `warden approve`, or change the policy so that it does not depend on this fact."
            }
        };
        format!("Unknown: {} ({}). {step}", fact.label(), fact.why_unknown(facts))
    };
    needs.iter().map(line).collect()
}
