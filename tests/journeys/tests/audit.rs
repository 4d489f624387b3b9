//! What the audit finds, each kind with a close case beside it that must stay silent. The risk: a stranger stays
//! connected unseen; or the tool cries wolf and nobody reads it any more.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a journey ends where it goes wrong")]

use std::time::Duration;

use jiff::SignedDuration;
use journeys::{A, B, C, Fault, PROVIDER, Stage, TOPIC, start_of_story};
use local::world::{NewEndpoint, NewService, Permission};
use serde_json::Value;
use warden::{grant::Grantee, notice::Notice};

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn root(account: &str) -> String {
    format!("arn:aws:iam::{account}:root")
}

/// The usual stage with nothing to complain of: only A may ask, and A is the only one the policy accepts.
fn tidy() -> Stage {
    let stage = Stage::new();
    forbid(&stage, B);
    stage
}

fn forbid(stage: &Stage, account: &str) {
    stage.aws.world().modify_permissions(PROVIDER, &stage.service, &[], &[root(account)]).unwrap();
}

fn allow(stage: &Stage, principal: &str) {
    stage.aws.world().modify_permissions(PROVIDER, &stage.service, &[principal.to_owned()], &[]).unwrap();
}

/// A connects, as the warden lets it.
async fn connected(stage: &Stage) -> String {
    let (endpoint, events) = stage.ask(A);
    stage.deliver(&events[0]).await.unwrap();
    stage.pass(SignedDuration::from_hours(1));
    endpoint
}

/// Somebody accepts by hand what the warden left alone.
async fn accepted_by_hand(stage: &Stage, account: &str) -> String {
    let (endpoint, events) = stage.ask(account);
    stage.deliver(&events[0]).await.unwrap();
    stage.aws.world().accept(PROVIDER, &stage.service, std::slice::from_ref(&endpoint)).unwrap();
    stage.pass(SignedDuration::from_hours(1));
    endpoint
}

async fn found(stage: &Stage) -> Vec<String> {
    stage.audit().await.unwrap();
    stage.shelf.findings()
}

/// The findings of one kind.
async fn of_kind(stage: &Stage, kind: &str) -> Vec<String> {
    let prefix = format!("{kind}/");
    found(stage).await.into_iter().filter(|id| id.starts_with(&prefix)).collect()
}

fn id(stage: &Stage, kind: &str, rest: &str) -> String {
    format!("{kind}/{}/{rest}", stage.service)
}

#[tokio::test]
async fn what_the_warden_did_is_no_finding() {
    let stage = tidy();
    connected(&stage).await;
    assert_eq!(found(&stage).await, Vec::<String>::new());
    stage.tell().await;
    let audits = stage.outbox.take().into_iter().filter(|(_, notice)| notice.attributes.contains(&("decision", "audit".to_owned())));
    assert_eq!(audits.count(), 0, "no news is no message");
}

