//! What is found of connections: by whom they are justified, on which record, and for how long they wait.

use super::*;

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
async fn a_connection_that_is_being_set_up_is_a_stranger_s_unless_its_role_may_be_proved_yet() {
    let by_role = "permit(principal, action == PrivateLink::Action::\"Accept\", resource)
        when { context has requester && context.requester.role like \"*:role/team/*\" };";
    let to_another =
        by_role.replace("context has requester && context.requester.role like \"*:role/team/*\"", "context.connections.ofAccount < 0");
    for (rule, at_once) in [(by_role, false), (&to_another, true)] {
        let mut stage = tidy();
        stage.set_policy(&format!("@id(\"rule\") {rule}"));
        let (endpoint, _events) = stage.ask(A);
        stage.aws.world().accept(PROVIDER, &stage.service, std::slice::from_ref(&endpoint)).unwrap();
        let unjustified = vec![id(&stage, "unjustified", &endpoint)];
        let while_pending = of_kind(&stage, "unjustified").await;
        assert_eq!(while_pending, if at_once { unjustified.clone() } else { Vec::new() }, "{rule}");
        stage.pass(SignedDuration::from_hours(1));
        assert_eq!(of_kind(&stage, "unjustified").await, unjustified, "no event came to prove anything");
    }
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
            let about = |notice: &Message| notice.text.contains("Waiting for a person") && notice.text.contains(&endpoint);
            told_on.extend(stage.outbox.take().iter().filter(|(_, notice)| about(notice)).map(|_| hours / 24));
        }
        stage.pass(SignedDuration::from_hours(1));
    }
    assert_eq!(told_on, [1, 3, 7, 14, 30]);
}
