//! Several Regions, and endpoints in another Region than their service.

use jiff::Timestamp;

use super::{CONSUMER, PROVIDER, root};
use crate::world::*;

const HOME: Caller<'_> = Caller { account: CONSUMER, region: "us-east-1" };
const ABROAD: Caller<'_> = Caller { account: CONSUMER, region: "eu-west-1" };

fn regions() -> (Regions, Service) {
    let mut regions = Regions::new(World::new("us-east-1", Timestamp::UNIX_EPOCH));
    let service = create(regions.home_mut(), &["eu-west-1"]);
    (regions, service)
}

fn create(world: &mut World, supported: &[&str]) -> Service {
    let supported_regions = supported.iter().map(|region| (*region).to_owned()).collect();
    let new = NewService { load_balancer_arns: vec!["arn:nlb".into()], supported_regions, ..NewService::default() };
    let service = world.create_service(PROVIDER, new).unwrap();
    world.modify_permissions(PROVIDER, &service.id, &[root(CONSUMER)], &[]).unwrap();
    service
}

fn described(regions: &Regions, caller: Caller<'_>) -> Vec<String> {
    let found = regions.describe_endpoints(caller, &[], &[], &PageRequest::default()).unwrap();
    found.items.into_iter().map(|(endpoint, _)| endpoint.id).collect()
}

#[test]
fn endpoint_abroad_connects_to_the_service() {
    let (mut regions, service) = regions();
    let (endpoint, effects) = regions.create_endpoint(ABROAD, Some("us-east-1"), &service.name, NewEndpoint::default()).unwrap();
    assert!(matches!(effects.as_slice(), [Effect::CloudTrail { account, region, .. }] if account == CONSUMER && region == "eu-west-1"));
    let filter = Filter { name: "vpc-endpoint-region".to_owned(), values: vec!["cross-region".to_owned()] };
    let found = regions.home().describe_connections(PROVIDER, &[filter], PageRequest::default()).unwrap().items;
    assert_eq!((found.len(), found[0].region.as_deref()), (1, Some("eu-west-1")));
    assert_eq!((described(&regions, HOME), described(&regions, ABROAD)), (vec![], vec![endpoint.id.clone()]));
    let tags = [("k".to_owned(), "v".to_owned())];
    regions.create_tags(ABROAD, std::slice::from_ref(&endpoint.id), &tags).unwrap();
    assert!(regions.create_tags(HOME, std::slice::from_ref(&endpoint.id), &tags).is_err(), "it is not in this Region");
    assert_eq!(regions.delete_endpoints(HOME, std::slice::from_ref(&endpoint.id)).0.len(), 1);
    assert_eq!(regions.delete_endpoints(ABROAD, &[endpoint.id]).0, []);
}

#[test]
fn region_must_be_supported() {
    let (mut regions, service) = regions();
    let caller = Caller { region: "ap-south-1", ..ABROAD };
    let error = regions.create_endpoint(caller, Some("us-east-1"), &service.name, NewEndpoint::default()).unwrap_err();
    assert_eq!(error.code, "InvalidServiceName");
    let error = regions.create_endpoint(ABROAD, None, &service.name, NewEndpoint::default()).unwrap_err();
    assert_eq!(error.code, "InvalidServiceName", "without ServiceRegion, the service is looked up in the caller's Region");
}

#[test]
fn removed_region_with_connections_is_closed() {
    let (mut regions, service) = regions();
    regions.create_endpoint(ABROAD, Some("us-east-1"), &service.name, NewEndpoint::default()).unwrap();
    let mut change = |add: &[&str], remove: &[&str]| {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let change = ServiceChange { add_supported_regions: list(add), remove_supported_regions: list(remove), ..ServiceChange::default() };
        regions.home_mut().modify_service(PROVIDER, &service.id, change).unwrap();
        let found = regions.home().describe_services(PROVIDER, &[], &[], PageRequest::default()).unwrap().items;
        (found[0].supported_regions.clone(), found[0].closed_regions.clone())
    };
    assert_eq!(change(&["ap-south-1"], &["eu-west-1"]), (vec!["us-east-1".into(), "ap-south-1".into()], vec!["eu-west-1".into()]));
    assert_eq!(change(&["eu-west-1"], &["ap-south-1"]), (vec!["us-east-1".into(), "eu-west-1".into()], vec![]));
}

#[test]
fn regions_have_services_and_ids_of_their_own() {
    let (mut regions, home) = regions();
    let names = ["eu-west-1", "cn-north-1", "eusc-de-east-1"].map(|region| create(regions.region(region), &[]).name);
    let beginnings = ["com.amazonaws.vpce.eu-west-1.", "cn.com.amazonaws.vpce.cn-north-1.", "eu.amazonaws.vpce.eusc-de-east-1."];
    assert!(names.iter().zip(beginnings).all(|(name, beginning)| name.starts_with(beginning)), "{names:?}");
    assert_eq!(regions.worlds().count(), 4);
    let services = regions.home().describe_services(PROVIDER, &[], &[], PageRequest::default()).unwrap().items;
    assert_eq!(services.iter().map(|service| &service.id).collect::<Vec<_>>(), [&home.id]);
}
