//! Audits that cannot read everything: they name the part, and they resolve no finding about it.

use std::time::Duration;

use super::*;
use local::world::Permission;
use scenarios::{Fault, PERMIT_ALL, PROVIDER, interface_service, start};
use warden::model::severity::Severity;

fn has_open(env: &TestEnvironment, kind: &str) -> bool {
    env.ledger.open_ids().iter().any(|id| id.starts_with(kind))
}

#[tokio::test]
async fn unread_part_is_named_and_resolves_nothing() {
    let env = TestEnvironment::new();
    accepted_manually(&env, UNLISTED).await;
    env.audit().await.unwrap();
    assert!(has_open(&env, "excess-permission"));
    // The problem is fixed, but the audit cannot see that.
    env.withdraw(&root(UNLISTED));
    for (call, code) in [
        ("DescribeVpcEndpointServiceConfigurations", "UnauthorizedOperation"),
        ("DescribeVpcEndpointServicePermissions", "RequestLimitExceeded"),
    ] {
        env.aws.faults.next(call, &[Fault::Before(code)]);
        let unseen = unseen(&env).await;
        assert!(unseen.iter().any(|part| part.contains(call) && part.contains(code)), "{unseen:?}");
        assert!(has_open(&env, "excess-permission"), "{call}");
    }
    env.aws.faults.next("DescribeVpcEndpointConnections", &[Fault::Before("InternalError")]);
    env.audit().await.unwrap();
    assert!(has_open(&env, "unjustified"));
    assert!(!has_open(&env, "excess-permission"), "this audit could read the permissions");
}

#[tokio::test]
async fn open_finding_stays_in_report_of_incomplete_audit() {
    let env = TestEnvironment::new();
    let endpoint = accepted_manually(&env, UNLISTED).await;
    let _ = digests(&env).await;
    env.aws.faults.next("DescribeVpcEndpointConnections", &[Fault::Before("UnauthorizedOperation")]);
    let summary = env.audit().await.unwrap();
    assert_eq!(summary.open(Severity::Critical), 1, "an alarm about it must not end");
    assert!(env.reports.findings().contains(&format!("unjustified/{}/{endpoint}", env.service)));
    assert!(env.reports.read("report.html").contains("could not check it"));
    assert!(env.messages().await.iter().all(|message| !message.text.contains("good news")));
}

#[tokio::test]
async fn unreadable_ledger_makes_no_connection_unjustified() {
    let env = TestEnvironment::new();
    let endpoint = accepted_manually(&env, UNLISTED).await;
    env.grant_endpoint(&endpoint);
    env.ledger.faults.next("BatchGetItem", &[Fault::Before("ThrottlingException")]);
    let summary = env.audit().await.unwrap();
    assert!(summary.unseen.iter().any(|part| part.contains("ledger")), "{:?}", summary.unseen);
    assert!(!env.reports.findings().iter().any(|id| id.starts_with("unjustified") || id.starts_with("unrecorded")));
}

