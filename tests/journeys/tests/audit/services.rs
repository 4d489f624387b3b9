//! What is found of services: their doors, their permissions, their notifications, their Regions.

use super::*;

#[tokio::test]
async fn open_door_is_a_service_that_asks_nobody_and_critical_if_anybody_may_come() {
    let stage = tidy();
    stage.aws.world().modify_service(PROVIDER, &stage.service, acceptance(false)).unwrap();
    stage.audit().await.unwrap();
    let report: Value = serde_json::from_str(&stage.shelf.read("report.json")).unwrap();
    assert_eq!(severity(&report, "acceptance-disabled"), Some("warning".to_owned()));
    allow(&stage, "*");
    stage.audit().await.unwrap();
    let report: Value = serde_json::from_str(&stage.shelf.read("report.json")).unwrap();
    assert_eq!(severity(&report, "acceptance-disabled"), Some("critical".to_owned()));
    stage.aws.world().modify_service(PROVIDER, &stage.service, acceptance(true)).unwrap();
    assert_eq!(of_kind(&stage, "acceptance-disabled").await, Vec::<String>::new());
}

#[tokio::test]
async fn wide_permission_is_one_for_somebody_the_policy_never_accepts() {
    let stage = tidy();
    let ou = "arn:aws:organizations::999988887777:ou/o-a1b2c3d4e5/ou-ab12-11112222";
    let wide = ["*", B, "arn:aws:iam::444455556666:role/deployer", "arn:aws:iam::444455556666:user/kim"];
    wide.iter().for_each(|principal| allow(&stage, principal));
    stage.aws.world().permissions_mut().push(Permission {
        id: "vpce-svc-perm-1".to_owned(),
        service_id: stage.service.clone(),
        principal: ou.to_owned(),
        principal_type: "OrganizationUnit".to_owned(),
    });
    let mut expected: Vec<String> = wide.iter().chain(&[ou]).map(|principal| id(&stage, "excess-permission", principal)).collect();
    expected.sort();
    let mut found = of_kind(&stage, "excess-permission").await;
    found.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_permission_is_not_wide_if_there_is_any_endpoint_time_or_unit_it_could_be_good_for() {
    for (policy, principal) in [
        // An account of the group, as a root, a bare id, a role.
        ("permit(principal == PrivateLink::Account::\"111122223333\", action == PrivateLink::Action::\"Accept\", resource)", A),
        (
            "permit(principal == PrivateLink::Account::\"111122223333\", action == PrivateLink::Action::\"Accept\", resource)",
            "arn:aws:iam::111122223333:role/deployer",
        ),
        // One endpoint that is not there yet; later; from elsewhere; below a cap.
        (
            "permit(principal, action == PrivateLink::Action::\"Accept\", resource) when { context.endpoint.id == \"vpce-0123456789abcdef0\" }",
            B,
        ),
        ("permit(principal, action == PrivateLink::Action::\"Accept\", resource) when { context.now > datetime(\"2030-01-01\") }", B),
        ("permit(principal, action == PrivateLink::Action::\"Accept\", resource) when { context.connections.ofAccount < 1 }", "*"),
        (
            "permit(principal, action == PrivateLink::Action::\"Accept\", resource) when { context has requester && context.requester.role == \"arn:aws:iam::444455556666:role/x\" }",
            "arn:aws:iam::444455556666:role/x",
        ),
    ] {
        let stage = tidy().with_policy(&format!("@id(\"p\") {policy};"));
        forbid(&stage, A);
        allow(&stage, principal);
        assert_eq!(of_kind(&stage, "excess-permission").await, Vec::<String>::new(), "{policy} {principal}");
    }
}

#[tokio::test]
async fn accounts_are_compared_as_ids_and_never_as_pieces_of_text() {
    // B's id stands inside a role's name and inside the text of another principal.
    let stage = tidy().with_policy(
        "@id(\"p\") permit(principal == PrivateLink::Account::\"444455556666\", action == PrivateLink::Action::\"Accept\", resource);",
    );
    forbid(&stage, A);
    allow(&stage, "arn:aws:iam::777788889999:role/for-444455556666");
    let all = found(&stage).await;
    assert!(all.contains(&id(&stage, "excess-permission", "arn:aws:iam::777788889999:role/for-444455556666")), "{all:?}");
    assert!(all.contains(&id(&stage, "missing-permission", B)), "{all:?}");
}

#[tokio::test]
async fn cannot_ask_is_an_account_that_the_policy_accepts_and_no_permission_lets_in() {
    let stage = tidy();
    assert_eq!(of_kind(&stage, "missing-permission").await, Vec::<String>::new());
    forbid(&stage, A);
    assert_eq!(of_kind(&stage, "missing-permission").await, [id(&stage, "missing-permission", A)]);
    for principal in ["*", A, "arn:aws:iam::111122223333:role/deployer"] {
        allow(&stage, principal);
        assert_eq!(of_kind(&stage, "missing-permission").await, Vec::<String>::new(), "{principal}");
        stage.aws.world().modify_permissions(PROVIDER, &stage.service, &[], &[principal.to_owned()]).unwrap();
    }
}

#[tokio::test]
async fn silent_service_is_one_whose_requests_are_not_announced_to_us() {
    let stage = tidy();
    let silence = || of_kind(&stage, "notifications-missing");
    assert_eq!(silence().await, Vec::<String>::new());
    stage.aws.world().notifications_mut().for_each(|n| n.state = "Disabled".to_owned());
    let expected = [format!("notifications-missing/{}", stage.service)];
    assert_eq!(silence().await, expected, "disabled");
    stage.aws.world().notifications_mut().for_each(|n| {
        n.state = "Enabled".to_owned();
        n.events = vec!["Delete".to_owned()];
    });
    assert_eq!(silence().await, expected, "not for Connect");
    stage.aws.world().notifications_mut().for_each(|n| {
        n.events = vec!["Connect".to_owned()];
        n.topic_arn = format!("{TOPIC}-of-somebody-else");
    });
    assert_eq!(silence().await, expected, "elsewhere");
    stage.aws.world().create_notification(PROVIDER, &stage.service, TOPIC, &["Connect".to_owned()]).unwrap();
    assert_eq!(silence().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_gateway_load_balancer_service_is_silent_by_design_and_judged_like_the_others() {
    let stage = tidy();
    let new = NewService {
        kind: "GatewayLoadBalancer".to_owned(),
        load_balancer_arns: vec!["arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/gwy/fw/0123456789abcdef".to_owned()],
        tags: [("Name".to_owned(), "redis".to_owned())].into(),
        ..NewService::default()
    };
    let service = stage.aws.world().create_service(PROVIDER, new).unwrap();
    stage.aws.world().modify_permissions(PROVIDER, &service.id, &[root(A), root(C)], &[]).unwrap();
    let (endpoint, _) = stage.aws.world().create_endpoint(C, &service.name, NewEndpoint::default()).unwrap();
    stage.aws.world().accept(PROVIDER, &service.id, std::slice::from_ref(&endpoint.id)).unwrap();
    stage.pass(SignedDuration::from_hours(1));
    let all = found(&stage).await;
    assert!(all.contains(&format!("unjustified/{}/{}", service.id, endpoint.id)), "{all:?}");
    assert!(!all.iter().any(|id| id.starts_with("notifications-missing")), "{all:?}");
}

#[tokio::test]
async fn closed_region_is_a_connection_from_where_the_service_is_offered_no_more() {
    let mut stage = tidy();
    stage.set_policy("@id(\"all\") permit(principal, action == PrivateLink::Action::\"Accept\", resource);");
    let change = |add: &[&str], remove: &[&str]| local::world::ServiceChange {
        add_supported_regions: add.iter().map(|region| (*region).to_owned()).collect(),
        remove_supported_regions: remove.iter().map(|region| (*region).to_owned()).collect(),
        ..Default::default()
    };
    stage.aws.world().modify_service(PROVIDER, &stage.service, change(&["eu-west-1"], &[])).unwrap();
    let name = format!("com.amazonaws.vpce.us-east-1.{}", stage.service);
    let new = NewEndpoint { region: Some("eu-west-1".to_owned()), ..NewEndpoint::default() };
    let (endpoint, _) = stage.aws.world().create_endpoint(A, &name, new).unwrap();
    stage.sweep().await.unwrap();
    connected(&stage).await;
    assert_eq!(of_kind(&stage, "closed-region").await, Vec::<String>::new());
    stage.aws.world().modify_service(PROVIDER, &stage.service, change(&[], &["eu-west-1"])).unwrap();
    assert_eq!(of_kind(&stage, "closed-region").await, [id(&stage, "closed-region", &endpoint.id)]);
    stage.aws.world().connection_mut(&endpoint.id).unwrap().region = None;
    assert_eq!(of_kind(&stage, "closed-region").await, Vec::<String>::new(), "an unnamed Region is no closed one");
}