#[tokio::test]
async fn unjustified_is_a_live_connection_that_the_policy_would_not_accept_now() {
    let stage = Stage::new();
    let endpoint = accepted_by_hand(&stage, B).await;
    assert_eq!(of_kind(&stage, "unjustified").await, [id(&stage, "unjustified", &endpoint)]);
    // A person's grant covers it; and what merely waits is connected to nothing.
    stage.grant(Grantee::Endpoint(endpoint.parse().unwrap()), None);
    let (_, _) = stage.ask(B);
    assert_eq!(of_kind(&stage, "unjustified").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_grant_to_another_account_or_endpoint_covers_nothing() {
    let stage = Stage::new();
    let endpoint = accepted_by_hand(&stage, B).await;
    stage.grant(Grantee::Account(C.parse().unwrap()), None);
    stage.grant(Grantee::Endpoint("vpce-0123456789abcdef0".parse().unwrap()), None);
    assert_eq!(of_kind(&stage, "unjustified").await, [id(&stage, "unjustified", &endpoint)]);
    stage.grant(Grantee::Account(B.parse().unwrap()), None);
    assert_eq!(of_kind(&stage, "unjustified").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_policy_that_changes_makes_what_it_allowed_unjustified_and_back() {
    let mut stage = tidy();
    let endpoint = connected(&stage).await;
    stage.set_policy("@id(\"none\") forbid(principal, action == PrivateLink::Action::\"Accept\", resource);");
    assert_eq!(of_kind(&stage, "unjustified").await, [id(&stage, "unjustified", &endpoint)]);
    stage.set_policy("@id(\"all\") permit(principal, action == PrivateLink::Action::\"Accept\", resource);");
    assert_eq!(of_kind(&stage, "unjustified").await, Vec::<String>::new());
}

#[tokio::test]
async fn beyond_a_cap_the_newest_is_too_much_and_not_all() {
    let mut stage = tidy();
    stage.set_policy("@id(\"all\") permit(principal, action == PrivateLink::Action::\"Accept\", resource);");
    let mut endpoints = Vec::new();
    for _ in 0..3 {
        endpoints.push(connected(&stage).await);
    }
    let capped = "@id(\"two\") permit(principal, action == PrivateLink::Action::\"Accept\", resource)
        when { context.connections.ofAccount < 2 };";
    stage.set_policy(capped);
    assert_eq!(of_kind(&stage, "unjustified").await, [id(&stage, "unjustified", &endpoints[2])]);
    stage.set_policy(&capped.replace("< 2", "< 3"));
    assert_eq!(of_kind(&stage, "unjustified").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_role_that_was_proved_when_it_asked_stays_proved() {
    let mut stage = tidy();
    stage.set_policy(
        "@id(\"deployer\") permit(principal, action == PrivateLink::Action::\"Accept\", resource)
         when { context has requester && context.requester.role == \"arn:aws:iam::111122223333:role/team/network-deployer\" };",
    );
    let (endpoint, events) = stage.ask(A);
    let trail = events.iter().find(|event| event["source"] == "aws.ec2").unwrap();
    stage.deliver(trail).await.unwrap();
    stage.pass(SignedDuration::from_hours(1));
    assert_eq!(stage.state(&endpoint), "available");
    assert_eq!(found(&stage).await, Vec::<String>::new());
    stage.ledger.forget();
    assert_eq!(of_kind(&stage, "unjustified").await, [id(&stage, "unjustified", &endpoint)], "without a record there is no proof");
}

#[tokio::test]
async fn expired_grant_is_a_connection_that_outlived_its_grant() {
    let stage = Stage::new();
    let endpoint = accepted_by_hand(&stage, B).await;
    stage.grant(Grantee::Account(B.parse().unwrap()), Some(DAY * 30));
    assert_eq!(of_kind(&stage, "expired-grant").await, Vec::<String>::new());
    stage.pass(DAY * 31);
    let all = found(&stage).await;
    assert!(all.contains(&id(&stage, "expired-grant", &endpoint)), "{all:?}");
    assert!(!all.contains(&id(&stage, "unjustified", &endpoint)), "one trouble is one finding: {all:?}");
}

#[tokio::test]
async fn an_ended_grant_is_nothing_where_the_policy_or_a_newer_grant_allows() {
    let stage = tidy();
    connected(&stage).await;
    stage.grant(Grantee::Account(A.parse().unwrap()), Some(DAY));
    stage.pass(DAY * 2);
    assert_eq!(found(&stage).await, Vec::<String>::new());
}

#[tokio::test]
async fn unrecorded_is_a_live_connection_off_the_ledger() {
    let stage = tidy();
    let endpoint = connected(&stage).await;
    assert_eq!(of_kind(&stage, "unrecorded").await, Vec::<String>::new());
    stage.ledger.forget();
    assert_eq!(of_kind(&stage, "unrecorded").await, [id(&stage, "unrecorded", &endpoint)]);
}

#[tokio::test]
async fn a_connection_on_its_way_to_the_ledger_or_older_than_its_memory_is_not_unrecorded() {
    let stage = tidy();
    let (endpoint, _) = stage.ask(A);
    stage.aws.world().accept(PROVIDER, &stage.service, std::slice::from_ref(&endpoint)).unwrap();
    assert_eq!(of_kind(&stage, "unrecorded").await, Vec::<String>::new(), "it may be written this very moment");
    stage.pass(DAY * 401);
    assert_eq!(of_kind(&stage, "unrecorded").await, Vec::<String>::new(), "the ledger may have forgotten it");
}

#[tokio::test]
async fn overdue_is_an_allowed_request_that_nobody_answered() {
    let stage = tidy();
    let (endpoint, _lost) = stage.ask(A);
    assert_eq!(of_kind(&stage, "overdue").await, Vec::<String>::new(), "an event or a sweep may be on its way");
    stage.pass(SignedDuration::from_mins(20));
    assert_eq!(of_kind(&stage, "overdue").await, [id(&stage, "overdue", &endpoint)]);
    stage.sweep().await.unwrap();
    assert_eq!(of_kind(&stage, "overdue").await, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_only_observed_is_not_overdue_and_what_a_person_granted_is() {
    let mut stage = tidy();
    stage.observe = true;
    let (_, _) = stage.ask(A);
    stage.sweep().await.unwrap();
    stage.pass(DAY);
    assert_eq!(of_kind(&stage, "overdue").await, Vec::<String>::new());
    let stage = Stage::new();
    let (endpoint, _) = stage.ask(B);
    stage.grant(Grantee::Endpoint(endpoint.parse().unwrap()), None);
    stage.pass(SignedDuration::from_hours(1));
    assert_eq!(of_kind(&stage, "overdue").await, [id(&stage, "overdue", &endpoint)]);
}

#[tokio::test]
async fn waiting_is_told_after_a_day_and_again_at_growing_intervals() {
    let stage = Stage::new();
    let (endpoint, events) = stage.ask(B);
    stage.deliver(&events[0]).await.unwrap();
    stage.tell().await;
    drop(stage.outbox.take());
    let mut told_on = Vec::new();
    for hours in 0..(40 * 24) {
        if hours % 6 == 0 {
            stage.audit().await.unwrap();
            stage.tell().await;
            let about = |notice: &Notice| notice.text.contains("Waiting for a person") && notice.text.contains(&endpoint);
            told_on.extend(stage.outbox.take().iter().filter(|(_, notice)| about(notice)).map(|_| hours / 24));
        }
        stage.pass(SignedDuration::from_hours(1));
    }
    assert_eq!(told_on, [1, 3, 7, 14, 30]);
}

#[tokio::test]
async fn open_door_is_a_service_that_asks_nobody_and_critical_if_anybody_may_come() {
    let stage = tidy();
    stage.aws.world().modify_service(PROVIDER, &stage.service, acceptance(false)).unwrap();
    stage.audit().await.unwrap();
    let report: Value = serde_json::from_str(&stage.shelf.read("report.json")).unwrap();
    assert_eq!(severity(&report, "open-door"), Some("warning".to_owned()));
    allow(&stage, "*");
    stage.audit().await.unwrap();
    let report: Value = serde_json::from_str(&stage.shelf.read("report.json")).unwrap();
    assert_eq!(severity(&report, "open-door"), Some("critical".to_owned()));
    stage.aws.world().modify_service(PROVIDER, &stage.service, acceptance(true)).unwrap();
    assert_eq!(of_kind(&stage, "open-door").await, Vec::<String>::new());
}

fn acceptance(required: bool) -> local::world::ServiceChange {
    local::world::ServiceChange { acceptance_required: Some(required), ..Default::default() }
}

fn severity(report: &Value, kind: &str) -> Option<String> {
    let finding = report["findings"].as_array()?.iter().find(|finding| finding["kind"] == kind)?;
    finding["severity"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn wide_permission_is_one_for_somebody_the_policy_never_accepts() {
    let stage = tidy();
    let ou = "arn:aws:organizations::999988887777:ou/o-a1b2c3d4e5/ou-ab12-11112222";
    let wide = ["*", B, "arn:aws:iam::444455556666:role/deployer", "arn:aws:iam::444455556666:user/kim"];
    wide.iter().for_each(|principal| allow(&stage, principal));
    stage.aws.world().permissions_mut().push(Permission {
        id: "vpce-svc-perm-1".to_owned(),
        service_id: stage.service.clone(),
        principal: ou.to_owned(),
        principal_type: "OrganizationUnit".to_owned(),
    });
    let mut expected: Vec<String> = wide.iter().chain(&[ou]).map(|principal| id(&stage, "wide-permission", principal)).collect();
    expected.sort();
    let mut found = of_kind(&stage, "wide-permission").await;
    found.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_permission_is_not_wide_if_there_is_any_endpoint_time_or_unit_it_could_be_good_for() {
    for (policy, principal) in [
        // An account of the group, as a root, a bare id, a role.
        ("permit(principal == PrivateLink::Account::\"111122223333\", action == PrivateLink::Action::\"Accept\", resource)", A),
        (
            "permit(principal == PrivateLink::Account::\"111122223333\", action == PrivateLink::Action::\"Accept\", resource)",
            "arn:aws:iam::111122223333:role/deployer",
        ),
        // One endpoint that is not there yet; later; from elsewhere; below a cap.
        (
            "permit(principal, action == PrivateLink::Action::\"Accept\", resource) when { context.endpoint.id == \"vpce-0123456789abcdef0\" }",
            B,
        ),
        ("permit(principal, action == PrivateLink::Action::\"Accept\", resource) when { context.now > datetime(\"2030-01-01\") }", B),
        ("permit(principal, action == PrivateLink::Action::\"Accept\", resource) when { context.connections.ofAccount < 1 }", "*"),
        (
            "permit(principal, action == PrivateLink::Action::\"Accept\", resource) when { context has requester && context.requester.role == \"arn:aws:iam::444455556666:role/x\" }",
            "arn:aws:iam::444455556666:role/x",
        ),
    ] {
        let stage = tidy().with_policy(&format!("@id(\"p\") {policy};"));
        forbid(&stage, A);
        allow(&stage, principal);
        assert_eq!(of_kind(&stage, "wide-permission").await, Vec::<String>::new(), "{policy} {principal}");
    }
}

#[tokio::test]
async fn accounts_are_compared_as_ids_and_never_as_pieces_of_text() {
    // B's id stands inside a role's name and inside the text of another principal.
    let stage = tidy().with_policy(
        "@id(\"p\") permit(principal == PrivateLink::Account::\"444455556666\", action == PrivateLink::Action::\"Accept\", resource);",
    );
    forbid(&stage, A);
    allow(&stage, "arn:aws:iam::777788889999:role/for-444455556666");
    let all = found(&stage).await;
    assert!(all.contains(&id(&stage, "wide-permission", "arn:aws:iam::777788889999:role/for-444455556666")), "{all:?}");
    assert!(all.contains(&id(&stage, "cannot-ask", B)), "{all:?}");
}

#[tokio::test]
async fn cannot_ask_is_an_account_that_the_policy_accepts_and_no_permission_lets_in() {
    let stage = tidy();
    assert_eq!(of_kind(&stage, "cannot-ask").await, Vec::<String>::new());
    forbid(&stage, A);
    assert_eq!(of_kind(&stage, "cannot-ask").await, [id(&stage, "cannot-ask", A)]);
    for principal in ["*", A, "arn:aws:iam::111122223333:role/deployer"] {
        allow(&stage, principal);
        assert_eq!(of_kind(&stage, "cannot-ask").await, Vec::<String>::new(), "{principal}");
        stage.aws.world().modify_permissions(PROVIDER, &stage.service, &[], &[principal.to_owned()]).unwrap();
    }
}

#[tokio::test]
async fn silent_service_is_one_whose_requests_are_not_announced_to_us() {
    let stage = tidy();
    let silence = || of_kind(&stage, "silent-service");
    assert_eq!(silence().await, Vec::<String>::new());
    stage.aws.world().notifications_mut().for_each(|n| n.state = "Disabled".to_owned());
    let expected = [format!("silent-service/{}", stage.service)];
    assert_eq!(silence().await, expected, "disabled");
    stage.aws.world().notifications_mut().for_each(|n| {
        n.state = "Enabled".to_owned();
        n.events = vec!["Delete".to_owned()];
    });
    assert_eq!(silence().await, expected, "not for Connect");
    stage.aws.world().notifications_mut().for_each(|n| {
        n.events = vec!["Connect".to_owned()];
        n.topic_arn = format!("{TOPIC}-of-somebody-else");
    });
    assert_eq!(silence().await, expected, "elsewhere");
    stage.aws.world().create_notification(PROVIDER, &stage.service, TOPIC, &["Connect".to_owned()]).unwrap();
    assert_eq!(silence().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_gateway_load_balancer_service_is_silent_by_design_and_judged_like_the_others() {
    let stage = tidy();
    let new = NewService {
        kind: "GatewayLoadBalancer".to_owned(),
        load_balancer_arns: vec!["arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/gwy/fw/0123456789abcdef".to_owned()],
        tags: [("Name".to_owned(), "redis".to_owned())].into(),
        ..NewService::default()
    };
    let service = stage.aws.world().create_service(PROVIDER, new).unwrap();
    stage.aws.world().modify_permissions(PROVIDER, &service.id, &[root(A), root(C)], &[]).unwrap();
    let (endpoint, _) = stage.aws.world().create_endpoint(C, &service.name, NewEndpoint::default()).unwrap();
    stage.aws.world().accept(PROVIDER, &service.id, std::slice::from_ref(&endpoint.id)).unwrap();
    stage.pass(SignedDuration::from_hours(1));
    let all = found(&stage).await;
    assert!(all.contains(&format!("unjustified/{}/{}", service.id, endpoint.id)), "{all:?}");
    assert!(!all.iter().any(|id| id.starts_with("silent-service")), "{all:?}");
}

#[tokio::test]
async fn closed_region_is_a_connection_from_where_the_service_is_offered_no_more() {
    let mut stage = tidy();
    stage.set_policy("@id(\"all\") permit(principal, action == PrivateLink::Action::\"Accept\", resource);");
    let change = |add: &[&str], remove: &[&str]| local::world::ServiceChange {
        add_supported_regions: add.iter().map(|region| (*region).to_owned()).collect(),
        remove_supported_regions: remove.iter().map(|region| (*region).to_owned()).collect(),
        ..Default::default()
    };
    stage.aws.world().modify_service(PROVIDER, &stage.service, change(&["eu-west-1"], &[])).unwrap();
    let name = format!("com.amazonaws.vpce.us-east-1.{}", stage.service);
    let new = NewEndpoint { region: Some("eu-west-1".to_owned()), ..NewEndpoint::default() };
    let (endpoint, _) = stage.aws.world().create_endpoint(A, &name, new).unwrap();
    stage.sweep().await.unwrap();
    connected(&stage).await;
    assert_eq!(of_kind(&stage, "closed-region").await, Vec::<String>::new());
    stage.aws.world().modify_service(PROVIDER, &stage.service, change(&[], &["eu-west-1"])).unwrap();
    assert_eq!(of_kind(&stage, "closed-region").await, [id(&stage, "closed-region", &endpoint.id)]);
    stage.aws.world().connection_mut(&endpoint.id).unwrap().region = None;
    assert_eq!(of_kind(&stage, "closed-region").await, Vec::<String>::new(), "an unnamed Region is no closed one");
}

#[tokio::test]
async fn policy_error_is_told_once_by_its_id_and_not_as_a_thousand_strangers() {
    let stage = tidy();
    let mut stage = stage.with_policy("@id(\"all\") permit(principal, action == PrivateLink::Action::\"Accept\", resource);");
    for _ in 0..3 {
        connected(&stage).await;
    }
    let erring = |limit: &str| {
        format!(
            "@id(\"all\") permit(principal, action == PrivateLink::Action::\"Accept\", resource);
             @id(\"arithmetic\") forbid(principal, action == PrivateLink::Action::\"Accept\", resource)
             when {{ context.connections.ofService * {limit} < 0 }};"
        )
    };
    stage.set_policy(&erring("2"));
    assert_eq!(found(&stage).await, Vec::<String>::new());
    // Fails for the second and third connection: 1 * the greatest number there is still goes.
    stage.set_policy(&erring("9223372036854775807"));
    assert_eq!(found(&stage).await, ["policy-error/policy/arithmetic"]);
}

#[tokio::test]
async fn expiring_soon_is_a_justification_that_ends_within_two_weeks() {
    let stage = tidy().with_policy(
        "@id(\"june\") permit(principal, action == PrivateLink::Action::\"Accept\", resource) when { context.now < datetime(\"2026-07-01\") };",
    );
    let endpoint = connected(&stage).await;
    assert_eq!(of_kind(&stage, "expiring-soon").await, Vec::<String>::new(), "a month is not soon");
    stage.pass(DAY * 20);
    assert_eq!(of_kind(&stage, "expiring-soon").await, [id(&stage, "expiring-soon", &endpoint)]);
    assert!(stage.shelf.read("report.json").contains("within 10 days"), "{}", stage.shelf.read("report.json"));
    stage.grant(Grantee::Account(A.parse().unwrap()), None);
    assert_eq!(of_kind(&stage, "expiring-soon").await, Vec::<String>::new(), "a grant goes on");
}

#[tokio::test]
async fn a_grant_that_ends_soon_is_told_only_where_nothing_else_justifies() {
    let stage = Stage::new();
    let theirs = accepted_by_hand(&stage, B).await;
    connected(&stage).await;
    for account in [A, B] {
        stage.grant(Grantee::Account(account.parse().unwrap()), Some(DAY * 7));
    }
    assert_eq!(of_kind(&stage, "expiring-soon").await, [id(&stage, "expiring-soon", &theirs)]);
}

#[tokio::test]
async fn unknown_state_is_named_and_not_guessed() {
    let stage = tidy();
    let endpoint = connected(&stage).await;
    stage.aws.world().connection_mut(&endpoint).unwrap().state = "hibernating".to_owned();
    assert_eq!(found(&stage).await, [id(&stage, "unknown-state", &endpoint)]);
    for state in ["rejected", "deleted", "expired", "failed", "deleting"] {
        stage.aws.world().connection_mut(&endpoint).unwrap().state = state.to_owned();
        assert_eq!(found(&stage).await, Vec::<String>::new(), "{state}");
    }
}

#[tokio::test]
async fn unused_policy_is_a_permit_or_a_group_that_nobody_matched_for_long() {
    let stage = tidy();
    stage.audit().await.unwrap();
    stage.pass(DAY * 91);
    let unused = || of_kind(&stage, "unused-policy");
    assert_eq!(unused().await, ["unused-policy/policy/redis-consumers", "unused-policy/group/redis-consumers"]);
    // Somebody came and went: that is use, too.
    let endpoint = connected(&stage).await;
    assert_eq!(unused().await, Vec::<String>::new());
    stage.aws.world().delete_endpoints(A, std::slice::from_ref(&endpoint));
    stage.pass(DAY * 80);
    assert_eq!(unused().await, Vec::<String>::new());
    stage.pass(DAY * 11);
    assert_eq!(unused().await.len(), 2);
}

#[tokio::test]
async fn a_policy_that_is_new_has_not_had_its_chance() {
    let mut stage = tidy();
    stage.audit().await.unwrap();
    stage.pass(DAY * 91);
    stage.set_policy(
        "@id(\"new\") permit(principal == PrivateLink::Account::\"777788889999\", action == PrivateLink::Action::\"Accept\", resource);",
    );
    assert_eq!(of_kind(&stage, "unused-policy").await, Vec::<String>::new());
}

#[tokio::test]
async fn whom_to_turn_away_need_not_come() {
    let stage = tidy().with_policy(
        "@id(\"closed\") permit(principal == PrivateLink::Account::\"000011112222\", action == PrivateLink::Action::\"Reject\", resource);",
    );
    stage.audit().await.unwrap();
    stage.pass(DAY * 91);
    assert_eq!(of_kind(&stage, "unused-policy").await, Vec::<String>::new());
}

// ---- news only -----------------------------------------------------------------------------------------------------------

/// What was told of audits since the last time.
async fn news(stage: &Stage) -> Vec<Notice> {
    stage.audit().await.unwrap();
    stage.tell().await;
    let told = stage.outbox.take().into_iter().map(|(_, notice)| notice);
    told.filter(|notice| notice.attributes.contains(&("decision", "audit".to_owned()))).collect()
}

#[tokio::test]
async fn each_change_is_told_once_in_one_message_and_a_second_run_is_silent() {
    let stage = Stage::new();
    let endpoint = accepted_by_hand(&stage, B).await;
    let first = news(&stage).await;
    assert_eq!(first.len(), 1, "one message for one owner");
    assert!(first[0].attributes.contains(&("severity", "critical".to_owned())));
    insta::assert_snapshot!("audit_digest_subject", first[0].subject);
    insta::assert_snapshot!("audit_digest_text", first[0].text);
    assert_eq!(news(&stage).await, Vec::new(), "nothing changed");
    stage.pass(DAY * 2);
    stage.grant(Grantee::Endpoint(endpoint.parse().unwrap()), None);
    forbid(&stage, B);
    let mended = news(&stage).await;
    assert_eq!(mended.len(), 1);
    insta::assert_snapshot!("audit_resolved_text", mended[0].text);
    assert_eq!(stage.ledger.open_ids(), Vec::<String>::new());
    assert_eq!(news(&stage).await, Vec::new());
}

#[tokio::test]
async fn a_finding_that_becomes_worse_is_told_again_and_one_that_becomes_better_is_not() {
    let stage = tidy();
    stage.aws.world().modify_service(PROVIDER, &stage.service, acceptance(false)).unwrap();
    assert_eq!(news(&stage).await.len(), 1);
    allow(&stage, "*");
    let worse = news(&stage).await;
    assert!(worse[0].text.contains("Worse than before"), "{}", worse[0].text);
    stage.aws.world().modify_permissions(PROVIDER, &stage.service, &[], &["*".to_owned()]).unwrap();
    let better = news(&stage).await;
    assert!(better.iter().all(|notice| !notice.text.contains("switched off")), "{better:?}");
}

#[tokio::test]
async fn owners_are_told_of_their_own_services_each_in_one_message() {
    let stage = Stage::new();
    let topic = "arn:aws:sns:us-east-1:123456789012:warden-redis-team";
    let tag = ("warden:owner-topic".to_owned(), topic.to_owned());
    stage.aws.world().create_tags(PROVIDER, std::slice::from_ref(&stage.service), &[tag]).unwrap();
    let other = NewService {
        load_balancer_arns: vec!["arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/x/0123456789abcdef".to_owned()],
        acceptance_required: false,
        ..NewService::default()
    };
    let other = stage.aws.world().create_service(PROVIDER, other).unwrap();
    accepted_by_hand(&stage, B).await;
    stage.tell().await;
    drop(stage.outbox.take());
    stage.audit().await.unwrap();
    stage.tell().await;
    let told: Vec<(String, String)> = stage.outbox.take().into_iter().map(|(topic, notice)| (topic, notice.text)).collect();
    assert_eq!(told.len(), 2);
    let of = |topic: &str| told.iter().find(|(to, _)| to == topic).map(|(_, text)| text.as_str()).unwrap();
    assert!(of(topic).contains(&stage.service) && !of(topic).contains(&other.id));
    assert!(of("arn:aws:sns:us-east-1:123456789012:warden-owners").contains(&other.id));
}

#[tokio::test]
async fn two_runs_at_once_tell_everything_once() {
    let stage = Stage::new();
    accepted_by_hand(&stage, B).await;
    stage.tell().await;
    drop(stage.outbox.take());
    // The second run goes through as the first is about to write.
    let ledger = stage.ledger.clone();
    let (sender, receiver) = std::sync::mpsc::channel();
    let other = stage.twin();
    stage.ledger.faults.meanwhile("TransactWriteItems", move || {
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(other.audit()).unwrap();
            sender.send(()).unwrap();
        });
        receiver.recv_timeout(Duration::from_secs(30)).expect("the other run ends");
    });
    stage.audit().await.unwrap();
    stage.tell().await;
    assert_eq!(stage.outbox.take().len(), 1);
    assert!(!ledger.open_ids().is_empty());
}

// ---- trouble -------------------------------------------------------------------------------------------------------------

async fn unseen(stage: &Stage) -> Vec<String> {
    stage.audit().await.unwrap().unseen
}

#[tokio::test]
async fn what_could_not_be_seen_is_named_and_nothing_about_it_is_taken_for_mended() {
    let stage = Stage::new();
    accepted_by_hand(&stage, B).await;
    drop(news(&stage).await);
    let open = stage.ledger.open_ids();
    assert!(!open.is_empty());
    // The world is mended, and the audit cannot see it.
    forbid(&stage, B);
    let call = |name: &'static str, code: &'static str| {
        stage.aws.faults.next(name, &[Fault::Before(code)]);
        name
    };
    for (name, code) in [
        ("DescribeVpcEndpointServiceConfigurations", "UnauthorizedOperation"),
        ("DescribeVpcEndpointServicePermissions", "RequestLimitExceeded"),
    ] {
        let failed = call(name, code);
        let unseen = unseen(&stage).await;
        assert!(unseen.iter().any(|what| what.contains(failed) && what.contains(code)), "{unseen:?}");
        assert!(stage.ledger.open_ids().iter().any(|id| id.starts_with("wide-permission")), "{failed}: {:?}", stage.ledger.open_ids());
    }
    stage.aws.faults.next("DescribeVpcEndpointConnections", &[Fault::Before("InternalError")]);
    drop(unseen(&stage).await);
    assert!(stage.ledger.open_ids().iter().any(|id| id.starts_with("unjustified")));
    assert!(!stage.ledger.open_ids().iter().any(|id| id.starts_with("wide-permission")), "permissions were seen this time");
}

#[tokio::test]
async fn a_ledger_that_cannot_be_read_makes_nobody_a_stranger() {
    let stage = Stage::new();
    let endpoint = accepted_by_hand(&stage, B).await;
    stage.grant(Grantee::Endpoint(endpoint.parse().unwrap()), None);
    stage.ledger.faults.next("RecallQuery", &[Fault::Before("ThrottlingException")]);
    let summary = stage.audit().await.unwrap();
    assert!(summary.unseen.iter().any(|what| what.contains("ledger")), "{:?}", summary.unseen);
    assert!(!stage.shelf.findings().iter().any(|id| id.starts_with("unjustified") || id.starts_with("unrecorded")));
}

#[tokio::test]
async fn a_service_that_vanishes_on_the_way_is_named_and_the_others_are_judged() {
    let stage = Stage::new();
    let endpoint = accepted_by_hand(&stage, B).await;
    let gone = NewService {
        load_balancer_arns: vec!["arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/x/0123456789abcdef".to_owned()],
        ..NewService::default()
    };
    let gone = stage.aws.world().create_service(PROVIDER, gone).unwrap().id;
    let (aws, id) = (stage.aws.clone(), gone.clone());
    stage.aws.faults.meanwhile("DescribeVpcEndpointServicePermissions", move || {
        aws.world().delete_services(PROVIDER, &[id]);
    });
    let summary = stage.audit().await.unwrap();
    assert!(summary.unseen.iter().any(|what| what.contains(&gone)), "{:?}", summary.unseen);
    assert!(stage.shelf.findings().contains(&format!("unjustified/{}/{endpoint}", stage.service)));
    assert_eq!(unseen(&stage).await, Vec::<String>::new(), "the next run knows it no more");
}

#[tokio::test]
async fn a_deleted_service_takes_its_findings_with_it() {
    let stage = tidy();
    stage.aws.world().modify_service(PROVIDER, &stage.service, acceptance(false)).unwrap();
    drop(news(&stage).await);
    stage.aws.world().delete_services(PROVIDER, std::slice::from_ref(&stage.service));
    let told = news(&stage).await;
    assert!(told[0].text.contains("Resolved"), "{}", told[0].text);
}

#[tokio::test]
async fn a_connection_without_owner_or_time_is_named_and_one_without_a_region_is_judged() {
    let stage = tidy();
    let endpoint = connected(&stage).await;
    let put = |owner: Option<&str>, created: bool, region: Option<&str>| {
        let mut world = stage.aws.world();
        let connection = world.connection_mut(&endpoint).unwrap();
        connection.owner = owner.map(str::to_owned);
        connection.created = created.then(start_of_story);
        connection.region = region.map(str::to_owned);
    };
    for (owner, created) in [(None, true), (Some(A), false)] {
        put(owner, created, Some("us-east-1"));
        let summary = stage.audit().await.unwrap();
        assert!(summary.unseen.iter().any(|what| what.contains(&endpoint)), "{:?}", summary.unseen);
        assert_eq!(stage.shelf.findings(), Vec::<String>::new());
    }
    put(Some(A), true, None);
    assert_eq!(unseen(&stage).await, Vec::<String>::new());
    assert!(stage.shelf.read("connections.csv").contains("policy redis-consumers"));
}

#[tokio::test]
async fn a_permission_of_an_unknown_type_is_named() {
    let stage = tidy();
    stage.aws.world().permissions_mut().push(Permission {
        id: "vpce-svc-perm-1".to_owned(),
        service_id: stage.service.clone(),
        principal: "redis.example.com".to_owned(),
        principal_type: "Service".to_owned(),
    });
    let unseen = unseen(&stage).await;
    assert!(unseen[0].contains("redis.example.com") && unseen[0].contains("Service"), "{unseen:?}");
    assert_eq!(stage.shelf.findings(), Vec::<String>::new());
}

#[tokio::test]
async fn an_entry_of_a_newer_version_is_named_and_is_no_proof_of_absence() {
    let stage = tidy();
    let endpoint = connected(&stage).await;
    stage.ledger.forget();
    stage.ledger.write_newer(&stage.service, &endpoint);
    assert!(unseen(&stage).await[0].contains("newer version"));
    assert_eq!(stage.shelf.findings(), Vec::<String>::new());
}

#[tokio::test]
async fn a_report_that_cannot_be_kept_is_the_one_error_and_its_news_is_told_all_the_same() {
    let stage = Stage::new();
    accepted_by_hand(&stage, B).await;
    stage.shelf.faults.next("PutObject", &[Fault::Before("AccessDenied")]);
    let error = stage.audit().await.unwrap_err();
    assert_eq!(error.kind(), "ReportNotKept");
    assert!(!stage.ledger.open_ids().is_empty());
    assert_eq!(news(&stage).await.len(), 1, "told once, from the first run's record");
}

#[tokio::test]
async fn news_that_cannot_be_recorded_is_told_by_the_next_run() {
    let stage = Stage::new();
    accepted_by_hand(&stage, B).await;
    stage.ledger.faults.next("TransactWriteItems", &[Fault::Before("InternalServerError")]);
    let unseen = unseen(&stage).await;
    assert!(unseen.iter().any(|what| what.contains("the next run will tell it")), "{unseen:?}");
    stage.tell().await;
    drop(stage.outbox.take());
    assert_eq!(news(&stage).await.len(), 1);
}

#[tokio::test]
async fn a_run_near_its_deadline_says_what_it_left_out() {
    let stage = Stage::new();
    accepted_by_hand(&stage, B).await;
    let summary = stage.audit_within(Duration::ZERO).await.unwrap();
    assert!(summary.unseen.iter().any(|what| what.contains("deadline")), "{:?}", summary.unseen);
    assert!(stage.shelf.read("report.html").contains("This audit is not complete"));
}

#[tokio::test]
async fn pages_are_read_to_the_end_and_calls_are_pages() {
    let stage = tidy();
    stage.aws.world().set_page_size_max(5);
    for _ in 0..12 {
        connected(&stage).await;
    }
    drop(stage.aws.faults.take_calls());
    let summary = stage.audit().await.unwrap();
    assert_eq!((summary.connected, stage.shelf.findings()), (12, Vec::new()));
    let calls = stage.aws.faults.take_calls();
    let pages = calls.iter().filter(|call| **call == "DescribeVpcEndpointConnections").count();
    assert_eq!(pages, 1 + 3 + 2, "one to see that it is large, three counted, the first of them kept, two read again");
    assert!(!calls.iter().any(|call| call.starts_with("Accept") || call.starts_with("Reject")));
}

#[tokio::test]
async fn names_that_somebody_chose_are_inert_in_every_form() {
    let stage = Stage::new();
    let name = "=1+1<script>alert(1)</script>\"'&\u{202e}";
    let tag = ("Name".to_owned(), name.to_owned());
    stage.aws.world().create_tags(PROVIDER, std::slice::from_ref(&stage.service), &[tag]).unwrap();
    accepted_by_hand(&stage, B).await;
    stage.audit().await.unwrap();
    let page = stage.shelf.read("report.html");
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"), "{page}");
    assert!(stage.shelf.read("connections.csv").contains("'=1+1"));
    let report: Value = serde_json::from_str(&stage.shelf.read("report.json")).unwrap();
    assert_eq!(report["services"][0]["name"], name);
}

#[tokio::test]
async fn the_forms_agree() {
    let stage = Stage::new();
    accepted_by_hand(&stage, B).await;
    connected(&stage).await;
    stage.audit().await.unwrap();
    let report: Value = serde_json::from_str(&stage.shelf.read("report.json")).unwrap();
    assert_eq!(report["totals"]["connected"], 2);
    let findings = report["findings"].as_array().unwrap().len();
    assert_eq!(stage.shelf.read("findings.csv").lines().count(), findings + 1);
    let events: Vec<Value> = stage.shelf.read("findings.ocsf.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), findings);
    for event in events {
        assert_eq!((&event["class_uid"], &event["type_uid"]), (&Value::from(2003), &Value::from(200_301)));
    }
    assert_eq!(stage.shelf.read("report.html").matches("<article").count(), findings);
    // Seen again, it is an update; gone, it is closed.
    stage.pass(SignedDuration::from_hours(1));
    forbid(&stage, B);
    stage.audit().await.unwrap();
    let events = stage.shelf.read("findings.ocsf.jsonl");
    assert!(events.contains("\"activity_name\":\"Update\"") && events.contains("\"activity_name\":\"Close\""), "{events}");
}

// ---- what an audit must not get wrong ------------------------------------------------------------------------------------

#[tokio::test]
async fn a_run_without_time_resolves_nothing() {
    let stage = tidy();
    stage.aws.world().modify_service(PROVIDER, &stage.service, acceptance(false)).unwrap();
    drop(news(&stage).await);
    let open = stage.ledger.open_ids();
    assert!(!open.is_empty());
    let summary = stage.audit_within(Duration::ZERO).await.unwrap();
    assert_eq!((summary.resolved, stage.ledger.open_ids()), (0, open));
}

#[tokio::test]
async fn what_is_open_and_not_looked_at_still_counts_and_stands_in_the_report() {
    let stage = Stage::new();
    let endpoint = accepted_by_hand(&stage, B).await;
    drop(news(&stage).await);
    stage.aws.faults.next("DescribeVpcEndpointConnections", &[Fault::Before("UnauthorizedOperation")]);
    let summary = stage.audit().await.unwrap();
    assert_eq!(summary.open(warden::finding::Severity::Critical), 1, "an alarm on it must not end");
    assert!(stage.shelf.findings().contains(&id(&stage, "unjustified", &endpoint)));
    assert!(stage.shelf.read("report.html").contains("could not look at it"));
    stage.tell().await;
    assert!(stage.outbox.take().iter().all(|(_, notice)| !notice.text.contains("good news")));
}

#[tokio::test]
async fn a_grant_of_a_newer_version_makes_nobody_a_stranger() {
    let stage = Stage::new();
    accepted_by_hand(&stage, B).await;
    let (waiting, _) = stage.ask(B);
    stage.grant(Grantee::Endpoint(waiting.parse().unwrap()), None);
    stage.pass(SignedDuration::from_hours(1));
    stage.audit().await.unwrap();
    assert!(stage.ledger.open_ids().contains(&id(&stage, "overdue", &waiting)), "{:?}", stage.ledger.open_ids());
    let before = stage.ledger.open_ids();
    stage.ledger.write_newer_grant(&stage.service);
    let summary = stage.audit().await.unwrap();
    assert!(summary.unseen.iter().any(|what| what.contains("newer version")), "{:?}", summary.unseen);
    assert_eq!((summary.opened, summary.resolved, stage.ledger.open_ids()), (0, 0, before));
    let fresh = Stage::new();
    accepted_by_hand(&fresh, B).await;
    fresh.ledger.write_newer_grant(&fresh.service);
    assert_eq!(of_kind(&fresh, "unjustified").await, Vec::<String>::new());
}

#[tokio::test]
async fn an_open_finding_that_cannot_be_read_holds_up_no_other() {
    let stage = Stage::new();
    accepted_by_hand(&stage, B).await;
    drop(news(&stage).await);
    stage.ledger.scramble(&stage.ledger.open_ids());
    stage.aws.world().modify_service(PROVIDER, &stage.service, acceptance(false)).unwrap();
    let told = news(&stage).await;
    assert!(told[0].text.contains("Acceptance is switched off"), "{}", told[0].text);
    assert!(!told[0].text.contains("Connected, and no policy allows it"), "{}", told[0].text);
}

#[tokio::test]
async fn a_severity_that_falls_and_rises_again_is_told_again() {
    let stage = tidy();
    stage.aws.world().modify_service(PROVIDER, &stage.service, acceptance(false)).unwrap();
    allow(&stage, "*");
    assert!(news(&stage).await[0].attributes.contains(&("severity", "critical".to_owned())));
    stage.aws.world().modify_permissions(PROVIDER, &stage.service, &[], &["*".to_owned()]).unwrap();
    drop(news(&stage).await);
    assert_eq!(news(&stage).await, Vec::new());
    allow(&stage, "*");
    let again = news(&stage).await;
    assert!(again[0].text.contains("Worse than before") && again[0].text.contains("Every AWS account"), "{}", again[0].text);
}

#[tokio::test]
async fn a_request_that_a_new_policy_allows_is_not_overdue_before_a_sweep_had_its_time() {
    let mut stage = Stage::new();
    let (endpoint, _) = stage.ask(B);
    stage.audit().await.unwrap();
    stage.pass(DAY * 3);
    stage.set_policy("@id(\"all\") permit(principal, action == PrivateLink::Action::\"Accept\", resource);");
    assert_eq!(of_kind(&stage, "overdue").await, Vec::<String>::new());
    stage.pass(SignedDuration::from_mins(20));
    assert_eq!(of_kind(&stage, "overdue").await, [id(&stage, "overdue", &endpoint)]);
}

#[tokio::test]
async fn who_would_have_found_no_place_is_not_overdue_while_the_warden_only_observes() {
    let mut stage = tidy().with_policy(&format!(
        "@id(\"cap\") permit(principal == PrivateLink::Account::\"{A}\", action == PrivateLink::Action::\"Accept\", resource)
           when {{ context.connections.ofAccount < 1 }};"
    ));
    stage.observe = true;
    stage.audit().await.unwrap();
    let (_first, _) = stage.ask(A);
    let (_second, _) = stage.ask(A);
    stage.sweep().await.unwrap();
    stage.pass(SignedDuration::from_hours(1));
    assert_eq!(of_kind(&stage, "overdue").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_cap_is_judged_in_the_order_of_acceptance() {
    let mut stage = Stage::new();
    let (old, _) = stage.ask(B);
    let policy = |account: &str, cap: &str| {
        format!(
            "@id(\"p\") permit(principal == PrivateLink::Account::\"{account}\", action == PrivateLink::Action::\"Accept\", resource) {cap};"
        )
    };
    // A comes later, and is let in while there is place; B's old request only under a later policy.
    stage.set_policy(&policy(A, "when { context.connections.ofService < 1 }"));
    connected(&stage).await;
    let both = format!("{} {}", policy(A, "when { context.connections.ofService < 1 }"), policy(B, "").replace("\"p\"", "\"q\""));
    stage.set_policy(&both);
    stage.sweep().await.unwrap();
    stage.pass(SignedDuration::from_hours(1));
    assert_eq!(stage.state(&old), "available");
    assert_eq!(of_kind(&stage, "unjustified").await, Vec::<String>::new());
}

#[tokio::test]
async fn whom_somebody_let_in_by_hand_takes_no_place_from_those_that_the_warden_let_in() {
    let stage = Stage::new().with_policy(&format!(
        "@id(\"cap\") permit(principal == PrivateLink::Account::\"{A}\", action == PrivateLink::Action::\"Accept\", resource)
           when {{ context.connections.ofService < 1 }};"
    ));
    let (older, _) = stage.ask(B);
    stage.pass(SignedDuration::from_mins(1));
    let allowed = connected(&stage).await;
    stage.aws.world().accept(PROVIDER, &stage.service, std::slice::from_ref(&older)).unwrap();
    stage.pass(SignedDuration::from_hours(1));
    assert_eq!((stage.state(&older).as_str(), stage.state(&allowed).as_str()), ("available", "available"));
    assert_eq!(of_kind(&stage, "unjustified").await, [id(&stage, "unjustified", &older)]);
}

#[tokio::test]
async fn who_is_connected_without_owner_or_record_is_not_on_the_record() {
    let stage = tidy();
    let endpoint = accepted_by_hand(&stage, A).await;
    stage.aws.world().connection_mut(&endpoint).unwrap().owner = None;
    stage.ledger.forget();
    assert_eq!(of_kind(&stage, "unrecorded").await, [id(&stage, "unrecorded", &endpoint)]);
}

#[tokio::test]
async fn a_provider_may_use_its_own_service_without_a_permission() {
    let stage = tidy().with_policy(&format!(
        "@id(\"own\") permit(principal == PrivateLink::Account::\"{PROVIDER}\", action == PrivateLink::Action::\"Accept\", resource);"
    ));
    assert_eq!(of_kind(&stage, "cannot-ask").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_very_long_list_of_news_still_fits_into_a_message() {
    let reason = "a reason of some length ".repeat(20);
    let mut stage = Stage::new().with_policy(&format!(
        "@id(\"closed\") @reason(\"{reason}\") forbid(principal, action == PrivateLink::Action::\"Accept\", resource);"
    ));
    for _ in 0..40 {
        accepted_by_hand(&stage, B).await;
    }
    stage.tell().await;
    drop(stage.outbox.take());
    let told = news(&stage).await;
    assert!(told[0].body().len() < 262_144, "{}", told[0].body().len());
    assert!(told[0].text.contains("more: see the report"), "{}", told[0].text);
    assert!(told[0].subject.contains("new"));
    stage.set_policy("@id(\"all\") permit(principal, action == PrivateLink::Action::\"Accept\", resource);");
    let gone = news(&stage).await;
    assert!(gone[0].body().len() < 262_144, "{}", gone[0].body().len());
}
