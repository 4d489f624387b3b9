//! Findings of connections: `unjustified`, `expired-grant`, `unrecorded`, `unknown-state`.

use super::*;
use scenarios::{PERMIT_ALL, PROVIDER, STRANGER, permit_account};
use warden::decision::{grant::Grantee, order::Command};

#[tokio::test]
async fn accepted_connection_is_no_finding() {
    let env = without_findings();
    accepted(&env).await;
    assert_eq!(env.findings().await, NONE);
    assert_eq!(digests(&env).await, [], "no message without news");
}

#[tokio::test]
async fn manually_accepted_stranger_is_unjustified() {
    let env = TestEnvironment::new();
    let endpoint = accepted_manually(&env, UNLISTED).await;
    assert_eq!(found(&env, "unjustified").await, [endpoint.as_str()]);
    // A grant justifies it. A pending request needs no justification.
    env.grant_endpoint(&endpoint);
    let _ = env.request(UNLISTED);
    assert_eq!(found(&env, "unjustified").await, NONE);
}

#[tokio::test]
async fn only_covering_grant_justifies() {
    let env = TestEnvironment::new();
    let endpoint = accepted_manually(&env, UNLISTED).await;
    env.grant_account(STRANGER);
    env.grant_endpoint("vpce-0123456789abcdef0");
    assert_eq!(found(&env, "unjustified").await, [endpoint]);
    env.grant_account(UNLISTED);
    assert_eq!(found(&env, "unjustified").await, NONE);
}

#[tokio::test]
async fn changed_policy_makes_connection_unjustified() {
    let mut env = without_findings();
    let endpoint = accepted(&env).await;
    env.set_policy(&PERMIT_ALL.replace("permit", "forbid"));
    assert_eq!(found(&env, "unjustified").await, [endpoint]);
    env.set_policy(PERMIT_ALL);
    assert_eq!(found(&env, "unjustified").await, NONE);
}

#[tokio::test]
async fn newest_connection_beyond_cap_is_unjustified() {
    let mut env = without_findings().with_policy(PERMIT_ALL);
    let endpoints = [accepted(&env).await, accepted(&env).await, accepted(&env).await];
    env.set_policy(&permit_account("cap", ALLOWED, "context.connections.ofAccount < 2"));
    assert_eq!(found(&env, "unjustified").await, [endpoints[2].clone()]);
    env.set_policy(&permit_account("cap", ALLOWED, "context.connections.ofAccount < 3"));
    assert_eq!(found(&env, "unjustified").await, NONE);
}

#[tokio::test]
async fn cap_counts_in_order_of_acceptance() {
    let mut env = TestEnvironment::new();
    let old = env.request(UNLISTED).endpoint;
    // The later request finds a place under the first policy. The old one is allowed only under the second policy.
    let cap = permit_account("cap", ALLOWED, "context.connections.ofService < 1");
    env.set_policy(&cap);
    accepted(&env).await;
    env.set_policy(&format!("{cap} {}", permit_account("late", UNLISTED, "true")));
    env.sweep().await;
    env.pass(HOUR);
    assert_eq!(env.state(&old), "available");
    assert_eq!(found(&env, "unjustified").await, NONE);
}

#[tokio::test]
async fn manually_accepted_connection_takes_no_place() {
    let env = TestEnvironment::new().with_policy(&permit_account("cap", ALLOWED, "context.connections.ofService < 1"));
    let older = env.request(UNLISTED).endpoint;
    env.pass(SignedDuration::from_mins(1));
    let allowed = accepted(&env).await;
    env.accept_manually(&older);
    env.pass(HOUR);
    assert_eq!((env.state(&older).as_str(), env.state(&allowed).as_str()), ("available", "available"));
    assert_eq!(found(&env, "unjustified").await, [older]);
}

#[tokio::test]
async fn proved_role_stays_proved_by_its_record() {
    let env = without_findings().with_policy(&permit_account(
        "deployer",
        ALLOWED,
        "context has requester && context.requester.role == \"arn:aws:iam::111122223333:role/team/network-deployer\"",
    ));
    let request = env.request(ALLOWED);
    env.deliver(&request.trail).await;
    env.pass(HOUR);
    assert_eq!(env.state(&request.endpoint), "available");
    assert_eq!(env.findings().await, NONE);
    env.ledger.delete_all();
    assert_eq!(found(&env, "unjustified").await, [request.endpoint]);
}

