//! Findings of grants and policies that end: `expiring-soon`; and grants that this version cannot read.

use super::*;
use scenarios::permit_account;
use warden::decision::grant::Grantee;

#[tokio::test]
async fn justification_near_its_end_is_expiring_soon() {
    let env = without_findings().with_policy(&permit_account("june", ALLOWED, "context.now < datetime(\"2026-07-01\")"));
    let endpoint = accepted(&env).await;
    assert_eq!(found(&env, "expiring-soon").await, NONE, "a month is not soon");
    env.pass(DAY * 20);
    assert_eq!(found(&env, "expiring-soon").await, [endpoint]);
    assert!(env.reports.read("report.json").contains("within 10 days"), "{}", env.reports.read("report.json"));
    env.grant_account(ALLOWED);
    assert_eq!(found(&env, "expiring-soon").await, NONE, "the grant does not end");
}

#[tokio::test]
async fn ending_grant_is_told_without_other_justification() {
    let env = TestEnvironment::new();
    let granted = accepted_manually(&env, UNLISTED).await;
    accepted(&env).await;
    for account in [ALLOWED, UNLISTED] {
        env.grant(Grantee::Account(account.parse().unwrap()), Some(DAY * 7));
    }
    assert_eq!(found(&env, "expiring-soon").await, [granted]);
}

#[tokio::test]
async fn grant_of_newer_version_leaves_findings_alone() {
    let env = TestEnvironment::new();
    accepted_manually(&env, UNLISTED).await;
    let waiting = env.request(UNLISTED).endpoint;
    env.grant_endpoint(&waiting);
    env.pass(HOUR);
    env.audit().await.unwrap();
    let before = env.ledger.open_ids();
    assert!(before.contains(&format!("overdue/{}/{waiting}", env.service)), "{before:?}");
    env.ledger.put_newer_grant(&env.service);
    let summary = env.audit().await.unwrap();
    assert!(summary.unseen.iter().any(|part| part.contains("newer version")), "{:?}", summary.unseen);
    assert_eq!((summary.opened, summary.resolved, env.ledger.open_ids()), (0, 0, before));
}

#[tokio::test]
async fn grant_of_newer_version_may_justify() {
    let env = TestEnvironment::new();
    accepted_manually(&env, UNLISTED).await;
    env.ledger.put_newer_grant(&env.service);
    assert_eq!(found(&env, "unjustified").await, NONE);
}

#[tokio::test]
async fn grant_without_endpoint_is_unused() {
    let env = TestEnvironment::new();
    env.grant_account(UNLISTED);
    env.pass(DAY * 89);
    assert_eq!(found(&env, "unused-grant").await, NONE, "given before the account asks");
    env.pass(DAY * 2);
    assert_eq!(found(&env, "unused-grant").await, [UNLISTED]);
    let report = env.reports.read("report.json");
    assert!(report.contains(&format!("warden revoke {}/{UNLISTED} --grants-only", env.service)), "{report}");
    env.request(UNLISTED);
    assert_eq!(found(&env, "unused-grant").await, NONE, "a request needs it");
}

#[tokio::test]
async fn grant_that_policy_replaces_is_unused() {
    let env = TestEnvironment::new();
    let needed = accepted_manually(&env, UNLISTED).await;
    let replaced = accepted(&env).await;
    for endpoint in [&needed, &replaced] {
        env.grant_endpoint(endpoint);
    }
    env.pass(DAY * 91);
    assert_eq!(found(&env, "unused-grant").await, [replaced]);
}

#[tokio::test]
async fn grant_of_gone_endpoint_is_unused_at_once() {
    let env = TestEnvironment::new();
    let endpoint = accepted_manually(&env, UNLISTED).await;
    env.grant_endpoint(&endpoint);
    env.order(warden::decision::order::Command::Revoke {
        from: Vec::new(),
        disconnect: vec![endpoint.parse().unwrap()],
        reject: Vec::new(),
    });
    env.sweep().await;
    env.grant_endpoint(&endpoint);
    assert_eq!(found(&env, "unused-grant").await, NONE, "a list of EC2 may be older than the grant");
    env.pass(HOUR * 2);
    assert_eq!(found(&env, "unused-grant").await, [endpoint]);
}

#[tokio::test]
async fn grant_that_ended_before_the_request_explains_nothing() {
    let env = TestEnvironment::new();
    env.grant(Grantee::Account(UNLISTED.parse().unwrap()), Some(SignedDuration::from_mins(5)));
    env.pass(SignedDuration::from_mins(10));
    let endpoint = accepted_manually(&env, UNLISTED).await;
    assert_eq!(found(&env, "unjustified").await, [endpoint]);
    assert_eq!(found(&env, "expired-grant").await, NONE);
}
