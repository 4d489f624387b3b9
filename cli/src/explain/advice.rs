//! What to do to get the other answer. Pure.

use std::collections::BTreeSet;

use warden::{
    decision::Action,
    model::connection::Phase,
    policy::{Judgement, PolicyInfo, UnknownFact, evaluation::Refer, explain::ConditionResult},
};

use super::Explanation;

/// One line for each thing that can be done, or is good to know.
pub(super) fn advice(of: &Explanation) -> Vec<String> {
    let granted = of.decision.grounds.grant.is_some();
    match (of.state.phase(), &of.decision.action) {
        (Phase::Gone, _) => {
            vec![format!("It is {} and stays so, whatever the policy says: the consumer must create a new endpoint.", of.state.as_str())]
        }
        (Phase::Unknown, _) => vec!["AWS documents no such state: look at the connection in EC2's console.".to_owned()],
        (Phase::Live, Action::Accept(_)) if granted => {
            vec!["To cut it off: `warden revoke`, which also ends what was granted. A `forbid` cuts off nothing that is connected.".to_owned()]
        }
        (Phase::Live, Action::Accept(_)) => vec![
            "To cut it off: `warden revoke`. A `forbid` cuts off nothing that is connected; without one, or a change of the rule above, the account's next endpoint is let in again."
                .to_owned(),
        ],
        (Phase::Live, _) => vec![
            "It is connected all the same, and stays so until `warden revoke` cuts it off. To let it stay with a name beside it: `warden approve`."
                .to_owned(),
        ],
        (Phase::Waiting, Action::Accept(_)) if granted => {
            vec!["To keep it out: `warden revoke`, which ends what was granted.".to_owned()]
        }
        (Phase::Waiting, Action::Accept(_)) => {
            vec!["To keep it out: write a `forbid` that matches it, or take its account out of the group that lets it in.".to_owned()]
        }
        (Phase::Waiting, Action::Reject(_)) => {
            vec!["To let it in: change the rule that rejects it, or `warden approve` this one.".to_owned()]
        }
        (Phase::Waiting, Action::Refer(why)) => referred(why, of),
        (Phase::Waiting, Action::NoAction(_)) => Vec::new(),
    }
}

fn referred(why: &Refer, of: &Explanation) -> Vec<String> {
    const APPROVE: &str = "`warden approve` lets this one in all the same: a person's decision stands beside the policy.";
    let judgement = of.decision.grounds.judgement.as_ref();
    match why {
        Refer::NoPermit => no_permit(of),
        Refer::Forbidden => forbidden(judgement)
            .into_iter()
            .chain(["No `permit` beats a `forbid`: change that one.".to_owned(), APPROVE.to_owned()])
            .collect(),
        Refer::Contradiction => {
            vec!["Take back the rule that permits rejecting it, or the one that permits accepting it.".to_owned(), APPROVE.to_owned()]
        }
        Refer::PolicyError => {
            vec!["Mend the policy that fails above; `warden policy check --prove` finds every one that can.".to_owned(), APPROVE.to_owned()]
        }
        Refer::Missing { .. } => vec!["The sweep asks EC2 again; without that fact nobody's decision can be acted on.".to_owned()],
        Refer::Unverified { needs } => unverified(needs),
        Refer::Inactive { state } => {
            vec![format!("Nothing lets it in while its account is {state} in its organization, a person's decision neither.")]
        }
        Refer::UnknownState { .. } => vec!["AWS documents no such state: look at the connection in EC2's console.".to_owned()],
        Refer::Disputed { .. } => vec![APPROVE.to_owned()],
    }
}

/// Only permits are ways in: that a `forbid` does not match is no news.
fn no_permit(of: &Explanation) -> Vec<String> {
    let permits = of.policies.iter().filter(|(action, one)| *action == "Accept" && !one.forbids && one.in_scope);
    let conditions = permits.flat_map(|(_, one)| one.conditions.iter().map(move |condition| (&one.id, condition)));
    let lacking = conditions.filter(|(_, condition)| condition.holds == ConditionResult::No);
    let ways = lacking.map(|(id, condition)| format!("To let it in by `{id}`: this must hold: {}", condition.text));
    let last =
        "To let it in: put its account into a group in groups.json that a `permit` names, write a `permit`, or `warden approve` this one.";
    ways.chain([last.to_owned()]).collect()
}

fn forbidden(judgement: Option<&Judgement>) -> Vec<String> {
    let told = |rule: &PolicyInfo| {
        let reason = rule.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let advice = rule.advice.as_ref().map(|advice| format!(" Its advice: {advice}")).unwrap_or_default();
        let owner = rule.owner.as_ref().map(|owner| format!(" Whom to ask: {owner}.")).unwrap_or_default();
        format!("`{}` forbids it{reason}.{advice}{owner}", rule.id)
    };
    judgement.into_iter().flat_map(|judgement| judgement.accept.policies.iter().map(told)).collect()
}

fn unverified(needs: &BTreeSet<UnknownFact>) -> Vec<String> {
    let line = |need: &UnknownFact| match need {
        UnknownFact::Requester => {
            "The role is proved only by the CloudTrail event of the request itself: if that did not come, it cannot be proved any more. `warden approve` this one, or let the consumer create a new endpoint where its events are forwarded."
        }
        UnknownFact::Organization => {
            "Give --organization here, and OrganizationAccess to the stack, so that the account can be looked up; where they are given, its calls fail: see `warden doctor`."
        }
        UnknownFact::Region | UnknownFact::IpAddressType => {
            "EC2 does not state it for this endpoint: decide in person, or let the policy not depend on it."
        }
    };
    needs.iter().map(|need| line(need).to_owned()).collect()
}
