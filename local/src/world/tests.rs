//! The world against what AWS documents.

mod attachments;
mod regions;
mod services;

use jiff::{SignedDuration, Timestamp};

use super::*;

const PROVIDER: &str = "123456789012";
const CONSUMER: &str = "111122223333";

fn root(account: &str) -> String {
    format!("arn:aws:iam::{account}:root")
}

fn world() -> (World, Service) {
    let mut world = World::new("us-east-1", Timestamp::UNIX_EPOCH);
    let service =
        world.create_service(PROVIDER, NewService { load_balancer_arns: vec!["arn:nlb".into()], ..NewService::default() }).unwrap();
    world.modify_permissions(PROVIDER, &service.id, &[root(CONSUMER)], &[]).unwrap();
    (world, service)
}

fn request(world: &mut World, service: &Service) -> String {
    world.create_endpoint(CONSUMER, &service.name, NewEndpoint::default()).unwrap().0.id
}

fn state(world: &mut World, id: &str) -> String {
    world.connection_mut(id).unwrap().state.clone()
}

#[test]
fn connection_passes_through_its_states() {
    let (mut world, service) = world();
    let id = request(&mut world, &service);
    assert_eq!(state(&mut world, &id), "pendingAcceptance");
    assert_eq!(world.accept(PROVIDER, &service.id, std::slice::from_ref(&id)).unwrap().0, []);
    assert_eq!(state(&mut world, &id), "pending");
    world.set_now(world.now() + SignedDuration::from_mins(1));
    assert_eq!(state(&mut world, &id), "available");
    let again = world.accept(PROVIDER, &service.id, std::slice::from_ref(&id)).unwrap().0;
    assert_eq!(again.len(), 1, "an accepted connection is unsuccessful, with HTTP 200");
    world.reject(PROVIDER, &service.id, std::slice::from_ref(&id)).unwrap();
    assert_eq!(state(&mut world, &id), "rejected");
}

#[test]
fn service_is_visible_to_allowed_accounts_only() {
    let (mut world, service) = world();
    let error = world.create_endpoint("777788889999", &service.name, NewEndpoint::default()).unwrap_err();
    assert_eq!(error.code, "InvalidServiceName");
    let id = request(&mut world, &service);
    world.modify_permissions(PROVIDER, &service.id, &[], &[root(CONSUMER)]).unwrap();
    assert_eq!(state(&mut world, &id), "pendingAcceptance", "removing a permission keeps connections");
    assert!(world.create_endpoint(CONSUMER, &service.name, NewEndpoint::default()).is_err());
}

#[test]
fn only_the_owner_describes_and_accepts() {
    let (mut world, service) = world();
    let id = request(&mut world, &service);
    assert_eq!(world.describe_connections(CONSUMER, &[], PageRequest::default()).unwrap().items, []);
    assert_eq!(world.accept(CONSUMER, &service.id, &[id]).unwrap_err().code, "InvalidVpcEndpointServiceId.NotFound");
}

#[test]
fn filters_and_pages_are_checked() {
    let (mut world, service) = world();
    let ids: Vec<String> = (0..12).map(|_| request(&mut world, &service)).collect();
    let by = |world: &World, name: &str, value: &str| {
        world
            .describe_connections(PROVIDER, &[Filter { name: name.into(), values: vec![value.into()] }], PageRequest::default())
            .map(|page| page.items.len())
    };
    assert_eq!(by(&world, "vpc-endpoint-state", "pendingAcceptance"), Ok(12));
    assert_eq!(by(&world, "vpc-endpoint-state", "PendingAcceptance"), Ok(0));
    assert_eq!(by(&world, "vpc-endpoint-id", &ids[3]), Ok(1));
    assert_eq!(by(&world, "vpc-endpoint-region", "cross-region"), Ok(0));
    assert_eq!(by(&world, "nonsense", "x").unwrap_err().code, "InvalidParameterValue");
    let first = world.describe_connections(PROVIDER, &[], PageRequest { max_results: Some(5), next_token: None }).unwrap();
    assert_eq!(first.items.len(), 5);
    let last = world.describe_connections(PROVIDER, &[], PageRequest { max_results: Some(1000), next_token: first.next_token }).unwrap();
    assert_eq!((last.items.len(), last.next_token), (7, None));
    let sized = |size| world.describe_connections(PROVIDER, &[], PageRequest { max_results: Some(size), next_token: None });
    assert!(sized(4).is_err());
    assert_eq!(sized(1001).unwrap().items.len(), 12);
    let empty = World::new("eu-west-1", Timestamp::UNIX_EPOCH);
    assert_eq!(by(&empty, "nonsense", "x").unwrap_err().code, "InvalidParameterValue", "also where nothing would match");
}

