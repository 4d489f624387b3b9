//! Configurations of services: load balancers, private DNS names, types of endpoints.

use super::{CONSUMER, PROVIDER, world};
use crate::world::*;

fn change(world: &mut World, service: &Service, change: ServiceChange) -> Ec2Result<Service> {
    world.modify_service(PROVIDER, &service.id, change)?;
    Ok(world.describe_services(PROVIDER, &[], &[], PageRequest::default())?.items[0].clone())
}

fn list(add: &[&str], remove: &[&str]) -> ListChange {
    let owned = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
    ListChange { add: owned(add), remove: owned(remove) }
}

#[test]
fn load_balancers_have_the_service_s_type() {
    let (mut world, service) = world();
    let swap = ServiceChange { network_load_balancers: list(&["arn:new"], &["arn:nlb"]), ..ServiceChange::default() };
    assert_eq!(change(&mut world, &service, swap).unwrap().load_balancer_arns, ["arn:new"]);
    let foreign = ServiceChange { gateway_load_balancers: list(&["arn:gwlb"], &[]), ..ServiceChange::default() };
    assert_eq!(change(&mut world, &service, foreign).unwrap_err().code, "InvalidParameter");
    let last = ServiceChange { network_load_balancers: list(&[], &["arn:new"]), ..ServiceChange::default() };
    assert_eq!(change(&mut world, &service, last).unwrap_err().code, "InvalidParameter");
}

#[test]
fn private_dns_name_is_verified_by_a_record() {
    let (mut world, service) = world();
    let named = |name: &str| ServiceChange { private_dns_name: Some(name.to_owned()), ..ServiceChange::default() };
    let ask = NewEndpoint { private_dns_enabled: true, ..NewEndpoint::default() };
    assert_eq!(world.create_endpoint(CONSUMER, &service.name, ask.clone()).unwrap_err().code, "InvalidParameter");
    let dns = change(&mut world, &service, named("redis.example.com")).unwrap().private_dns.unwrap();
    assert_eq!((dns.state.as_str(), dns.record_value.starts_with("vpce:")), ("pendingVerification", true));
    assert_eq!(
        change(&mut world, &service, named("redis.example.com")).unwrap().private_dns.unwrap(),
        dns,
        "the same name keeps its record"
    );
    world.start_verification(PROVIDER, &service.id).unwrap();
    assert_eq!(change(&mut world, &service, ServiceChange::default()).unwrap().private_dns.unwrap().state, "failed");
    assert_eq!(world.create_endpoint(CONSUMER, &service.name, ask.clone()).unwrap_err().code, "InvalidParameter");
    world.publish_txt_record(&format!("{}.example.com", dns.record_name), &dns.record_value);
    world.start_verification(PROVIDER, &service.id).unwrap();
    world.create_endpoint(CONSUMER, &service.name, ask).unwrap();
    let both = ServiceChange { remove_private_dns_name: true, ..named("x.example.com") };
    assert_eq!(change(&mut world, &service, both).unwrap_err().code, "InvalidParameterCombination");
    let remove = ServiceChange { remove_private_dns_name: true, ..ServiceChange::default() };
    assert_eq!(change(&mut world, &service, remove).unwrap().private_dns, None);
    assert_eq!(world.start_verification(PROVIDER, &service.id).unwrap_err().code, "InvalidParameter");
}

#[test]
fn gateway_service_has_no_private_dns_name() {
    let (mut world, _) = world();
    let new = NewService {
        kind: "GatewayLoadBalancer".into(),
        load_balancer_arns: vec!["arn:gwlb".into()],
        private_dns_name: Some("fw.example.com".into()),
        ..NewService::default()
    };
    assert_eq!(world.create_service(PROVIDER, new).unwrap_err().code, "InvalidParameter");
}

#[test]
fn endpoint_has_its_service_s_type() {
    let (mut world, service) = world();
    let of = |kind: &str| NewEndpoint { kind: Some(kind.to_owned()), ..NewEndpoint::default() };
    let error = world.create_endpoint(CONSUMER, &service.name, of("Gateway")).unwrap_err();
    assert_eq!(error.message, "Endpoint type (Gateway) does not match available service types ([Interface]).");
    world.create_endpoint(CONSUMER, &service.name, of("Interface")).unwrap();
}

#[test]
fn deletion_names_unknown_and_used_services() {
    let (mut world, service) = world();
    world.create_endpoint(CONSUMER, &service.name, NewEndpoint::default()).unwrap();
    let (unsuccessful, _) = world.delete_services(PROVIDER, &["vpce-svc-0".to_owned(), service.id]);
    let codes: Vec<&str> = unsuccessful.iter().map(|item| item.code.as_str()).collect();
    assert_eq!(codes, ["InvalidVpcEndpointService.NotFound", "ExistingVpcEndpointConnections"]);
}
