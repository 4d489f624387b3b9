//! What an audit says when the world cannot be read as it should be, or its own news not be kept.

use super::*;

#[tokio::test]
async fn what_could_not_be_seen_is_named_and_nothing_about_it_is_taken_for_mended() {
    let stage = Stage::new();
    accepted_by_hand(&stage, B).await;
    drop(news(&stage).await);
    let open = stage.ledger.open_ids();
    assert!(!open.is_empty());
    // The world is mended, and the audit cannot see it.
    forbid(&stage, B);
    let call = |name: &'static str, code: &'static str| {
        stage.aws.faults.next(name, &[Fault::Before(code)]);
        name
    };
    for (name, code) in [
        ("DescribeVpcEndpointServiceConfigurations", "UnauthorizedOperation"),
        ("DescribeVpcEndpointServicePermissions", "RequestLimitExceeded"),
    ] {
        let failed = call(name, code);
        let unseen = unseen(&stage).await;
        assert!(unseen.iter().any(|what| what.contains(failed) && what.contains(code)), "{unseen:?}");
        assert!(stage.ledger.open_ids().iter().any(|id| id.starts_with("excess-permission")), "{failed}: {:?}", stage.ledger.open_ids());
    }
    stage.aws.faults.next("DescribeVpcEndpointConnections", &[Fault::Before("InternalError")]);
    drop(unseen(&stage).await);
    assert!(stage.ledger.open_ids().iter().any(|id| id.starts_with("unjustified")));
    assert!(!stage.ledger.open_ids().iter().any(|id| id.starts_with("excess-permission")), "permissions were seen this time");
}

#[tokio::test]
async fn a_ledger_that_cannot_be_read_makes_nobody_a_stranger() {
    let stage = Stage::new();
    let endpoint = accepted_by_hand(&stage, B).await;
    stage.grant(Grantee::Endpoint(endpoint.parse().unwrap()), None);
    stage.ledger.faults.next("RecallQuery", &[Fault::Before("ThrottlingException")]);
    let summary = stage.audit().await.unwrap();
    assert!(summary.unseen.iter().any(|what| what.contains("ledger")), "{:?}", summary.unseen);
    assert!(!stage.shelf.findings().iter().any(|id| id.starts_with("unjustified") || id.starts_with("unrecorded")));
}

#[tokio::test]
async fn a_service_that_vanishes_on_the_way_is_named_and_the_others_are_judged() {
    let stage = Stage::new();
    let endpoint = accepted_by_hand(&stage, B).await;
    let gone = NewService {
        load_balancer_arns: vec!["arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/x/0123456789abcdef".to_owned()],
        ..NewService::default()
    };
    let gone = stage.aws.world().create_service(PROVIDER, gone).unwrap().id;
    let (aws, id) = (stage.aws.clone(), gone.clone());
    stage.aws.faults.meanwhile("DescribeVpcEndpointServicePermissions", move || {
        aws.world().delete_services(PROVIDER, &[id]);
    });
    let summary = stage.audit().await.unwrap();
    assert!(summary.unseen.iter().any(|what| what.contains(&gone)), "{:?}", summary.unseen);
    assert!(stage.shelf.findings().contains(&format!("unjustified/{}/{endpoint}", stage.service)));
    assert_eq!(unseen(&stage).await, Vec::<String>::new(), "the next run knows it no more");
}

#[tokio::test]
async fn a_deleted_service_takes_its_findings_with_it() {
    let stage = tidy();
    stage.aws.world().modify_service(PROVIDER, &stage.service, acceptance(false)).unwrap();
    drop(news(&stage).await);
    stage.aws.world().delete_services(PROVIDER, std::slice::from_ref(&stage.service));
    let told = news(&stage).await;
    assert!(told[0].text.contains("Resolved"), "{}", told[0].text);
}

#[tokio::test]
async fn a_connection_without_owner_or_time_is_named_and_one_without_a_region_is_judged() {
    let stage = tidy();
    let endpoint = connected(&stage).await;
    let put = |owner: Option<&str>, created: bool, region: Option<&str>| {
        let mut world = stage.aws.world();
        let connection = world.connection_mut(&endpoint).unwrap();
        connection.owner = owner.map(str::to_owned);
        connection.created = created.then(start_of_story);
        connection.region = region.map(str::to_owned);
    };
    for (owner, created) in [(None, true), (Some(A), false)] {
        put(owner, created, Some("us-east-1"));
        let summary = stage.audit().await.unwrap();
        assert!(summary.unseen.iter().any(|what| what.contains(&endpoint)), "{:?}", summary.unseen);
        assert_eq!(stage.shelf.findings(), Vec::<String>::new());
    }
    put(Some(A), true, None);
    assert_eq!(unseen(&stage).await, Vec::<String>::new());
    assert!(stage.shelf.read("connections.csv").contains("policy redis-consumers"));
}

