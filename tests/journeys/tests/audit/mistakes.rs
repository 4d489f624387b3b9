//! What an audit must not get wrong: each of these was once, or nearly.

use super::*;

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
    assert_eq!(summary.open(warden::model::severity::Severity::Critical), 1, "an alarm on it must not end");
    assert!(stage.shelf.findings().contains(&id(&stage, "unjustified", &endpoint)));
    assert!(stage.shelf.read("report.html").contains("could not check it"));
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
    assert_eq!(of_kind(&stage, "missing-permission").await, Vec::<String>::new());
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