#[test]
fn principals_have_types() {
    let (mut world, service) = world();
    for bad in ["arn:aws:sts::111122223333:assumed-role/x/y", "me", "arn:aws:iam::1:root", "arn:aws:iam::111122223333:role/team/x"] {
        assert_eq!(world.modify_permissions(PROVIDER, &service.id, &[bad.into()], &[]).unwrap_err().code, "InvalidPrincipal", "{bad}");
    }
    let kind = |world: &mut World, principal: &str| {
        world.modify_permissions(PROVIDER, &service.id, &[principal.into()], &[]).unwrap()[0].principal_type.clone()
    };
    assert_eq!(kind(&mut world, "*"), "All");
    assert_eq!(kind(&mut world, "444455556666"), "Account");
    assert_eq!(kind(&mut world, "arn:aws:iam::444455556666:role/x"), "Role");
}

#[test]
fn only_interface_services_have_notifications() {
    let (mut world, service) = world();
    world.create_notification(PROVIDER, &service.id, "arn:topic", &["Connect".into()]).unwrap();
    let (_, effects) = world.create_endpoint(CONSUMER, &service.name, NewEndpoint::default()).unwrap();
    assert_eq!(effects.iter().filter(|effect| matches!(effect, Effect::Notification { .. })).count(), 1);
    let firewall = world
        .create_service(
            PROVIDER,
            NewService { kind: "GatewayLoadBalancer".into(), load_balancer_arns: vec!["arn:gwlb".into()], ..NewService::default() },
        )
        .unwrap();
    assert!(world.create_notification(PROVIDER, &firewall.id, "arn:topic", &["Connect".into()]).is_err());
}

#[test]
fn deleted_connection_is_forgotten() {
    let (mut world, service) = world();
    world.set_forget_after(SignedDuration::from_secs(60));
    let [deleted, rejected] = [(); 2].map(|()| request(&mut world, &service));
    world.reject(PROVIDER, &service.id, std::slice::from_ref(&rejected)).unwrap();
    assert_eq!(world.delete_endpoints(CONSUMER, std::slice::from_ref(&deleted)).0, []);
    let listed = |world: &World| -> Vec<String> {
        let page = world.describe_connections(PROVIDER, &[], PageRequest::default()).unwrap();
        page.items.into_iter().map(|connection| connection.state).collect()
    };
    world.set_now(world.now() + SignedDuration::from_secs(40));
    assert_eq!(state(&mut world, &deleted), "deleted");
    world.set_now(world.now() + SignedDuration::from_secs(49));
    assert_eq!(listed(&world).len(), 2, "a deleted connection stays for 60 seconds");
    world.set_now(world.now() + SignedDuration::from_secs(1));
    assert_eq!(listed(&world), ["rejected"]);
    assert!(!world.knows(&deleted), "the consumer's list forgets it, too");
}

#[test]
fn every_acceptance_is_kept() {
    let (mut world, service) = world();
    let (endpoint, _) = world.create_endpoint(CONSUMER, &service.name, NewEndpoint::default()).unwrap();
    let ids = [endpoint.id.clone()];
    let accepted = |world: &World| world.acceptances().get(&endpoint.id).map_or(0, Vec::len);
    world.accept(PROVIDER, &service.id, &ids).unwrap();
    assert_eq!(accepted(&world), 1);
    assert_eq!(world.accept(PROVIDER, &service.id, &ids).unwrap().0.len(), 1, "already accepted");
    assert_eq!(accepted(&world), 1);
    world.reject(PROVIDER, &service.id, &ids).unwrap();
    world.accept(PROVIDER, &service.id, &ids).unwrap();
    assert_eq!(accepted(&world), 2);
}
