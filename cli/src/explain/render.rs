//! An explanation as text, JSON and rows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;
use warden::{
    decision::{
        grant::{Grant, Grantee},
        order::REASON_CHARACTERS_MAX,
    },
    model::{organization::Membership, printable::printable},
    policy::explain::{ConditionResult, PolicyExplanation},
};

use super::{advice::advice, explanation::Explanation};
use crate::{
    output::{self, Rows},
    wording::{self, account, basis, counted, decision, minute, moment, person, service_name, short, unknown},
};

pub(super) fn text(explanation: &Explanation) {
    facts(explanation);
    let (would, because) = decision(&explanation.decision);
    println!("\nDecision under policy set {}: {would}, {because}\n", short(&explanation.digest));
    if let Some(hold) = &explanation.people.hold {
        println!("Every act on the service is {}. The decision waits for its end.\n", wording::hold(hold));
    }
    for (action, policy) in explanation.policies.iter().filter(|(_, policy)| policy.in_scope) {
        text_of(action, policy);
    }
    for (id, mismatches) in out_of_scope(&explanation.policies) {
        println!("  `{id}` is about another {}, its conditions hold", mismatches.join(" and another "));
    }
    left_out(&explanation.policies).iter().for_each(|line| println!("  {line}"));
    advice(explanation).iter().for_each(|line| println!("\n{line}"));
    if !explanation.people.grants.is_empty() {
        println!("\nGrants:");
    }
    for grant in &explanation.people.grants {
        let (text, validity) = grant_text(grant, explanation.facts.now);
        println!("  {}  {text} ({validity})", minute(grant.at));
    }
    let Some((records, unreadable)) = &explanation.records else {
        println!("\nGive --ledger to see grants and recorded decisions.");
        return;
    };
    println!("\nRecorded decisions:{}", if records.is_empty() { " none" } else { "" });
    for record in records {
        println!("  {}  {}  {}", minute(record.at), record.verdict, basis(record));
    }
    explanation.people.unreadable.iter().chain(unreadable).for_each(|what| println!("  unreadable: {what}"));
}

pub(super) fn json(explanation: &Explanation) {
    let Explanation { state, facts, decision: decided, digest, policies, people, records } = explanation;
    let (would, because) = decision(decided);
    let policies: Vec<_> =
        policies.iter().map(|(action, one)| json!({"action": action, "matched": one.matched(), "policy": one})).collect();
    let whole = json!({
        "state": state, "facts": facts, "would": would, "because": because, "judgement": decided.grounds.judgement,
        "grant": decided.grounds.grant, "refusal": decided.grounds.refusal, "policy_digest": digest, "policies": policies, "advice": advice(explanation),
        "grants": people.grants, "hold": people.hold, "history": records.as_ref().map(|(records, _)| records),
    });
    output::json(&whole);
}

pub(super) fn rows(explanation: &Explanation) -> Rows {
    let mut rows = Rows::new(&["action", "policy", "effect", "in scope", "condition", "result"]);
    for (action, policy) in &explanation.policies {
        let (effect, in_scope) = (if policy.forbids { "forbid" } else { "permit" }, policy.in_scope.to_string());
        if policy.conditions.is_empty() {
            rows.push([action, &policy.id, effect, &in_scope, "", ""]);
        }
        for condition in &policy.conditions {
            rows.push([action, &policy.id, effect, &in_scope, &condition.text, &result(&condition.holds)]);
        }
    }
    for grant in &explanation.people.grants {
        let (text, validity) = grant_text(grant, explanation.facts.now);
        rows.push(["Accept", "", "grant", "true", &text, &validity]);
    }
    rows
}

fn facts(Explanation { state, facts, .. }: &Explanation) {
    let connection = &facts.connection;
    let (account, service) = (account(connection), service_name(&facts.service));
    println!("{} of account {account} requests {service} ({})", connection.subject, facts.service.id);
    let created = connection.created.map_or("at an unknown time".into(), minute);
    let region = connection.region.as_ref().map_or("an unknown Region", |region| region.as_str());
    println!("  state: {}, requested {created}, from {region}", state.as_str());
    println!("  established connections: {} of the account, {} of the service", facts.counts.of_account, facts.counts.of_service);
    if let Membership::Member(member) = &facts.membership {
        let name = member.name.as_deref().unwrap_or("no name");
        println!("  organization: {name}, {}, {}", member.state, member.units.join("/"));
    }
}

