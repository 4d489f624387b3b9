//! The warden's own EC2 adapter over the wire: paging, spelling, `Unsuccessful`, throttling.

use local::{
    server::Options,
    world::{NewEndpoint, NewService},
};
use warden::{
    aws::ec2::Ec2,
    decision::{Action, ActionToken, ToAccept, decide},
    model::{
        connection::State,
        facts::{Counts, Facts},
        ids::ServiceId,
        principal::Principal,
        service::ServiceKind,
    },
    policy::{PolicyFile, PolicySet},
    ports::{Accept, ActOutcome, ConnectionFilter, Describe, Inventory},
};
use wire::{A, PROVIDER, Running, start};

async fn with_service(options: Options) -> (Running, ServiceId, String) {
    let running = start(options).await;
    let service = {
        let mut world = running.local.world();
        let new = NewService {
            load_balancer_arns: vec!["arn:nlb".into()],
            tags: [("Name".to_owned(), "redis".to_owned())].into(),
            ..NewService::default()
        };
        let service = world.create_service(PROVIDER, new).unwrap();
        world.modify_permissions(PROVIDER, &service.id, &[format!("arn:aws:iam::{A}:root")], &[]).unwrap();
        world.create_notification(PROVIDER, &service.id, "arn:aws:sns:us-east-1:123456789012:t", &["Connect".into()]).unwrap();
        service
    };
    (running, service.id.parse().unwrap(), service.name)
}

fn adapter(running: &Running) -> Ec2 {
    Ec2::new(&running.config(PROVIDER), "us-east-1".parse().unwrap())
}

fn ask(running: &Running, name: &str) -> String {
    running.local.world().create_endpoint(A, name, NewEndpoint::default()).unwrap().0.id
}

async fn tokens(ec2: &Ec2, service: &ServiceId) -> Vec<ActionToken<ToAccept>> {
    let policy = PolicySet::load(
        &[PolicyFile {
            name: "p.cedar".into(),
            text: "@id(\"all\") permit(principal, action == PrivateLink::Action::\"Accept\", resource);".into(),
        }],
        None,
    )
    .unwrap();
    let described = ec2.services(Some(service)).await.unwrap().remove(0);
    let connections = ec2.connections(ConnectionFilter::Service(service)).await.unwrap();
    let permit = |connection| {
        let facts = Facts {
            service: described.clone(),
            connection,
            counts: Counts::default(),
            membership: warden::model::organization::Membership::NotAsked,
            claim: None,
            now: jiff::Timestamp::now(),
        };
        match decide(&policy, &facts, &[]).action {
            Action::Accept(permit) => Some(permit),
            _ => None,
        }
    };
    connections.into_iter().filter_map(permit).collect()
}

#[tokio::test]
async fn every_page_is_read_however_small() {
    let (running, service, name) = with_service(Options::default()).await;
    let mut made: Vec<String> = (0..23).map(|_| ask(&running, &name)).collect();
    made.sort();
    for ec2 in [adapter(&running), adapter(&running).with_page_size(5)] {
        let mut seen: Vec<String> =
            ec2.connections(ConnectionFilter::Service(&service)).await.unwrap().iter().map(|c| c.endpoint.to_string()).collect();
        seen.sort();
        assert_eq!(seen, made);
        assert_eq!(ec2.connections(ConnectionFilter::All).await.unwrap().len(), 23);
    }
    let pages = running.local.calls().iter().filter(|call| call.action == "DescribeVpcEndpointConnections").count();
    assert_eq!(pages, 1 + 1 + 5 + 5);
}

#[tokio::test]
async fn facts_arrive_as_the_wire_spells_them() {
    let (running, service, name) = with_service(Options::default()).await;
    let endpoint = ask(&running, &name);
    let ec2 = adapter(&running);
    let connection = ec2.connections(ConnectionFilter::Endpoint(&endpoint.parse().unwrap())).await.unwrap().remove(0);
    assert_eq!(connection.state, State::PendingAcceptance);
    assert_eq!(connection.owner.unwrap().as_str(), A);
    assert!(connection.created.is_some());
    let described = ec2.services(Some(&service)).await.unwrap().remove(0);
    assert_eq!((described.kind, described.acceptance_required, described.tags["Name"].as_str()), (ServiceKind::Interface, true, "redis"));
    assert_eq!(
        ec2.services(Some(&"vpce-svc-0ffffffffffffffff".parse().unwrap())).await.unwrap(),
        [],
        "a stranger's service is an empty answer"
    );
    let topic = "arn:aws:sns:us-east-1:123456789012:t".parse().unwrap();
    assert_eq!(ec2.services_notifying(&topic).await.unwrap(), [service]);
}

