//! Transit gateway attachments over the wire: the members that the SDK lacks.

use aws_sdk_ec2::{
    operation::{
        accept_vpc_endpoint_connections::AcceptVpcEndpointConnectionsInput,
        reject_vpc_endpoint_connections::RejectVpcEndpointConnectionsInput,
    },
    types::{AllowedPrincipal, VpcEndpointConnection},
};
use local::{
    server::Options,
    world::{AttachmentConnections, NewAttachment, NewService, PermissionType, Zones},
};
use warden::{
    decision::{Action, ActionToken, ToAccept, ToReject, decide},
    model::{
        connection::{Connection, State},
        facts::{Counts, Facts},
        subject::SubjectKind,
    },
    ports::{Accept, ActOutcome, ConnectionFilter, Describe, Inventory, PermissionEditor, Reject},
};

use crate::{
    CONSUMER, PROVIDER,
    server::{Server, permit_all, reject_all},
};

/// Starts a server whose service is a firewall that the consumer may attach to.
async fn firewall(form: AttachmentConnections) -> Server {
    let mut server = Server::start(Options::default()).await;
    let service = {
        let mut world = server.local.world();
        world.set_attachment_connections(form);
        let load_balancer_arns = vec!["arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/gwy/f/0123456789abcdef".to_owned()];
        let new = NewService { kind: "GatewayLoadBalancer".to_owned(), load_balancer_arns, ..NewService::default() };
        let service = world.create_service(PROVIDER, new).unwrap();
        let root = format!("arn:aws:iam::{CONSUMER}:root");
        world.modify_permissions_of(PermissionType::TransitGatewayAttachment, PROVIDER, &service.id, &[root], &[]).unwrap();
        service
    };
    server.service = service.id.parse().unwrap();
    server.service_name = service.name;
    server
}

/// The consumer attaches a transit gateway in two Availability Zones. Returns the id.
fn attach(server: &Server, number: usize) -> String {
    let zones = Zones { names: vec!["us-east-1a".to_owned(), "us-east-1b".to_owned()], ids: Vec::new() };
    let new = NewAttachment { transit_gateway_id: format!("tgw-{number:017x}"), zones, ..NewAttachment::default() };
    server.local.world().create_attachment(CONSUMER, &server.service_name, new).unwrap().0.id
}

async fn facts(server: &Server) -> Vec<Facts> {
    let ec2 = server.adapter();
    let service = ec2.services(Some(&server.service)).await.unwrap().remove(0);
    let connections = ec2.connections(ConnectionFilter::Service(&server.service)).await.unwrap();
    connections.into_iter().map(|one| Facts::described(service.clone(), one, Counts::default(), jiff::Timestamp::now())).collect()
}

async fn to_accept(server: &Server) -> Vec<ActionToken<ToAccept>> {
    let token = |facts: &Facts| match decide(&permit_all(), facts, &[]).action {
        Action::Accept(token) => Some(token),
        _ => None,
    };
    facts(server).await.iter().filter_map(token).collect()
}

async fn to_reject(server: &Server) -> Vec<ActionToken<ToReject>> {
    let token = |facts: &Facts| match decide(&reject_all(), facts, &[]).action {
        Action::Reject(token) => Some(token),
        _ => None,
    };
    facts(server).await.iter().filter_map(token).collect()
}

/// The one connection of an attachment, as the adapter describes it.
async fn described(server: &Server, attachment: &str) -> Connection {
    let found = server.adapter().connections(ConnectionFilter::Subject(&attachment.parse().unwrap())).await.unwrap();
    let [connection] = &found[..] else { panic!("one connection: {found:?}") };
    connection.clone()
}

/// If this fails, aws-sdk-ec2 has learned the members: read and write them with the SDK, and remove shared/src/aws/ec2/fields.rs.
#[test]
fn sdk_lacks_attachments() {
    let members = [
        format!("{:?}", VpcEndpointConnection::builder().build()),
        format!("{:?}", AcceptVpcEndpointConnectionsInput::builder().build()),
        format!("{:?}", RejectVpcEndpointConnectionsInput::builder().build()),
    ];
    assert!(!format!("{:?}", AllowedPrincipal::builder().build()).contains("permission_type"), "the SDK has `PermissionType` now");
    for debug in members {
        assert!(debug.contains("vpc_endpoint_id"), "the members of the type are not visible any more: {debug}");
        assert!(!debug.contains("transit_gateway"), "the SDK has the members now: remove shared/src/aws/ec2/fields.rs. {debug}");
    }
}

