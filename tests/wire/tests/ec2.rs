//! The EC2 adapter over the wire: pages, spelling, unsuccessful items, throttling.

use local::server::Options;
use warden::{
    decision::{Action, ActionToken, ToAccept, decide},
    model::{connection::State, principal::Principal, service::ServiceKind},
    ports::{Accept, ActOutcome, ConnectionFilter, Describe, Inventory},
};

use crate::{
    CONSUMER, PROVIDER,
    server::{Server, permit_all},
};

async fn tokens(server: &Server) -> Vec<ActionToken<ToAccept>> {
    let policy = permit_all();
    let token = |facts| match decide(&policy, facts, &[]).action {
        Action::Accept(token) => Some(token),
        _ => None,
    };
    server.facts().await.iter().filter_map(token).collect()
}

#[tokio::test]
async fn all_pages_of_any_size_are_read() {
    let server = Server::start(Options::default()).await;
    let mut made: Vec<String> = (0..23).map(|_| server.request()).collect();
    made.sort();
    for ec2 in [server.adapter(), server.adapter().with_page_size(5)] {
        let found = ec2.connections(ConnectionFilter::Service(&server.service)).await.unwrap();
        let mut seen: Vec<String> = found.iter().map(|connection| connection.subject.to_string()).collect();
        seen.sort();
        assert_eq!(seen, made);
        assert_eq!(ec2.connections(ConnectionFilter::All).await.unwrap().len(), 23);
    }
    let pages = server.local.calls().iter().filter(|call| call.action == "DescribeVpcEndpointConnections").count();
    assert_eq!(pages, 1 + 1 + 5 + 5);
}

#[tokio::test]
async fn facts_are_read_as_the_wire_spells_them() {
    let server = Server::start(Options::default()).await;
    let (endpoint, ec2) = (server.request(), server.adapter());
    let connection = ec2.connections(ConnectionFilter::Subject(&endpoint.parse().unwrap())).await.unwrap().remove(0);
    assert_eq!(connection.state, State::PendingAcceptance);
    assert_eq!(connection.owner.unwrap().as_str(), CONSUMER);
    assert!(connection.created.is_some());
    let service = ec2.services(Some(&server.service)).await.unwrap().remove(0);
    assert_eq!((service.kind, service.acceptance_required, service.tags["Name"].as_str()), (ServiceKind::Interface, true, "redis"));
    assert_eq!(ec2.services(Some(&"vpce-svc-0ffffffffffffffff".parse().unwrap())).await.unwrap(), [], "the service of another account");
    let topic = "arn:aws:sns:us-east-1:123456789012:t".parse().unwrap();
    assert_eq!(ec2.services_notifying(&topic).await.unwrap(), [server.service]);
}

#[tokio::test]
async fn unsuccessful_items_with_http_200_are_read() {
    let server = Server::start(Options::default()).await;
    let endpoints = [server.request(), server.request()];
    let tokens = tokens(&server).await;
    server.set_state(&endpoints[1], "deleted");
    let ActOutcome::Asked(unsuccessful) = server.adapter().accept(&server.service, tokens).await.unwrap() else { panic!("it was asked") };
    assert_eq!(unsuccessful.len(), 1);
    assert_eq!((unsuccessful[0].resource.as_str(), unsuccessful[0].code.as_str()), (endpoints[1].as_str(), "InvalidState"));
}

#[tokio::test]
async fn throttling_is_retried_and_refusals_are_not() {
    let server = Server::start(Options::default()).await;
    server.request();
    let ec2 = server.adapter();
    let describe = || ec2.connections(ConnectionFilter::Service(&server.service));
    let fail = |code: &str, status, times| server.local.fail_next("DescribeVpcEndpointConnections", code, status, times);
    fail("RequestLimitExceeded", 503, 2);
    assert_eq!(describe().await.unwrap().len(), 1);
    fail("UnauthorizedOperation", 403, 1);
    let error = describe().await.unwrap_err();
    assert_eq!((error.code.as_deref(), error.is_transient()), (Some("UnauthorizedOperation"), false));
    fail("RequestLimitExceeded", 503, 99);
    assert!(describe().await.unwrap_err().is_transient());
}

#[tokio::test]
async fn act_is_tried_once() {
    let server = Server::start(Options::default()).await;
    server.request();
    for code in ["RequestLimitExceeded", "InternalError"] {
        server.local.fail_next("AcceptVpcEndpointConnections", code, 503, 1);
        let error = server.adapter().for_acts().accept(&server.service, tokens(&server).await).await.unwrap_err();
        assert_eq!((error.code.as_deref(), error.is_throttling()), (Some(code), code == "RequestLimitExceeded"));
    }
    let ActOutcome::Asked(unsuccessful) = server.adapter().for_acts().accept(&server.service, tokens(&server).await).await.unwrap() else {
        panic!("it was asked")
    };
    assert_eq!(unsuccessful, []);
}

#[tokio::test]
async fn inventory_is_read_page_by_page() {
    let server = Server::start(Options { page_size_max: 5, ..Options::default() }).await;
    let principals: Vec<String> = (0..12).map(|n| format!("arn:aws:iam::{n:012}:role/reader")).chain(["*".to_owned()]).collect();
    server.local.world().modify_permissions(PROVIDER, server.service.as_str(), &principals, &[]).unwrap();
    let mut made: Vec<String> = (0..12).map(|_| server.request()).collect();
    made.sort();
    let ec2 = server.adapter();

    let permissions = ec2.permissions(&server.service).await.unwrap();
    assert_eq!(permissions.len(), 14);
    assert_eq!(permissions.iter().filter(|permission| matches!(permission.principal, Principal::Role { .. })).count(), 12);
    assert!(permissions.iter().any(|permission| permission.principal == Principal::Anyone));

    let configuration = ec2.service_configurations().await.unwrap().remove(0);
    assert_eq!((&configuration.service.id, configuration.regions[0].region.as_str()), (&server.service, "us-east-1"));
    let notification = ec2.connection_notifications().await.unwrap().remove(0);
    assert_eq!((&notification.service, notification.enabled, notification.events), (&server.service, true, vec!["Connect".to_owned()]));

    let (mut seen, mut sizes, mut from) = (Vec::new(), Vec::new(), None);
    loop {
        let page = ec2.page(&server.service, from.as_deref()).await.unwrap();
        sizes.push(page.connections.len());
        seen.extend(page.connections.iter().map(|connection| connection.subject.to_string()));
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    seen.sort();
    assert_eq!((seen, sizes), (made, vec![5, 5, 2]));
}

#[tokio::test]
async fn connection_with_unreadable_id_is_named() {
    let server = Server::start(Options::default()).await;
    let endpoint = server.request();
    server.local.world().connection_mut(&endpoint).unwrap().endpoint_id = "vpce-?".to_owned();
    let page = server.adapter().page(&server.service, None).await.unwrap();
    assert_eq!((page.connections.len(), page.unreadable), (0, vec!["`vpce-?`".to_owned()]));
}