/// While a connection is being set up, the event that proves its role may still arrive.
#[tokio::test]
async fn unproved_role_is_unjustified_later() {
    for (condition, unjustified_at_once) in
        [("context has requester && context.requester.role like \"*:role/team/*\"", false), ("context.connections.ofAccount < 0", true)]
    {
        let env = without_findings().with_policy(&permit_account("p", ALLOWED, condition));
        let endpoint = env.request(ALLOWED).endpoint;
        env.accept_manually(&endpoint);
        assert_eq!(found(&env, "unjustified").await.len(), usize::from(unjustified_at_once), "{condition}");
        env.pass(HOUR);
        assert_eq!(found(&env, "unjustified").await, [endpoint]);
    }
}

#[tokio::test]
async fn connection_after_its_grant_is_expired_grant() {
    let env = TestEnvironment::new();
    let endpoint = accepted_manually(&env, UNLISTED).await;
    env.grant(Grantee::Account(UNLISTED.parse().unwrap()), Some(DAY * 30));
    assert_eq!(found(&env, "expired-grant").await, NONE);
    env.pass(DAY * 31);
    assert_eq!(found(&env, "expired-grant").await, [endpoint]);
    assert_eq!(found(&env, "unjustified").await, NONE, "one problem is one finding");
}

#[tokio::test]
async fn connection_after_its_grant_ended_is_found() {
    let env = TestEnvironment::new();
    let endpoint = accepted_manually(&env, UNLISTED).await;
    env.grant_account(UNLISTED);
    env.order(Command::Revoke { from: vec![Grantee::Account(UNLISTED.parse().unwrap())], disconnect: Vec::new(), reject: Vec::new() });
    assert_eq!(found(&env, "expired-grant").await, [endpoint]);
    assert_eq!(found(&env, "unjustified").await, NONE);
}

#[tokio::test]
async fn expired_grant_of_allowed_account_is_no_finding() {
    let env = without_findings();
    accepted(&env).await;
    env.grant(Grantee::Account(ALLOWED.parse().unwrap()), Some(DAY));
    env.pass(DAY * 2);
    assert_eq!(env.findings().await, NONE);
}

#[tokio::test]
async fn connection_without_record_is_unrecorded() {
    let env = without_findings();
    let endpoint = accepted(&env).await;
    assert_eq!(found(&env, "unrecorded").await, NONE);
    env.ledger.delete_all();
    assert_eq!(found(&env, "unrecorded").await, [endpoint.as_str()]);
    env.aws.world().connection_mut(&endpoint).unwrap().owner = None;
    assert_eq!(found(&env, "unrecorded").await, [endpoint], "an owner is not needed");
}

#[tokio::test]
async fn new_and_ancient_connections_are_not_unrecorded() {
    let env = without_findings();
    let endpoint = env.request(ALLOWED).endpoint;
    env.accept_manually(&endpoint);
    assert_eq!(found(&env, "unrecorded").await, NONE, "a worker may be about to write the record");
    env.pass(DAY * 401);
    assert_eq!(found(&env, "unrecorded").await, NONE, "the ledger may have expired the record");
}

#[tokio::test]
async fn undocumented_state_is_unknown_state() {
    let env = without_findings();
    let endpoint = accepted(&env).await;
    let set_state = |state: &str| env.aws.world().connection_mut(&endpoint).unwrap().state = state.to_owned();
    set_state("hibernating");
    assert_eq!(env.findings().await, [format!("unknown-state/{}/{endpoint}", env.service)]);
    for state in ["rejected", "deleted", "expired", "failed", "deleting"] {
        set_state(state);
        assert_eq!(env.findings().await, NONE, "{state}");
    }
}

#[tokio::test]
async fn provider_needs_no_permission() {
    let env = without_findings().with_policy(&permit_account("own", PROVIDER, "true"));
    assert_eq!(found(&env, "missing-permission").await, NONE);
}
