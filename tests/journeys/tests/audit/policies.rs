//! What is found of policies and grants: which fail, which end, which nobody needs.

use super::*;

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