#[tokio::test]
async fn unsuccessful_comes_with_http_200_and_is_seen() {
    let (running, service, name) = with_service(Options::default()).await;
    let endpoints = [ask(&running, &name), ask(&running, &name)];
    let ec2 = adapter(&running);
    let tokens = tokens(&ec2, &service).await;
    running.local.world().connection_mut(&endpoints[1]).unwrap().state = "deleted".to_owned();
    let ActOutcome::Asked(unsuccessful) = ec2.accept(&service, tokens).await.unwrap() else { panic!("it was asked") };
    assert_eq!(unsuccessful.len(), 1);
    assert_eq!((unsuccessful[0].resource.as_str(), unsuccessful[0].code.as_str()), (endpoints[1].as_str(), "InvalidState"));
}

#[tokio::test]
async fn throttling_passes_and_a_refusal_stays() {
    let (running, service, name) = with_service(Options::default()).await;
    ask(&running, &name);
    let ec2 = adapter(&running);
    running.local.fail_next("DescribeVpcEndpointConnections", "RequestLimitExceeded", 503, 2);
    assert_eq!(ec2.connections(ConnectionFilter::Service(&service)).await.unwrap().len(), 1);
    running.local.fail_next("DescribeVpcEndpointConnections", "UnauthorizedOperation", 403, 1);
    let error = ec2.connections(ConnectionFilter::Service(&service)).await.unwrap_err();
    assert_eq!((error.code.as_deref(), error.is_transient()), (Some("UnauthorizedOperation"), false));
    running.local.fail_next("DescribeVpcEndpointConnections", "RequestLimitExceeded", 503, 99);
    assert!(ec2.connections(ConnectionFilter::Service(&service)).await.unwrap_err().is_transient());
}

#[tokio::test]
async fn the_audit_s_world_is_read_whole_and_page_by_page() {
    let (running, service, name) = with_service(Options { page_size_max: 5, ..Options::default() }).await;
    let principals: Vec<String> = (0..12).map(|n| format!("arn:aws:iam::{n:012}:role/reader")).chain(["*".to_owned()]).collect();
    running.local.world().modify_permissions(PROVIDER, service.as_str(), &principals, &[]).unwrap();
    let mut made: Vec<String> = (0..12).map(|_| ask(&running, &name)).collect();
    made.sort();
    let ec2 = adapter(&running);

    let permissions = ec2.permissions(&service).await.unwrap();
    assert_eq!(permissions.len(), 14);
    assert_eq!(permissions.iter().filter(|permission| matches!(permission.who, Principal::Role { .. })).count(), 12);
    assert!(permissions.iter().any(|permission| permission.who == Principal::Anyone));

    let offer = ec2.service_configurations().await.unwrap().remove(0);
    assert_eq!((offer.service.id.clone(), offer.regions[0].region.as_str()), (service.clone(), "us-east-1"));
    let subscription = ec2.connection_notifications().await.unwrap().remove(0);
    assert_eq!((subscription.service, subscription.enabled, subscription.events), (service.clone(), true, vec!["Connect".to_owned()]));

    let (mut seen, mut sizes, mut from) = (Vec::new(), Vec::new(), None);
    loop {
        let page = ec2.page(&service, from.as_deref()).await.unwrap();
        sizes.push(page.connections.len());
        seen.extend(page.connections.iter().map(|connection| connection.endpoint.to_string()));
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    seen.sort();
    assert_eq!((seen, sizes), (made, vec![5, 5, 2]));
}

#[tokio::test]
async fn a_connection_without_a_readable_id_is_named() {
    let (running, service, name) = with_service(Options::default()).await;
    let endpoint = ask(&running, &name);
    running.local.world().connection_mut(&endpoint).unwrap().endpoint_id = "vpce-?".to_owned();
    let page = adapter(&running).page(&service, None).await.unwrap();
    assert_eq!((page.connections.len(), page.unreadable), (0, vec!["`vpce-?`".to_owned()]));
}