#[tokio::test]
async fn a_permission_of_an_unknown_type_is_named() {
    let stage = tidy();
    stage.aws.world().permissions_mut().push(Permission {
        id: "vpce-svc-perm-1".to_owned(),
        service_id: stage.service.clone(),
        principal: "redis.example.com".to_owned(),
        principal_type: "Service".to_owned(),
    });
    let unseen = unseen(&stage).await;
    assert!(unseen[0].contains("redis.example.com") && unseen[0].contains("Service"), "{unseen:?}");
    assert_eq!(stage.shelf.findings(), Vec::<String>::new());
}

#[tokio::test]
async fn an_entry_of_a_newer_version_is_named_and_is_no_proof_of_absence() {
    let stage = tidy();
    let endpoint = connected(&stage).await;
    stage.ledger.forget();
    stage.ledger.write_newer(&stage.service, &endpoint);
    assert!(unseen(&stage).await[0].contains("newer version"));
    assert_eq!(stage.shelf.findings(), Vec::<String>::new());
}

#[tokio::test]
async fn a_report_that_cannot_be_kept_is_the_one_error_and_its_news_is_told_all_the_same() {
    let stage = Stage::new();
    accepted_by_hand(&stage, B).await;
    stage.shelf.faults.next("PutObject", &[Fault::Before("AccessDenied")]);
    let error = stage.audit().await.unwrap_err();
    assert_eq!(error.kind(), "ReportNotKept");
    assert!(!stage.ledger.open_ids().is_empty());
    assert_eq!(news(&stage).await.len(), 1, "told once, from the first run's record");
}

#[tokio::test]
async fn news_that_cannot_be_recorded_is_told_by_the_next_run() {
    let stage = Stage::new();
    accepted_by_hand(&stage, B).await;
    stage.ledger.faults.next("TransactWriteItems", &[Fault::Before("InternalServerError")]);
    let unseen = unseen(&stage).await;
    assert!(unseen.iter().any(|what| what.contains("the next run publishes them")), "{unseen:?}");
    stage.tell().await;
    drop(stage.outbox.take());
    assert_eq!(news(&stage).await.len(), 1);
}

#[tokio::test]
async fn a_run_near_its_deadline_says_what_it_left_out() {
    let stage = Stage::new();
    accepted_by_hand(&stage, B).await;
    let summary = stage.audit_within(Duration::ZERO).await.unwrap();
    assert!(summary.unseen.iter().any(|what| what.contains("deadline")), "{:?}", summary.unseen);
    assert!(stage.shelf.read("report.html").contains("This audit is not complete"));
}

#[tokio::test]
async fn pages_are_read_to_the_end_and_calls_are_pages() {
    let stage = tidy();
    stage.aws.world().set_page_size_max(5);
    for _ in 0..12 {
        connected(&stage).await;
    }
    drop(stage.aws.faults.take_calls());
    let summary = stage.audit().await.unwrap();
    assert_eq!((summary.connected, stage.shelf.findings()), (12, Vec::new()));
    let calls = stage.aws.faults.take_calls();
    let pages = calls.iter().filter(|call| **call == "DescribeVpcEndpointConnections").count();
    assert_eq!(pages, 1 + 3 + 2, "one to see that it is large, three counted, the first of them kept, two read again");
    assert!(!calls.iter().any(|call| call.starts_with("Accept") || call.starts_with("Reject")));
}

#[tokio::test]
async fn names_that_somebody_chose_are_inert_in_every_form() {
    let stage = Stage::new();
    let name = "=1+1<script>alert(1)</script>\"'&\u{202e}";
    let tag = ("Name".to_owned(), name.to_owned());
    stage.aws.world().create_tags(PROVIDER, std::slice::from_ref(&stage.service), &[tag]).unwrap();
    accepted_by_hand(&stage, B).await;
    stage.audit().await.unwrap();
    let page = stage.shelf.read("report.html");
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"), "{page}");
    assert!(stage.shelf.read("connections.csv").contains("'=1+1"));
    let report: Value = serde_json::from_str(&stage.shelf.read("report.json")).unwrap();
    assert_eq!(report["services"][0]["name"], name);
}

#[tokio::test]
async fn the_forms_agree() {
    let stage = Stage::new();
    accepted_by_hand(&stage, B).await;
    connected(&stage).await;
    stage.audit().await.unwrap();
    let report: Value = serde_json::from_str(&stage.shelf.read("report.json")).unwrap();
    assert_eq!(report["totals"]["connected"], 2);
    let findings = report["findings"].as_array().unwrap().len();
    assert_eq!(stage.shelf.read("findings.csv").lines().count(), findings + 1);
    let events: Vec<Value> = stage.shelf.read("findings.ocsf.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), findings);
    for event in events {
        assert_eq!((&event["class_uid"], &event["type_uid"]), (&Value::from(2003), &Value::from(200_301)));
    }
    assert_eq!(stage.shelf.read("report.html").matches("<article").count(), findings);
    // Seen again, it is an update; gone, it is closed.
    stage.pass(SignedDuration::from_hours(1));
    forbid(&stage, B);
    stage.audit().await.unwrap();
    let events = stage.shelf.read("findings.ocsf.jsonl");
    assert!(events.contains("\"activity_name\":\"Update\"") && events.contains("\"activity_name\":\"Close\""), "{events}");
}
