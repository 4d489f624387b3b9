//! Explanations and advice under small policy sets.

use serde_json::json;
use warden::{
    decision::{PersonDecisions, grant::Grant},
    model::{
        connection::{Connection, State},
        facts::Facts,
        organization::{Member, Membership},
    },
    policy::{PolicyFile, PolicySet, explain::ConditionResult},
};

use super::{advice::advice, explanation::Explanation, render};

fn facts() -> Facts {
    let (service, region) = ("vpce-svc-03d5ebb7d9579a2b3", "us-east-1");
    serde_json::from_value(json!({
        "service": {"id": service, "region": region, "kind": "Interface", "acceptance_required": true, "tags": {}},
        "connection": {
            "service": service, "subject": "vpce-0c1308d7312217abc", "owner": "111122223333", "state": "pendingAcceptance",
            "created": "2026-06-01T11:59:55Z", "region": region, "ip_address_type": "ipv4",
        },
        "counts": {"ofAccount": 3, "ofService": 9}, "membership": Membership::Outside, "now": "2026-06-01T12:00:00Z",
    }))
    .unwrap()
}

fn granted() -> Grant {
    serde_json::from_value(json!({
        "schema": 2, "service": "vpce-svc-03d5ebb7d9579a2b3", "to": {"subject": "vpce-0c1308d7312217abc"},
        "by": "arn:aws:iam::123456789012:user/ana", "reason": "pilot", "at": "2026-06-01T11:00:00Z",
    }))
    .unwrap()
}

fn explained(cedar: &str, state: State, facts: Facts, grants: Vec<Grant>) -> Explanation {
    let policies = PolicySet::load(&[PolicyFile { name: "p.cedar".into(), text: cedar.into() }], None).unwrap();
    let people = PersonDecisions { grants, ..PersonDecisions::default() };
    Explanation::of(&policies, state, facts, people, None).unwrap()
}

/// Asserts that the advice contains the first texts and none of the others.
fn assert_advice(explanation: &Explanation, contains: &[&str], lacks: &[&str]) {
    let text = advice(explanation).join("\n");
    contains.iter().for_each(|part| assert!(text.contains(part), "`{part}` is not in: {text}"));
    lacks.iter().for_each(|part| assert!(!text.contains(part), "`{part}` is in: {text}"));
}

fn in_state(cedar: &str, state: State, grants: Vec<Grant>) -> Explanation {
    let decided = if state == State::Available { State::PendingAcceptance } else { state.clone() };
    let facts = Facts { connection: Connection { state: decided, ..facts().connection }, ..facts() };
    explained(cedar, state, facts, grants)
}

fn results(cedar: &str) -> Vec<(String, String)> {
    let all = explained(cedar, State::PendingAcceptance, facts(), Vec::new()).policies;
    let accept = all.into_iter().filter(|(action, _)| *action == "Accept").flat_map(|(_, policy)| policy.conditions);
    accept.map(|condition| (condition.text, render::result(&condition.holds))).collect()
}

const ACCEPT_ALL: &str = r#"@id("all") permit (principal, action == PrivateLink::Action::"Accept", resource);"#;
const FREEZE: &str = r#"@id("freeze") @reason("a move") @advice("Ask again in July.") forbid (principal, action == PrivateLink::Action::"Accept", resource) when { context.connections.ofAccount > 1 };"#;
const FEW: &str =
    r#"@id("few") permit (principal, action == PrivateLink::Action::"Accept", resource) when { context.connections.ofAccount < 3 };"#;
const IDLE_FORBID: &str =
    r#"@id("idle") forbid (principal, action == PrivateLink::Action::"Accept", resource) when { context.connections.ofAccount > 90 };"#;
const ROLE: &str = r#"@id("role") permit (principal, action == PrivateLink::Action::"Accept", resource) when { context has requester && context.requester.role == "arn:aws:iam::111122223333:role/deploy" };"#;
const UNIT: &str = r#"@id("unit") permit (principal in PrivateLink::OrganizationalUnit::"ou-ab12-cdefghij", action == PrivateLink::Action::"Accept", resource);"#;

#[test]
fn no_permit_names_failing_conditions_of_permits() {
    let explanation = in_state(&[FEW, IDLE_FORBID].concat(), State::PendingAcceptance, Vec::new());
    assert_advice(&explanation, &["by `few`, this must hold: context.connections.ofAccount < 3", "use `warden approve`"], &["idle"]);
}

#[test]
fn forbidden_request_names_forbid_with_its_advice() {
    let explanation = in_state(&[ACCEPT_ALL, FREEZE].concat(), State::PendingAcceptance, Vec::new());
    let contains = ["`freeze` forbids it: a move. Its advice: Ask again in July.", "No `permit` overrides a `forbid`"];
    assert_advice(&explanation, &contains, &["write a `permit`"]);
}

