//! Requests that are told as a number: after ten of an account on one day, the audit tells the rest, each day once.

use super::*;
use scenarios::{Fault, STRANGER};
use warden::ledger::counted::TOLD_PER_DAY_MAX;

/// Requests of an account that are answered, told as far as they are told one by one, and deleted.
async fn flood(env: &TestEnvironment, account: &str, count: usize) -> usize {
    let mut endpoints = Vec::new();
    for _ in 0..count {
        endpoints.push(env.notified_request(account).await);
    }
    let told = env.messages().await.len();
    env.aws.world().delete_endpoints(account, &endpoints);
    told
}

fn without_permissions() -> TestEnvironment {
    let env = without_findings();
    env.tag("warden:owner-topic", "arn:aws:sns:us-east-1:123456789012:warden-redis-team");
    env
}

#[tokio::test]
async fn each_complete_day_is_told_once() {
    let env = without_permissions();
    env.permit(&root(UNLISTED));
    assert_eq!(flood(&env, UNLISTED, 15).await, TOLD_PER_DAY_MAX as usize);
    env.withdraw(&root(UNLISTED));
    assert_eq!(digests(&env).await, [], "the day is not over");
    env.pass(DAY);
    let told = digests(&env).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].subject, "PrivateLink audit: 5 more requests in us-east-1");
    let line = format!("- 5 more requests of account {UNLISTED} on {} since 2026-06-01 (5 referred)\n", env.service);
    assert!(told[0].text.contains(&line), "{}", told[0].text);
    assert!(told[0].attributes.contains(&("severity", "info".to_owned())));
    for _ in 0..30 {
        env.pass(HOUR);
        assert_eq!(digests(&env).await, [], "hourly audits repeat nothing");
    }
}

#[tokio::test]
async fn missed_days_are_told_together() {
    let env = without_permissions();
    env.permit(&root(UNLISTED));
    for requests in [12, 11, 13] {
        flood(&env, UNLISTED, requests).await;
        env.pass(DAY);
    }
    env.withdraw(&root(UNLISTED));
    let text = &digests(&env).await[0].text;
    assert!(text.contains(&format!("6 more requests of account {UNLISTED} on {} since 2026-06-01", env.service)), "{text}");
    assert_eq!(digests(&env).await, []);
}

#[tokio::test]
async fn failed_write_is_told_by_the_next_run() {
    let env = without_permissions();
    flood(&env, ALLOWED, 11).await;
    env.pass(DAY);
    env.ledger.faults.next("TransactWriteItems", &[Fault::Before("InternalServerError")]);
    assert_eq!(digests(&env).await, []);
    let text = &digests(&env).await[0].text;
    assert!(text.contains("1 more requests") && text.contains("(1 accepted)"), "{text}");
    assert_eq!(digests(&env).await, []);
}

#[tokio::test]
async fn overlapping_audits_tell_a_day_once() {
    let env = without_permissions();
    flood(&env, ALLOWED, 11).await;
    env.pass(DAY);
    // The lock of the first run expires, and the second run publishes meanwhile.
    audit_meanwhile(&env, "AcquireLock");
    env.audit().await.unwrap();
    assert_eq!(env.messages().await.len(), 1);
}

#[tokio::test]
async fn flood_of_accounts_is_a_short_digest() {
    let env = without_permissions();
    env.permit("*");
    let accounts: Vec<String> = (0..60).map(|number| format!("{:012}", 900_000_000_000_u64 + number)).collect();
    for account in &accounts {
        flood(&env, account, 11).await;
    }
    flood(&env, STRANGER, 12).await;
    env.withdraw("*");
    env.pass(DAY);
    let told = &digests(&env).await[0];
    assert_eq!(told.subject, "PrivateLink audit: 62 more requests in us-east-1");
    let lines: Vec<&str> = told.text.lines().filter(|line| line.contains(" more requests of ")).collect();
    assert_eq!(lines.len(), 25 + 1, "{}", told.text);
    assert!(lines[0].starts_with("- 12 more requests of other accounts on "), "{}", lines[0]);
    assert_eq!(lines[25], "- 26 more requests of further accounts");
}