#[tokio::test]
async fn attachment_is_described_in_every_form() {
    for form in [AttachmentConnections::Attachment, AttachmentConnections::Endpoint, AttachmentConnections::Zones] {
        let server = firewall(form).await;
        let attachment = attach(&server, 1);
        let connection = described(&server, &attachment).await;
        assert_eq!((connection.subject.as_str(), connection.owner.unwrap().as_str()), (attachment.as_str(), CONSUMER), "{form:?}");
        assert_eq!((connection.state, connection.service), (State::PendingAcceptance, server.service.clone()));
        let page = server.adapter().page(&server.service, None).await.unwrap();
        assert_eq!((page.connections.len(), page.unreadable), (1, Vec::new()));
    }
}

#[tokio::test]
async fn attachments_are_read_from_every_page() {
    let server = firewall(AttachmentConnections::Attachment).await;
    let mut made: Vec<String> = (0..12).map(|number| attach(&server, number)).collect();
    made.sort();
    let found = server.adapter().with_page_size(5).connections(ConnectionFilter::All).await.unwrap();
    let mut seen: Vec<String> = found.iter().map(|connection| connection.subject.to_string()).collect();
    seen.sort();
    assert_eq!(seen, made);
}

#[tokio::test]
async fn attachments_are_accepted_by_their_ids() {
    for form in [AttachmentConnections::Attachment, AttachmentConnections::Endpoint, AttachmentConnections::Zones] {
        let server = firewall(form).await;
        let attachments = [attach(&server, 1), attach(&server, 2)];
        let outcome = server.adapter().for_acts().accept(&server.service, to_accept(&server).await).await.unwrap();
        assert_eq!(outcome, ActOutcome::Asked(Vec::new()), "{form:?}");
        for attachment in attachments {
            assert!(matches!(described(&server, &attachment).await.state, State::Pending | State::Available));
        }
    }
}

#[tokio::test]
async fn unsuccessful_attachment_is_named() {
    let server = firewall(AttachmentConnections::Attachment).await;
    let attachment = attach(&server, 1);
    let tokens = to_accept(&server).await;
    server.set_state(&attachment, "deleted");
    let ActOutcome::Asked(unsuccessful) = server.adapter().accept(&server.service, tokens).await.unwrap() else { panic!("it was asked") };
    assert_eq!(unsuccessful.iter().map(|item| item.resource.as_str()).collect::<Vec<_>>(), [attachment]);
}

#[tokio::test]
async fn attachment_is_rejected_by_its_id() {
    let server = firewall(AttachmentConnections::Attachment).await;
    let attachment = attach(&server, 1);
    server.adapter().reject(&server.service, to_reject(&server).await).await.unwrap();
    assert_eq!(described(&server, &attachment).await.state, State::Rejected);
}

#[tokio::test]
async fn retried_request_keeps_its_parameters() {
    let server = firewall(AttachmentConnections::Attachment).await;
    attach(&server, 1);
    server.local.fail_next("AcceptVpcEndpointConnections", "RequestLimitExceeded", 503, 1);
    let outcome = server.adapter().accept(&server.service, to_accept(&server).await).await.unwrap();
    assert_eq!(outcome, ActOutcome::Asked(Vec::new()));
}

#[tokio::test]
async fn permissions_are_edited_by_kind() {
    let server = firewall(AttachmentConnections::Attachment).await;
    let (ec2, root) = (server.adapter(), format!("arn:aws:iam::{CONSUMER}:root"));
    let permitted = async || {
        let mut kinds: Vec<SubjectKind> = ec2.permissions(&server.service).await.unwrap().into_iter().map(|one| one.may_request).collect();
        kinds.sort();
        kinds
    };
    assert_eq!(permitted().await, [SubjectKind::Attachment]);
    ec2.admit(&server.service, SubjectKind::Endpoint, std::slice::from_ref(&root), &[]).await.unwrap();
    assert_eq!(permitted().await, SubjectKind::ALL);
    ec2.admit(&server.service, SubjectKind::Attachment, &[], std::slice::from_ref(&root)).await.unwrap();
    assert_eq!(permitted().await, [SubjectKind::Endpoint]);
    ec2.admit(&server.service, SubjectKind::Attachment, &[root], &[]).await.unwrap();
    assert_eq!(permitted().await, SubjectKind::ALL);
}