fn text_of(action: &str, policy: &PolicyExplanation) {
    let verb = match (action, policy.forbids) {
        ("Accept", false) => "permits to accept",
        ("Accept", true) => "forbids to accept",
        (_, false) => "permits to reject",
        (_, true) => "forbids to reject",
    };
    let applies = match (policy.matched(), policy.could_match()) {
        (true, _) => "",
        (false, true) => ", depends on an unknown fact",
        (false, false) => ", does not match",
    };
    println!("  `{}` {verb}{applies}", policy.id);
    for condition in &policy.conditions {
        println!("      {} — {}", condition.text, result(&condition.holds));
    }
}

pub(super) fn result(result: &ConditionResult) -> String {
    match result {
        ConditionResult::Yes => "holds".to_owned(),
        ConditionResult::No => "does not hold".to_owned(),
        ConditionResult::NotEvaluated => "not evaluated, because an earlier condition does not hold".to_owned(),
        ConditionResult::Unknown(facts) => format!("depends on {}", unknown(facts)),
        ConditionResult::Fails(error) => format!("fails: {error}"),
    }
}

fn grant_text(grant: &Grant, now: Timestamp) -> (String, String) {
    let grantee = match &grant.to {
        Grantee::Subject(subject) => format!("this {}", subject.kind().noun()),
        Grantee::Account(_) => "its whole account".to_owned(),
    };
    let validity = match (grant.end().map(moment), &grant.ended) {
        (None, _) => "valid without an end".to_owned(),
        (Some(end), _) if grant.holds(now) => format!("valid until {end}"),
        (Some(end), Some(ending)) => format!("ended {end} by {}", person(&ending.by, &ending.reason)),
        (Some(end), None) => format!("ended {end}"),
    };
    (format!("{} approved {grantee}: {}", printable(&grant.by, 200), printable(&grant.reason, REASON_CHARACTERS_MAX)), validity)
}

/// The policies whose conditions hold and whose scope does not match, with what the scope names instead. A policy is
/// evaluated for both actions; the better match of the two counts.
pub(super) fn out_of_scope(policies: &[(&str, PolicyExplanation)]) -> BTreeMap<String, Vec<&'static str>> {
    let mut found: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
    for (_, policy) in policies.iter().filter(|(_, policy)| policy.matches_except_scope()) {
        let known = found.entry(policy.id.clone()).or_insert_with(|| policy.scope_mismatches.clone());
        if policy.scope_mismatches.len() < known.len() {
            known.clone_from(&policy.scope_mismatches);
        }
    }
    found.retain(|id, _| !policies.iter().any(|(_, policy)| policy.in_scope && policy.id == *id));
    found
}

/// The number of policies of which nothing is shown, and the reasons. `--output json` has them all.
pub(super) fn left_out(policies: &[(&str, PolicyExplanation)]) -> Option<String> {
    let shown = out_of_scope(policies);
    let mut others: BTreeMap<&str, &[&str]> = BTreeMap::new();
    for (_, policy) in policies.iter().filter(|(_, policy)| !shown.contains_key(&policy.id)) {
        let mismatches = policy.scope_mismatches.as_slice();
        let known = others.entry(&policy.id).or_insert(mismatches);
        *known = if mismatches.len() < known.len() { mismatches } else { known };
    }
    others.retain(|_, mismatches| !mismatches.is_empty());
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    others.values().for_each(|mismatches| *reasons.entry(mismatches.join(" and another ")).or_default() += 1);
    let reasons: Vec<String> = reasons.iter().map(|(reason, count)| format!("{count} about another {reason}")).collect();
    let count = counted(others.len(), "policy is", "policies are");
    (!others.is_empty()).then(|| format!("{count} not shown: {} (`--output json` has each)", reasons.join(", ")))
}
