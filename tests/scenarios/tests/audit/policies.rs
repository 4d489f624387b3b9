//! Findings of policies: `policy-error`, `unused-policy`.

use super::*;
use scenarios::{PERMIT_ALL, STRANGER, permit_account};

#[tokio::test]
async fn failing_policy_is_one_finding() {
    let mut env = without_findings().with_policy(PERMIT_ALL);
    for _ in 0..3 {
        accepted(&env).await;
    }
    let multiplied = |factor: &str| {
        format!(
            "{PERMIT_ALL}
             @id(\"arithmetic\") forbid(principal, action == PrivateLink::Action::\"Accept\", resource)
             when {{ context.connections.ofService * {factor} < 0 }};"
        )
    };
    env.set_policy(&multiplied("2"));
    assert_eq!(env.findings().await, NONE);
    // It overflows for a count of two or more.
    env.set_policy(&multiplied("9223372036854775807"));
    assert_eq!(env.findings().await, ["policy-error/policy/arithmetic"]);
}

#[tokio::test]
async fn permit_and_group_without_match_are_unused() {
    let env = without_findings();
    env.audit().await.unwrap();
    env.pass(DAY * 91);
    assert_eq!(found(&env, "unused-policy").await, ["policy/redis-consumers", "group/redis-consumers"]);
    // A connection that existed for a while is a use.
    let endpoint = accepted(&env).await;
    assert_eq!(found(&env, "unused-policy").await, NONE);
    env.aws.world().delete_endpoints(ALLOWED, &[endpoint]);
    env.pass(DAY * 80);
    assert_eq!(found(&env, "unused-policy").await, NONE);
    env.pass(DAY * 11);
    assert_eq!(found(&env, "unused-policy").await.len(), 2);
}

#[tokio::test]
async fn new_permit_is_not_unused() {
    let mut env = without_findings();
    env.audit().await.unwrap();
    env.pass(DAY * 91);
    env.set_policy(&permit_account("new", STRANGER, "true"));
    assert_eq!(found(&env, "unused-policy").await, NONE);
}

#[tokio::test]
async fn rejecting_permit_is_never_unused() {
    let env = without_findings().with_policy(&permit_account("closed", STRANGER, "true").replace("Accept", "Reject"));
    env.audit().await.unwrap();
    env.pass(DAY * 91);
    assert_eq!(found(&env, "unused-policy").await, NONE);
}
