//! Transit gateway attachments against what AWS documents.

use jiff::{SignedDuration, Timestamp};

use super::{CONSUMER, PROVIDER, root};
use crate::world::*;

const TRANSIT_GATEWAY: &str = "tgw-0a1b2c3d4e5f60718";

fn world(connections: AttachmentConnections) -> (World, Service) {
    let mut world = World::new("us-east-1", Timestamp::UNIX_EPOCH);
    world.set_attachment_connections(connections);
    let new = NewService { kind: "GatewayLoadBalancer".into(), load_balancer_arns: vec!["arn:gwlb".into()], ..NewService::default() };
    let service = world.create_service(PROVIDER, new).unwrap();
    let of = PermissionType::TransitGatewayAttachment;
    world.modify_permissions_of(of, PROVIDER, &service.id, &[root(CONSUMER)], &[]).unwrap();
    (world, service)
}

fn zones(names: &[&str]) -> Zones {
    Zones { names: names.iter().map(|name| (*name).to_owned()).collect(), ids: Vec::new() }
}

fn attach(world: &mut World, service: &Service) -> Ec2Result<(Attachment, Vec<Effect>)> {
    let zones = zones(&["us-east-1a", "us-east-1b"]);
    let new = NewAttachment { transit_gateway_id: TRANSIT_GATEWAY.to_owned(), zones, ..NewAttachment::default() };
    world.create_attachment(CONSUMER, &service.name, new)
}

fn connections(world: &World, attachment: &str) -> Vec<Connection> {
    let filter = Filter { name: "transit-gateway-attachment-id".to_owned(), values: vec![attachment.to_owned()] };
    world.describe_connections(PROVIDER, &[filter], PageRequest::default()).unwrap().items
}

fn state(world: &World, attachment: &str) -> String {
    world.describe_attachments(CONSUMER, &[attachment.to_owned()], &[], &PageRequest::default()).unwrap().items[0].1.clone()
}

fn settle(world: &mut World) {
    world.set_now(world.now() + SignedDuration::from_mins(1));
}