#[tokio::test]
async fn unjudged_connection_is_no_longer_unrecorded() {
    let mut env = without_findings();
    let request = env.request(ALLOWED);
    env.accept_manually(&request.endpoint);
    env.pass(HOUR);
    assert_eq!(found(&env, "unrecorded").await, [request.endpoint.as_str()]);
    // It overflows.
    env.set_policy(&format!(
        "{PERMIT_ALL}
         @id(\"arithmetic\") forbid(principal, action == PrivateLink::Action::\"Accept\", resource)
         when {{ context.connections.ofService - 9223372036854775807 - 10 > 0 }};"
    ));
    env.deliver(&request.notification).await;
    assert_eq!(found(&env, "unrecorded").await, NONE);
    assert!(unseen(&env).await.iter().any(|part| part.contains("a policy could not be evaluated")));
}

#[tokio::test]
async fn undescribed_connection_stays_unrecorded() {
    let env = without_findings();
    let endpoint = accepted(&env).await;
    env.ledger.delete_all();
    assert_eq!(found(&env, "unrecorded").await, [endpoint.as_str()]);
    env.aws.world().connection_mut(&endpoint).unwrap().created = None;
    assert_eq!(found(&env, "unrecorded").await, [endpoint]);
}

#[tokio::test]
async fn service_deleted_during_audit_is_named() {
    let env = TestEnvironment::new();
    let endpoint = accepted_manually(&env, UNLISTED).await;
    let deleted = env.create_service(interface_service("other"), &[]);
    let (aws, id) = (env.aws.clone(), deleted.clone());
    env.aws.faults.meanwhile("DescribeVpcEndpointServicePermissions", move || drop(aws.world().delete_services(PROVIDER, &[id])));
    let summary = env.audit().await.unwrap();
    assert!(summary.unseen.iter().any(|part| part.contains(&deleted)), "{:?}", summary.unseen);
    assert!(env.reports.findings().contains(&format!("unjustified/{}/{endpoint}", env.service)), "the other service is inspected");
    assert_eq!(unseen(&env).await, NONE, "the next run does not know the service");
}

#[tokio::test]
async fn deleted_service_resolves_its_findings() {
    let env = without_findings();
    require_acceptance(&env, false);
    let _ = digests(&env).await;
    env.aws.world().delete_services(PROVIDER, std::slice::from_ref(&env.service));
    let text = &digests(&env).await[0].text;
    assert!(text.contains("Resolved"), "{text}");
}

#[tokio::test]
async fn connection_without_owner_or_time_is_named() {
    let env = without_findings();
    let endpoint = accepted(&env).await;
    let describe = |owner: Option<&str>, created: bool, region: Option<&str>| {
        let mut world = env.aws.world();
        let connection = world.connection_mut(&endpoint).unwrap();
        connection.owner = owner.map(str::to_owned);
        connection.created = created.then(start);
        connection.region = region.map(str::to_owned);
    };
    for (owner, created) in [(None, true), (Some(ALLOWED), false)] {
        describe(owner, created, Some("us-east-1"));
        let unseen = unseen(&env).await;
        assert!(unseen.iter().any(|part| part.contains(&endpoint)), "{unseen:?}");
        assert_eq!(env.reports.findings(), NONE);
    }
    describe(Some(ALLOWED), true, None);
    assert_eq!(unseen(&env).await, NONE);
    assert!(env.reports.read("connections.csv").contains("policy redis-consumers"));
}

#[tokio::test]
async fn permission_of_unknown_type_is_named() {
    let env = without_findings();
    env.aws.world().permissions_mut().push(Permission {
        id: "vpce-svc-perm-1".to_owned(),
        service_id: env.service.clone(),
        principal: "redis.example.com".to_owned(),
        principal_type: "Service".to_owned(),
    });
    let unseen = unseen(&env).await;
    assert!(unseen[0].contains("redis.example.com") && unseen[0].contains("Service"), "{unseen:?}");
    assert_eq!(env.reports.findings(), NONE);
}

#[tokio::test]
async fn item_of_newer_version_may_be_the_record() {
    let env = without_findings();
    let endpoint = accepted(&env).await;
    env.ledger.delete_all();
    env.ledger.put_newer_item(&env.service, &endpoint);
    assert!(unseen(&env).await[0].contains("newer version"));
    assert_eq!(env.reports.findings(), NONE);
}

#[tokio::test]
async fn audit_without_time_resolves_nothing() {
    let env = without_findings();
    require_acceptance(&env, false);
    env.audit().await.unwrap();
    let open = env.ledger.open_ids();
    assert_ne!(open, NONE);
    let summary = env.audit_within(Duration::ZERO).await.unwrap();
    assert_eq!((summary.resolved, env.ledger.open_ids()), (0, open));
    assert!(summary.unseen.iter().any(|part| part.contains("deadline")), "{:?}", summary.unseen);
    assert!(env.reports.read("report.html").contains("This audit is not complete"));
}

#[tokio::test]
async fn audit_reads_all_pages() {
    let env = without_findings();
    env.aws.world().set_page_size_max(5);
    for _ in 0..12 {
        accepted(&env).await;
    }
    let _ = env.aws.faults.take_calls();
    let summary = env.audit().await.unwrap();
    assert_eq!((summary.connected, env.reports.findings()), (12, Vec::new()));
    let calls = env.aws.faults.take_calls();
    let pages = calls.iter().filter(|call| **call == "DescribeVpcEndpointConnections").count();
    assert_eq!(pages, 1 + 3 + 2, "one page shows that there are more, three are counted, and two of these are read again");
    assert!(!calls.iter().any(|call| call.starts_with("Accept") || call.starts_with("Reject")));
}
