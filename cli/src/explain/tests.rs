//! What is said of one request, and what is advised, under small policies.

use warden::{
    decision::grant::{Grant, Grantee},
    ledger::grants::SCHEMA_VERSION,
    model::{
        connection::{Connection, State},
        facts::{Counts, Facts},
        organization::{Member, Membership},
        service::{Service, ServiceKind},
    },
    policy::{PolicyFile, PolicySet, explain::ConditionResult},
};

use super::{Explanation, advice::advice, mark};

const A: &str = "111122223333";
const ENDPOINT: &str = "vpce-0c1308d7312217abc";

fn facts() -> Facts {
    let service = Service {
        id: "vpce-svc-03d5ebb7d9579a2b3".parse().unwrap(),
        region: "us-east-1".parse().unwrap(),
        kind: ServiceKind::Interface,
        acceptance_required: true,
        tags: Default::default(),
    };
    let connection = Connection {
        service: service.id.clone(),
        endpoint: ENDPOINT.parse().unwrap(),
        owner: Some(A.parse().unwrap()),
        state: State::PendingAcceptance,
        created: Some("2026-06-01T11:59:55Z".parse().unwrap()),
        region: Some("us-east-1".parse().unwrap()),
        ip_address_type: Some("ipv4".to_owned()),
    };
    let counts = Counts { of_account: 3, of_service: 9 };
    Facts { service, connection, counts, membership: Membership::Outside, claim: None, now: "2026-06-01T12:00:00Z".parse().unwrap() }
}

fn granted() -> Grant {
    Grant {
        schema: SCHEMA_VERSION,
        service: facts().service.id,
        to: Grantee::Endpoint(ENDPOINT.parse().unwrap()),
        by: "arn:aws:iam::123456789012:user/ana".to_owned(),
        reason: "pilot".to_owned(),
        at: "2026-06-01T11:00:00Z".parse().unwrap(),
        until: None,
    }
}

fn explained(policies: &str, state: State, facts: Facts, grants: Vec<Grant>) -> Explanation {
    let policy = PolicySet::load(&[PolicyFile { name: "p.cedar".into(), text: policies.into() }], None).unwrap();
    Explanation::of(&policy, state, facts, grants, None).unwrap()
}

fn advised(policies: &str, state: State, grants: Vec<Grant>) -> String {
    let asked = if state == State::Available { State::PendingAcceptance } else { state.clone() };
    let facts = Facts { connection: Connection { state: asked, ..facts().connection }, ..facts() };
    advice(&explained(policies, state, facts, grants)).join("\n")
}

fn marks(policies: &str, facts: Facts) -> Vec<(String, String)> {
    let all = explained(policies, State::PendingAcceptance, facts, Vec::new()).policies;
    let accept = all.into_iter().filter(|(action, _)| *action == "Accept");
    accept.flat_map(|(_, one)| one.conditions).map(|condition| (condition.text, mark(&condition.holds))).collect()
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
fn where_nothing_allows_it_only_permits_are_ways_in() {
    let said = advised(&[FEW, IDLE_FORBID].concat(), State::PendingAcceptance, Vec::new());
    assert!(said.contains("by `few`: this must hold: context.connections.ofAccount < 3"), "{said}");
    assert!(said.contains("`warden approve` this one") && !said.contains("idle"), "{said}");
}

#[test]
fn a_forbid_is_named_with_its_advice_and_no_permit_is_offered() {
    let said = advised(&[ACCEPT_ALL, FREEZE].concat(), State::PendingAcceptance, Vec::new());
    assert!(
        said.contains("`freeze` forbids it: a move. Its advice: Ask again in July.") && said.contains("No `permit` beats a `forbid`"),
        "{said}"
    );
    assert!(!said.contains("write a `permit`"), "{said}");
}

#[test]
fn what_a_person_granted_a_person_takes_back() {
    let said = advised(FEW, State::PendingAcceptance, vec![granted()]);
    assert!(said.contains("`warden revoke`") && !said.contains("write a `forbid`"), "{said}");
}

#[test]
fn nothing_but_a_revocation_cuts_off_what_is_connected() {
    for (policies, grants) in [(ACCEPT_ALL, Vec::new()), (FEW, Vec::new()), (FEW, vec![granted()])] {
        let said = advised(policies, State::Available, grants);
        assert!(said.contains("`warden revoke`") && !said.contains("write a `forbid`"), "{said}");
    }
}

#[test]
fn a_role_that_was_not_proved_is_not_waited_for() {
    let said = advised(ROLE, State::PendingAcceptance, Vec::new());
    assert!(said.contains("cannot be proved any more") && said.contains("`warden approve`") && said.contains("new endpoint"), "{said}");
}

#[test]
fn who_was_rejected_must_ask_anew_and_who_is_suspended_need_not() {
    let said = advised(ACCEPT_ALL, State::Rejected, Vec::new());
    assert!(said.contains("must create a new endpoint") && !said.contains("approve"), "{said}");
    let member = Member { name: None, state: "SUSPENDED".to_owned(), units: Vec::new() };
    let facts = Facts { membership: Membership::Member(member), ..facts() };
    let said = advice(&explained(ACCEPT_ALL, State::PendingAcceptance, facts, vec![granted()])).join("\n");
    assert!(said.starts_with("Nothing lets it in") && !said.contains("`warden"), "{said}");
}

#[test]
fn a_condition_is_shown_as_it_was_written() {
    let policy =
        r#"@id("x") permit (principal, action == PrivateLink::Action::"Accept", resource) when { context.connections.ofAccount >= 5 };"#;
    assert_eq!(marks(policy, facts()), [("context.connections.ofAccount >= 5".to_owned(), "DOES NOT HOLD".to_owned())]);
}

#[test]
fn what_is_guarded_is_not_asked_and_what_stands_for_itself_is() {
    let policy = r#"@id("x") permit (principal, action == PrivateLink::Action::"Accept", resource)
        when { resource.hasTag("team") && resource.getTag("team") == "redis" && context.connections.ofAccount < 5 };"#;
    let holds: Vec<String> = marks(policy, facts()).into_iter().map(|(_, holds)| holds).collect();
    assert_eq!(holds, ["DOES NOT HOLD", "not asked, because of what does not hold before it", "holds"]);
}

#[test]
fn what_is_not_known_is_neither_a_no_nor_an_error_and_its_rule_is_listed() {
    let facts = Facts { membership: Membership::NotAsked, ..facts() };
    let whole = explained(&[ROLE, UNIT].concat(), State::PendingAcceptance, facts, Vec::new());
    for id in ["role", "unit"] {
        let (_, one) = whole.policies.iter().find(|(action, one)| *action == "Accept" && one.id == id).unwrap();
        assert!(
            one.in_scope && one.waits() && one.conditions.iter().all(|condition| matches!(condition.holds, ConditionResult::Open(_))),
            "{one:?}"
        );
        assert!(whole.policies.iter().all(|(action, one)| *action == "Accept" || !one.in_scope));
    }
}

#[test]
fn what_a_rule_speaks_of_otherwise_is_named() {
    let policy = r#"@id("x") permit (principal == PrivateLink::Account::"444455556666", action == PrivateLink::Action::"Accept", resource == PrivateLink::EndpointService::"vpce-svc-03d5ebb7d9579a2b4") when { context.connections.ofAccount < 5 };"#;
    let whole = explained(policy, State::PendingAcceptance, facts(), Vec::new());
    assert_eq!(super::tell::nearly(&whole.policies), [("x".to_owned(), vec!["account", "service"])].into());
}
