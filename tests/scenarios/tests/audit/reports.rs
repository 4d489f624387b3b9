//! The report of an audit in its forms.

use super::*;
use scenarios::Fault;
use serde_json::{Value, json};

#[tokio::test]
async fn forms_of_the_report_agree() {
    let env = TestEnvironment::new();
    accepted_manually(&env, UNLISTED).await;
    accepted(&env).await;
    env.audit().await.unwrap();
    let report = env.reports.json();
    assert_eq!(report["totals"]["connected"], 2);
    let findings = report["findings"].as_array().unwrap().len();
    assert_eq!(env.reports.read("findings.csv").lines().count(), findings + 1);
    let page = env.reports.read("report.html");
    assert_eq!(page.matches("<article").count(), findings);
    assert!(page.contains("This is the first audit.") && !page.contains("since the last audit"));
    let events: Vec<Value> = env.reports.read("findings.ocsf.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), findings);
    for event in events {
        assert_eq!((&event["class_uid"], &event["type_uid"]), (&json!(2003), &json!(200_301)));
    }
    // A finding that is still open is an update; a resolved one is closed.
    env.pass(HOUR);
    env.withdraw(&root(UNLISTED));
    env.audit().await.unwrap();
    assert!(env.reports.read("report.html").contains("resolved since the last audit"));
    let events = env.reports.read("findings.ocsf.jsonl");
    assert!(events.contains("\"activity_name\":\"Update\"") && events.contains("\"activity_name\":\"Close\""), "{events}");
}

#[tokio::test]
async fn service_name_cannot_inject_into_reports() {
    let env = TestEnvironment::new();
    let name = "=1+1<script>alert(1)</script>\"'&\u{202e}";
    env.tag("Name", name);
    accepted_manually(&env, UNLISTED).await;
    env.audit().await.unwrap();
    let page = env.reports.read("report.html");
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"), "{page}");
    assert!(env.reports.read("connections.csv").contains("'=1+1"));
    assert_eq!(env.reports.json()["services"][0]["name"], name);
}

#[tokio::test]
async fn unstored_report_is_an_error_and_is_told() {
    let env = TestEnvironment::new();
    accepted_manually(&env, UNLISTED).await;
    env.reports.faults.next("PutObject", &[Fault::Before("AccessDenied")]);
    assert_eq!(env.audit().await.unwrap_err().kind(), "ReportNotKept");
    assert_ne!(env.ledger.open_ids(), NONE);
    assert_eq!(digests(&env).await.len(), 1, "told once, from the record of the first run");
}
