//! Findings of services: their acceptance, permissions, notifications and Regions.

use super::*;
use local::world::{NewEndpoint, Permission, ServiceChange};
use scenarios::{PERMIT_ALL, PROVIDER, STRANGER, TOPIC, gateway_service, permit_account};
use warden::decision::grant::Grantee;

#[tokio::test]
async fn disabled_acceptance_is_critical_for_anyone() {
    let env = without_findings();
    require_acceptance(&env, false);
    for (principal, severity) in [(ALLOWED, "warning"), ("*", "critical")] {
        env.permit(principal);
        env.audit().await.unwrap();
        let report = env.reports.json();
        let finding = report["findings"].as_array().unwrap().iter().find(|finding| finding["kind"] == "acceptance-disabled").unwrap();
        assert_eq!(finding["severity"], severity);
    }
    require_acceptance(&env, true);
    assert_eq!(found(&env, "acceptance-disabled").await, NONE);
}

#[tokio::test]
async fn permission_beyond_the_policy_is_found() {
    let env = without_findings();
    let unit = "arn:aws:organizations::999988887777:ou/o-a1b2c3d4e5/ou-ab12-11112222";
    let wide = ["*", UNLISTED, "arn:aws:iam::444455556666:role/deployer", "arn:aws:iam::444455556666:user/kim"];
    wide.iter().for_each(|principal| env.permit(principal));
    env.aws.world().permissions_mut().push(Permission {
        id: "vpce-svc-perm-1".to_owned(),
        service_id: env.service.clone(),
        principal: unit.to_owned(),
        principal_type: "OrganizationUnit".to_owned(),
    });
    let mut found = found(&env, "excess-permission").await;
    found.sort();
    let mut expected = [&wide[..], &[unit]].concat();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn permission_that_may_be_needed_is_no_finding() {
    let of_account = "principal == PrivateLink::Account::\"111122223333\"";
    for (principal_scope, condition, permission) in [
        (of_account, "true", ALLOWED),
        (of_account, "true", "arn:aws:iam::111122223333:role/deployer"),
        // For an endpoint that does not exist yet, at a later time, below a cap, for a role.
        ("principal", "context.endpoint.id == \"vpce-0123456789abcdef0\"", UNLISTED),
        ("principal", "context.now > datetime(\"2030-01-01\")", UNLISTED),
        ("principal", "context.connections.ofAccount < 1", "*"),
        (
            "principal",
            "context has requester && context.requester.role == \"arn:aws:iam::444455556666:role/x\"",
            "arn:aws:iam::444455556666:role/x",
        ),
    ] {
        let env = without_findings().with_policy(&format!(
            "@id(\"p\") permit({principal_scope}, action == PrivateLink::Action::\"Accept\", resource) when {{ {condition} }};"
        ));
        env.withdraw(&root(ALLOWED));
        env.permit(permission);
        assert_eq!(found(&env, "excess-permission").await, NONE, "{condition} {permission}");
    }
}

/// An id inside the text of another principal is not that account.
#[tokio::test]
async fn permissions_are_compared_by_account() {
    let env = without_findings().with_policy(&permit_account("p", UNLISTED, "true"));
    env.withdraw(&root(ALLOWED));
    let of_stranger = format!("arn:aws:iam::{STRANGER}:role/for-{UNLISTED}");
    env.permit(&of_stranger);
    assert_eq!(found(&env, "excess-permission").await, [of_stranger]);
    assert_eq!(found(&env, "missing-permission").await, [UNLISTED]);
}

#[tokio::test]
async fn missing_permission_of_allowed_account_is_found() {
    let env = without_findings();
    assert_eq!(found(&env, "missing-permission").await, NONE);
    env.withdraw(&root(ALLOWED));
    assert_eq!(found(&env, "missing-permission").await, [ALLOWED]);
    for principal in ["*", ALLOWED, "arn:aws:iam::111122223333:role/deployer"] {
        env.permit(principal);
        assert_eq!(found(&env, "missing-permission").await, NONE, "{principal}");
        env.withdraw(principal);
    }
}

#[tokio::test]
async fn grants_count_for_permissions() {
    let env = without_findings();
    env.permit(UNLISTED);
    let endpoint = env.request(UNLISTED).endpoint;
    assert_eq!(found(&env, "excess-permission").await, [UNLISTED]);
    env.grant_endpoint(&endpoint);
    assert_eq!(found(&env, "excess-permission").await, NONE, "the account of a granted endpoint");
    env.grant(Grantee::Account(STRANGER.parse().unwrap()), Some(DAY));
    assert_eq!(found(&env, "missing-permission").await, [STRANGER]);
    env.pass(DAY * 2);
    assert_eq!(found(&env, "missing-permission").await, NONE, "the grant has ended");
}

#[tokio::test]
async fn blocked_account_lacks_no_permission() {
    let groups = format!(r#"{{"permitted": {{"accounts": ["{UNLISTED}", "{STRANGER}"]}}, "blocked": {{"accounts": ["{STRANGER}"]}}}}"#);
    for (effect, action) in [("forbid", "Accept"), ("permit", "Reject")] {
        let mut env = without_findings();
        let policy = |id: &str, effect: &str, group: &str, action: &str| {
            format!(
                "@id(\"{id}\") {effect}(principal in PrivateLink::AccountGroup::\"{group}\", action == PrivateLink::Action::\"{action}\", resource);"
            )
        };
        let policies = policy("a", "permit", "permitted", "Accept") + &policy("b", effect, "blocked", action);
        env.set_policy_set(&policies, Some(&groups));
        assert_eq!(found(&env, "missing-permission").await, [UNLISTED], "{effect}");
        env.permit(STRANGER);
        assert!(found(&env, "excess-permission").await.contains(&STRANGER.to_owned()), "{effect}");
    }
}

#[tokio::test]
async fn permission_is_for_a_first_request_now() {
    for (condition, expected) in [("context.now < datetime(\"2020-01-01\")", vec![]), ("context.connections.ofAccount < 1", vec![UNLISTED])]
    {
        let env = without_findings().with_policy(&permit_account("p", UNLISTED, condition));
        assert_eq!(found(&env, "missing-permission").await, expected, "{condition}");
    }
}

#[tokio::test]
async fn missing_notification_is_found() {
    let env = without_findings();
    assert_eq!(found(&env, "notifications-missing").await, NONE);
    let missing = [env.service.clone()];
    env.aws.world().notifications_mut().for_each(|n| n.state = "Disabled".to_owned());
    assert_eq!(found(&env, "notifications-missing").await, missing, "disabled");
    env.aws.world().notifications_mut().for_each(|n| {
        n.state = "Enabled".to_owned();
        n.events = vec!["Delete".to_owned()];
    });
    assert_eq!(found(&env, "notifications-missing").await, missing, "not for Connect");
    let report = env.reports.read("report.json");
    assert!(report.contains("--connection-events Connect\""), "the notification of requests alone: {report}");
    env.aws.world().notifications_mut().for_each(|n| {
        n.events = vec!["Connect".to_owned()];
        n.topic_arn = format!("{TOPIC}-of-another-stack");
    });
    assert_eq!(found(&env, "notifications-missing").await, missing, "to another topic");
    env.aws.world().create_notification(PROVIDER, &env.service, TOPIC, &["Connect".to_owned()]).unwrap();
    assert_eq!(found(&env, "notifications-missing").await, NONE);
}

#[tokio::test]
async fn gateway_load_balancer_service_needs_no_notification() {
    let env = without_findings();
    let service = env.create_service(gateway_service("redis"), &[ALLOWED, STRANGER]);
    let name = format!("com.amazonaws.vpce.us-east-1.{service}");
    let (endpoint, _) = env.aws.world().create_endpoint(STRANGER, &name, NewEndpoint::default()).unwrap();
    env.aws.world().accept(PROVIDER, &service, std::slice::from_ref(&endpoint.id)).unwrap();
    env.pass(HOUR);
    assert_eq!(found(&env, "unjustified").await, [format!("{service}/{}", endpoint.id)]);
    assert_eq!(found(&env, "notifications-missing").await, NONE);
}

#[tokio::test]
async fn connection_from_removed_region_is_found() {
    let env = without_findings().with_policy(PERMIT_ALL);
    let regions = |add: &[&str], remove: &[&str]| {
        let owned = |regions: &[&str]| regions.iter().map(|region| (*region).to_owned()).collect();
        let change = ServiceChange { add_supported_regions: owned(add), remove_supported_regions: owned(remove), ..Default::default() };
        env.aws.world().modify_service(PROVIDER, &env.service, change).unwrap();
    };
    regions(&["eu-west-1"], &[]);
    let name = format!("com.amazonaws.vpce.us-east-1.{}", env.service);
    let new = NewEndpoint { region: Some("eu-west-1".to_owned()), ..NewEndpoint::default() };
    let (remote, _) = env.aws.world().create_endpoint(ALLOWED, &name, new).unwrap();
    env.sweep().await;
    accepted(&env).await;
    assert_eq!(found(&env, "closed-region").await, NONE);
    regions(&[], &["eu-west-1"]);
    assert_eq!(found(&env, "closed-region").await, [remote.id.as_str()]);
    env.aws.world().connection_mut(&remote.id).unwrap().region = None;
    assert_eq!(found(&env, "closed-region").await, NONE, "an unknown Region is not a removed one");
}
