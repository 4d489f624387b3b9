//! Holds in the audit: a held request is not overdue, and the report names the hold.

use super::*;
use scenarios::Fault;
use warden::{
    decision::{Hold, order::Command},
    ports::PersonLedger,
};

#[tokio::test]
async fn held_request_is_not_overdue() {
    let env = without_findings();
    let endpoint = env.request(ALLOWED).endpoint;
    env.audit().await.unwrap();
    env.order(Command::Pause);
    env.pass(HOUR);
    assert_eq!(found(&env, "overdue").await, NONE);
    let held = "by arn:aws:sts::123456789012:assumed-role/network/kim since 2026-06-01 12:00 UTC: migration weekend";
    let page = env.reports.read("report.html");
    assert!(
        page.contains(&format!("pending, on hold {held}")) && page.contains("<strong class=\"warning-text\">on hold</strong>"),
        "{page}"
    );
    assert_eq!(env.reports.json()["services"][0]["hold"]["reason"], "migration weekend");
    assert!(env.reports.read("connections.csv").contains(&format!("on hold {held}")));
    env.pass(DAY);
    assert_eq!(found(&env, "pending-too-long").await, [endpoint]);
    assert!(env.reports.read("findings.csv").contains("waited 25 hours for the end of a hold"));
}

#[tokio::test]
async fn hold_of_the_stack_holds_each_service() {
    let env = without_findings();
    let _ = env.request(ALLOWED);
    env.audit().await.unwrap();
    let at = env.aws.world().now();
    env.ledger.hold_stack(&Hold { by: "kim".to_owned(), reason: "an incident".to_owned(), at }).await.unwrap();
    env.pass(HOUR);
    assert_eq!(found(&env, "overdue").await, NONE);
    assert!(env.reports.read("report.html").contains("pending, on hold by kim since 2026-06-01 12:00 UTC: an incident"));
}

#[tokio::test]
async fn resumed_request_has_time_for_a_sweep() {
    let env = without_findings();
    env.order(Command::Pause);
    let endpoint = env.notified_request(ALLOWED).await;
    for _ in 0..3 {
        env.pass(DAY);
        assert_eq!(found(&env, "overdue").await, NONE);
    }
    env.order(Command::Resume);
    assert_eq!(found(&env, "overdue").await, NONE);
    env.pass(SignedDuration::from_mins(20));
    assert_eq!(found(&env, "overdue").await, [endpoint]);
    env.sweep().await;
    assert_eq!(found(&env, "overdue").await, NONE);
}

#[tokio::test]
async fn unread_hold_leaves_findings_alone() {
    let env = without_findings();
    let endpoint = env.request(ALLOWED).endpoint;
    env.audit().await.unwrap();
    env.pass(HOUR);
    let overdue = [format!("overdue/{}/{endpoint}", env.service)];
    for fault in [Fault::Before("AccessDeniedException"), Fault::None, Fault::Before("AccessDeniedException")] {
        env.ledger.faults.next("HoldOfStack", &[fault]);
        let unseen = unseen(&env).await;
        assert_eq!(unseen.iter().any(|part| part.contains("hold of the stack")), fault != Fault::None, "{unseen:?}");
    }
    assert_eq!(env.ledger.open_ids(), overdue, "found by the second run, and still open");
}
