//! Findings of requests: `overdue`, and `waiting`, which is told again at growing intervals.

use super::*;
use scenarios::{Fault, PERMIT_ALL, permit_account};
use serde_json::json;

#[tokio::test]
async fn unanswered_allowed_request_is_overdue() {
    let env = without_findings();
    let endpoint = env.request(ALLOWED).endpoint;
    assert_eq!(found(&env, "overdue").await, NONE, "an event or a sweep may be about to answer it");
    env.pass(SignedDuration::from_mins(20));
    assert_eq!(found(&env, "overdue").await, [endpoint]);
    env.sweep().await;
    assert_eq!(found(&env, "overdue").await, NONE);
}

#[tokio::test]
async fn unanswered_granted_request_is_overdue() {
    let env = TestEnvironment::new();
    let endpoint = env.request(UNLISTED).endpoint;
    env.grant_endpoint(&endpoint);
    env.pass(HOUR);
    assert_eq!(found(&env, "overdue").await, [endpoint]);
}

#[tokio::test]
async fn observed_request_is_not_overdue() {
    let mut env = without_findings();
    env.observe = true;
    let _ = env.request(ALLOWED);
    env.sweep().await;
    env.pass(DAY);
    assert_eq!(found(&env, "overdue").await, NONE);
}

#[tokio::test]
async fn request_of_observed_service_is_not_overdue() {
    let env = without_findings();
    env.tag("warden:mode", "observe");
    let endpoint = env.request(ALLOWED).endpoint;
    env.sweep().await;
    env.pass(DAY);
    assert_eq!(found(&env, "overdue").await, NONE);
    assert_eq!((&env.reports.json()["run"]["mode"], &env.reports.json()["services"][0]["mode"]), (&json!("active"), &json!("observe")));
    assert!(env.reports.read("report.html").contains("us-east-1 · observe mode"));

    env.untag("warden:mode");
    assert_eq!(found(&env, "overdue").await, NONE, "a sweep may be about to answer it");
    env.pass(HOUR);
    assert_eq!(found(&env, "overdue").await, [endpoint]);
    assert_eq!(env.reports.json()["services"][0]["mode"], "active");
}

#[tokio::test]
async fn observed_request_beyond_cap_is_not_overdue() {
    let mut env = without_findings().with_policy(&permit_account("cap", ALLOWED, "context.connections.ofAccount < 1"));
    env.observe = true;
    env.audit().await.unwrap();
    let _ = [env.request(ALLOWED), env.request(ALLOWED)];
    env.sweep().await;
    env.pass(HOUR);
    assert_eq!(found(&env, "overdue").await, NONE);
}

#[tokio::test]
async fn newly_allowed_request_has_time_for_a_sweep() {
    let mut env = TestEnvironment::new();
    let endpoint = env.request(UNLISTED).endpoint;
    env.audit().await.unwrap();
    env.pass(DAY * 3);
    env.set_policy(PERMIT_ALL);
    assert_eq!(found(&env, "overdue").await, NONE);
    env.pass(SignedDuration::from_mins(20));
    assert_eq!(found(&env, "overdue").await, [endpoint]);
}

/// Groups that are regenerated each day make another policy set each day.
#[tokio::test]
async fn daily_changed_policy_hides_no_overdue_request() {
    let mut env = without_findings();
    let endpoint = env.request(ALLOWED).endpoint;
    env.pass(DAY * 3);
    for (day, expected) in [(1, &NONE[..0]), (2, &[endpoint.as_str()]), (3, &[endpoint.as_str()])] {
        env.set_policy(&format!("// Generated on day {day}.\n{}", permit_account("consumers", ALLOWED, "true")));
        assert_eq!(found(&env, "overdue").await, expected, "day {day}");
        env.pass(DAY);
    }
}

#[tokio::test]
async fn newly_free_place_has_time_for_a_sweep() {
    let env = without_findings().with_policy(&permit_account("cap", ALLOWED, "context.connections.ofAccount < 1"));
    let [connected, waiting] = [env.notified_request(ALLOWED).await, env.notified_request(ALLOWED).await];
    env.audit().await.unwrap();
    env.pass(DAY * 3);
    env.audit().await.unwrap();
    env.aws.world().delete_endpoints(ALLOWED, &[connected]);
    assert_eq!(found(&env, "overdue").await, NONE);
    env.pass(SignedDuration::from_mins(20));
    assert_eq!(found(&env, "overdue").await, [waiting]);
}

#[tokio::test]
async fn unread_service_keeps_its_allowed_requests() {
    let mut env = without_findings();
    let endpoint = env.request(ALLOWED).endpoint;
    env.audit().await.unwrap();
    env.pass(HOUR);
    env.aws.faults.next("DescribeVpcEndpointConnections", &[Fault::Before("InternalError")]);
    env.audit().await.unwrap();
    env.set_policy(&permit_account("consumers", ALLOWED, "true"));
    assert_eq!(found(&env, "overdue").await, [endpoint]);
}

#[tokio::test]
async fn waiting_request_is_told_at_growing_intervals() {
    let env = TestEnvironment::new();
    let endpoint = env.notified_request(UNLISTED).await;
    let _ = env.messages().await;
    let mut told_on_day = Vec::new();
    for hour in (0..(40 * 24)).step_by(6) {
        env.audit().await.unwrap();
        let is_about = |message: &Message| message.text.contains("Waiting for a person") && message.text.contains(&endpoint);
        told_on_day.extend(env.messages().await.iter().filter(|message| is_about(message)).map(|_| hour / 24));
        env.pass(HOUR * 6);
    }
    assert_eq!(told_on_day, [1, 3, 7, 14, 30]);
}
