//! The world behaves as AWS documents it.
#![cfg(test)]

use jiff::{SignedDuration, Timestamp};

use super::*;

const P: &str = "123456789012";
const A: &str = "111122223333";

fn world() -> (World, Service) {
    let mut world = World::new("us-east-1", Timestamp::UNIX_EPOCH);
    let service = world.create_service(P, NewService { load_balancer_arns: vec!["arn:nlb".into()], ..NewService::default() }).unwrap();
    world.modify_permissions(P, &service.id, &[format!("arn:aws:iam::{A}:root")], &[]).unwrap();
    (world, service)
}

fn ask(world: &mut World, service: &Service) -> String {
    world.create_endpoint(A, &service.name, NewEndpoint::default()).unwrap().0.id
}

fn state(world: &mut World, id: &str) -> String {
    world.connection_mut(id).unwrap().state.clone()
}

#[test]
fn a_connection_s_life() {
    let (mut world, service) = world();
    let id = ask(&mut world, &service);
    assert_eq!(state(&mut world, &id), "pendingAcceptance");
    assert_eq!(world.accept(P, &service.id, std::slice::from_ref(&id)).unwrap().0, []);
    assert_eq!(state(&mut world, &id), "pending");
    world.set_now(world.now() + SignedDuration::from_mins(1));
    assert_eq!(state(&mut world, &id), "available");
    let again = world.accept(P, &service.id, std::slice::from_ref(&id)).unwrap().0;
    assert_eq!(again.len(), 1, "accepting twice is unsuccessful, with HTTP 200");
    world.reject(P, &service.id, std::slice::from_ref(&id)).unwrap();
    assert_eq!(state(&mut world, &id), "rejected");
}

#[test]
fn a_stranger_cannot_find_what_an_allowed_account_can() {
    let (mut world, service) = world();
    let error = world.create_endpoint("777788889999", &service.name, NewEndpoint::default()).unwrap_err();
    assert_eq!(error.code, "InvalidServiceName");
    let id = ask(&mut world, &service);
    world.modify_permissions(P, &service.id, &[], &[format!("arn:aws:iam::{A}:root")]).unwrap();
    assert_eq!(state(&mut world, &id), "pendingAcceptance", "removing a permission leaves connections as they are");
    assert!(world.create_endpoint(A, &service.name, NewEndpoint::default()).is_err());
}

#[test]
fn only_the_owner_sees_and_answers() {
    let (mut world, service) = world();
    let id = ask(&mut world, &service);
    assert_eq!(world.describe_connections(A, &[], PageRequest::default()).unwrap().items, []);
    assert_eq!(world.accept(A, &service.id, &[id]).unwrap_err().code, "InvalidVpcEndpointServiceId.NotFound");
}

#[test]
fn filters_and_pages() {
    let (mut world, service) = world();
    let ids: Vec<String> = (0..12).map(|_| ask(&mut world, &service)).collect();
    let by = |world: &World, name: &str, value: &str| {
        world
            .describe_connections(P, &[Filter { name: name.into(), values: vec![value.into()] }], PageRequest::default())
            .map(|page| page.items.len())
    };
    assert_eq!(by(&world, "vpc-endpoint-state", "pendingAcceptance"), Ok(12));
    assert_eq!(by(&world, "vpc-endpoint-state", "PendingAcceptance"), Ok(0));
    assert_eq!(by(&world, "vpc-endpoint-id", &ids[3]), Ok(1));
    assert_eq!(by(&world, "vpc-endpoint-region", "cross-region"), Ok(0));
    assert_eq!(by(&world, "nonsense", "x").unwrap_err().code, "InvalidParameterValue");
    let first = world.describe_connections(P, &[], PageRequest { max_results: Some(5), next_token: None }).unwrap();
    assert_eq!(first.items.len(), 5);
    let last = world.describe_connections(P, &[], PageRequest { max_results: Some(1000), next_token: first.next_token }).unwrap();
    assert_eq!((last.items.len(), last.next_token), (7, None));
    for bad in [4, 1001] {
        assert!(world.describe_connections(P, &[], PageRequest { max_results: Some(bad), next_token: None }).is_err());
    }
}

#[test]
fn principals() {
    let (mut world, service) = world();
    for bad in ["arn:aws:sts::111122223333:assumed-role/x/y", "me", "arn:aws:iam::1:root"] {
        assert_eq!(world.modify_permissions(P, &service.id, &[bad.into()], &[]).unwrap_err().code, "InvalidPrincipal", "{bad}");
    }
    let kind = |world: &mut World, principal: &str| {
        world.modify_permissions(P, &service.id, &[principal.into()], &[]).unwrap()[0].principal_type.clone()
    };
    assert_eq!(kind(&mut world, "*"), "All");
    assert_eq!(kind(&mut world, "444455556666"), "Account");
    assert_eq!(kind(&mut world, "arn:aws:iam::444455556666:role/x"), "Role");
}

#[test]
fn notifications_are_for_interface_services() {
    let (mut world, service) = world();
    world.create_notification(P, &service.id, "arn:topic", &["Connect".into()]).unwrap();
    let (_, effects) = world.create_endpoint(A, &service.name, NewEndpoint::default()).unwrap();
    assert_eq!(effects.iter().filter(|effect| matches!(effect, Effect::Notification { .. })).count(), 1);
    let firewall = world
        .create_service(
            P,
            NewService { kind: "GatewayLoadBalancer".into(), load_balancer_arns: vec!["arn:gwlb".into()], ..NewService::default() },
        )
        .unwrap();
    assert!(world.create_notification(P, &firewall.id, "arn:topic", &["Connect".into()]).is_err());
}

#[test]
fn acceptances_are_kept_each_time_that_they_are_taken() {
    let (mut world, service) = world();
    let (endpoint, _) = world.create_endpoint(A, &service.name, NewEndpoint::default()).unwrap();
    let ids = [endpoint.id.clone()];
    let taken = |world: &World| world.acceptances().get(&endpoint.id).map_or(0, Vec::len);
    world.accept(P, &service.id, &ids).unwrap();
    assert_eq!(taken(&world), 1);
    assert_eq!(world.accept(P, &service.id, &ids).unwrap().0.len(), 1, "connected already, so it is not taken");
    assert_eq!(taken(&world), 1);
    world.reject(P, &service.id, &ids).unwrap();
    world.accept(P, &service.id, &ids).unwrap();
    assert_eq!(taken(&world), 2);
}