#[test]
fn attachment_waits_for_the_service_owner() {
    let (mut world, service) = world(AttachmentConnections::Attachment);
    let (attachment, effects) = attach(&mut world, &service).unwrap();
    let [Effect::CloudTrail { account, event_detail, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((account.as_str(), &event_detail["eventName"]), (CONSUMER, &"CreateTransitGatewayNetworkFunctionAttachment".into()));
    let [connection] = &connections(&world, &attachment.id)[..] else { panic!("one connection") };
    let link = connection.attachment.as_ref().unwrap();
    assert_eq!((connection.endpoint(), connection.owner.as_deref(), link.owner.as_str()), (None, None, CONSUMER));
    assert_eq!((connection.state.as_str(), state(&world, &attachment.id).as_str()), ("pendingAcceptance", "pendingAcceptance"));
    assert_eq!(world.accept_attachments(PROVIDER, &service.id, std::slice::from_ref(&attachment.id)).unwrap(), (vec![], vec![]));
    assert_eq!(state(&world, &attachment.id), "pending");
    settle(&mut world);
    assert_eq!(state(&world, &attachment.id), "available");
    world.reject_attachments(PROVIDER, &service.id, std::slice::from_ref(&attachment.id)).unwrap();
    assert_eq!(state(&world, &attachment.id), "rejected");
    assert_eq!(world.acceptances()[&attachment.id].len(), 1);
}

#[test]
fn connections_show_endpoints_by_option() {
    for (option, count) in [(AttachmentConnections::Endpoint, 1), (AttachmentConnections::Zones, 2)] {
        let (mut world, service) = world(option);
        let attachment = attach(&mut world, &service).unwrap().0;
        let found = connections(&world, &attachment.id);
        assert_eq!(found.len(), count);
        let endpoint = found[0].endpoint().unwrap().to_owned();
        assert_eq!(found[0].owner.as_deref(), Some(CONSUMER));
        assert_eq!(world.accept(PROVIDER, &service.id, &[endpoint]).unwrap().0, []);
        assert_eq!(world.accept_attachments(PROVIDER, &service.id, std::slice::from_ref(&attachment.id)).unwrap().0.len(), 2 - count);
        settle(&mut world);
        assert!(connections(&world, &attachment.id).iter().all(|connection| connection.state == "available"));
    }
}

#[test]
fn permission_types_are_independent() {
    let (mut world, service) = world(AttachmentConnections::Attachment);
    let error = world.create_endpoint(CONSUMER, &service.name, NewEndpoint::default()).unwrap_err();
    assert_eq!(error.code, "InvalidServiceName");
    world.modify_permissions(PROVIDER, &service.id, &[root(CONSUMER)], &[]).unwrap();
    world.modify_permissions_of(PermissionType::TransitGatewayAttachment, PROVIDER, &service.id, &[], &[root(CONSUMER)]).unwrap();
    assert_eq!(attach(&mut world, &service).unwrap_err().code, "InvalidServiceName");
    world.create_endpoint(CONSUMER, &service.name, NewEndpoint::default()).unwrap();
}

#[test]
fn attachment_permissions_are_account_roots() {
    let (mut world, service) = world(AttachmentConnections::Attachment);
    let of = PermissionType::TransitGatewayAttachment;
    for bad in ["*", "444455556666", "arn:aws:iam::444455556666:role/x", "arn:aws:iam::444455556666:user/x"] {
        let error = world.modify_permissions_of(of, PROVIDER, &service.id, &[bad.to_owned()], &[]).unwrap_err();
        assert_eq!(error.code, "InvalidPrincipal", "{bad}");
    }
    let interface =
        world.create_service(PROVIDER, NewService { load_balancer_arns: vec!["arn:nlb".into()], ..NewService::default() }).unwrap();
    assert_eq!(world.modify_permissions_of(of, PROVIDER, &interface.id, &[root(CONSUMER)], &[]).unwrap_err().code, "InvalidParameter");
    let filter = Filter { name: "permission-type".to_owned(), values: vec!["transit-gateway-attachment".to_owned()] };
    world.modify_permissions(PROVIDER, &service.id, &["*".to_owned()], &[]).unwrap();
    let found = world.describe_permissions(PROVIDER, &service.id, &[filter], PageRequest::default()).unwrap().items;
    assert_eq!(found.iter().map(|each| each.principal.clone()).collect::<Vec<_>>(), [root(CONSUMER)]);
}

#[test]
fn service_has_one_attachment_of_a_gateway() {
    let (mut world, service) = world(AttachmentConnections::Attachment);
    let first = attach(&mut world, &service).unwrap().0;
    assert_eq!(attach(&mut world, &service).unwrap_err().code, "DuplicateTransitGatewayAttachment");
    world.delete_attachment(CONSUMER, &first.id).unwrap();
    assert_eq!(state(&world, &first.id), "deleting");
    settle(&mut world);
    assert_eq!(world.delete_attachment(CONSUMER, &first.id).unwrap_err().code, "IncorrectState");
    attach(&mut world, &service).unwrap();
    let new = NewAttachment { transit_gateway_id: TRANSIT_GATEWAY.into(), zones: zones(&["us-east-1a"]), ..NewAttachment::default() };
    let error = world.create_attachment(PROVIDER, &service.name, new).unwrap_err();
    assert_eq!(error.code, "InvalidTransitGatewayID.NotFound", "only the owner of the transit gateway attaches it");
}

#[test]
fn added_zones_wait_for_acceptance() {
    let (mut world, service) = world(AttachmentConnections::Zones);
    let id = attach(&mut world, &service).unwrap().0.id;
    let change = AttachmentChange { add: zones(&["us-east-1c"]), remove: zones(&["us-east-1a"]) };
    assert_eq!(world.modify_attachment(CONSUMER, &id, change.clone()).unwrap_err().code, "IncorrectState");
    world.accept_attachments(PROVIDER, &service.id, std::slice::from_ref(&id)).unwrap();
    settle(&mut world);
    let (changed, _) = world.modify_attachment(CONSUMER, &id, change).unwrap();
    assert_eq!(changed.zones, zones(&["us-east-1b", "us-east-1c"]));
    settle(&mut world);
    let mut states: Vec<String> = connections(&world, &id).into_iter().map(|connection| connection.state).collect();
    states.sort();
    assert_eq!(states, ["available", "deleted", "pendingAcceptance"]);
    let last = AttachmentChange { remove: zones(&["us-east-1b", "us-east-1c"]), ..AttachmentChange::default() };
    assert_eq!(world.modify_attachment(CONSUMER, &id, last).unwrap_err().code, "InvalidParameter");
}