#[test]
fn granted_request_is_ended_by_revoke() {
    let explanation = in_state(FEW, State::PendingAcceptance, vec![granted()]);
    assert_advice(&explanation, &["`warden revoke`"], &["write a `forbid`"]);
}

#[test]
fn only_revoke_disconnects() {
    for (cedar, grants) in [(ACCEPT_ALL, Vec::new()), (FEW, Vec::new()), (FEW, vec![granted()])] {
        assert_advice(&in_state(cedar, State::Available, grants), &["`warden revoke`"], &["write a `forbid`"]);
    }
}

#[test]
fn unproved_role_suggests_approve_or_new_endpoint() {
    let explanation = in_state(ROLE, State::PendingAcceptance, Vec::new());
    assert_advice(&explanation, &["only CloudTrail's event shows it", "`warden approve`", "new endpoint"], &[]);
}

#[test]
fn rejected_needs_new_endpoint_suspended_nothing() {
    assert_advice(
        &in_state(ACCEPT_ALL, State::Rejected, Vec::new()),
        &["must create a new endpoint", "warden approve --account 111122223333 --service vpce-svc-03d5ebb7d9579a2b3"],
        &["`warden approve` accepts"],
    );
    let member = Member { name: None, state: "SUSPENDED".to_owned(), units: Vec::new() };
    let facts = facts().with_membership(Membership::Member(member));
    let suspended = explained(ACCEPT_ALL, State::PendingAcceptance, facts, vec![granted()]);
    assert_advice(&suspended, &["Neither a policy nor a person can accept it"], &["`warden"]);
}

#[test]
fn condition_is_shown_as_written() {
    let policy =
        r#"@id("x") permit (principal, action == PrivateLink::Action::"Accept", resource) when { context.connections.ofAccount >= 5 };"#;
    assert_eq!(results(policy), [("context.connections.ofAccount >= 5".to_owned(), "does not hold".to_owned())]);
}

#[test]
fn condition_behind_failed_guard_is_not_evaluated() {
    let policy = r#"@id("x") permit (principal, action == PrivateLink::Action::"Accept", resource)
        when { resource.hasTag("team") && resource.getTag("team") == "redis" && context.connections.ofAccount < 5 };"#;
    let holds: Vec<String> = results(policy).into_iter().map(|(_, holds)| holds).collect();
    assert_eq!(holds, ["does not hold", "not evaluated, because an earlier condition does not hold", "holds"]);
}

#[test]
fn policies_that_read_unknown_facts_are_listed() {
    let facts = Facts { membership: Membership::NotAsked, ..facts() };
    let whole = explained(&[ROLE, UNIT].concat(), State::PendingAcceptance, facts, Vec::new());
    for id in ["role", "unit"] {
        let (_, one) = whole.policies.iter().find(|(action, one)| *action == "Accept" && one.id == id).unwrap();
        assert!(
            one.in_scope
                && one.could_match()
                && one.conditions.iter().all(|condition| matches!(condition.holds, ConditionResult::Unknown(_))),
            "{one:?}"
        );
        assert!(whole.policies.iter().all(|(action, one)| *action == "Accept" || !one.in_scope));
    }
}

#[test]
fn out_of_scope_policy_names_the_difference() {
    let policy = r#"@id("x") permit (principal == PrivateLink::Account::"444455556666", action == PrivateLink::Action::"Accept", resource == PrivateLink::EndpointService::"vpce-svc-03d5ebb7d9579a2b4") when { context.connections.ofAccount < 5 };"#;
    let whole = explained(policy, State::PendingAcceptance, facts(), Vec::new());
    assert_eq!(render::out_of_scope(&whole.policies), [("x".to_owned(), vec!["account", "service"])].into());
}

#[test]
fn policies_left_out_are_counted() {
    let other = |id: &str, condition: &str| {
        format!(
            r#"@id("{id}") permit (principal == PrivateLink::Account::"444455556666", action == PrivateLink::Action::"Accept", resource) {condition};"#
        )
    };
    let policies = [
        ACCEPT_ALL,
        &other("a", ""),
        &other("b", "when { context.connections.ofAccount > 90 }"),
        &other("c", "when { context.connections.ofAccount < 9 }"),
    ];
    let whole = explained(&policies.concat(), State::PendingAcceptance, facts(), Vec::new());
    let left_out = render::left_out(&whole.policies).unwrap();
    assert_eq!(
        left_out, "2 policies are not shown: 2 about another account (`--output json` has each)",
        "`c` is shown, as its conditions hold"
    );
    assert_eq!(render::left_out(&explained(ACCEPT_ALL, State::PendingAcceptance, facts(), Vec::new()).policies), None);
}
