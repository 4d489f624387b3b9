//! Endpoint services.

use super::answer::{ActionResult, done, element, elements, flag, load_balancers, optional, page, set, tags, text, texts, unsuccessful};
use crate::{
    server::parameters::Parameters,
    world::{NewService, Service, ServiceChange, World},
};

pub(super) fn create(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    let gateways = parameters.list("GatewayLoadBalancerArn");
    let is_gateway = !gateways.is_empty();
    let new = NewService {
        kind: if is_gateway { "GatewayLoadBalancer" } else { "Interface" }.to_owned(),
        load_balancer_arns: if is_gateway { gateways } else { parameters.list("NetworkLoadBalancerArn") },
        acceptance_required: parameters.bool("AcceptanceRequired")?.unwrap_or(true),
        tags: parameters.new_tags(),
        supported_regions: parameters.list("SupportedRegion"),
        private_dns_name: parameters.string("PrivateDnsName"),
    };
    let service = world.create_service(account, new)?;
    elements(element("serviceConfiguration", &configuration(&service)) + &optional("clientToken", parameters.get("ClientToken")))
}

pub(super) fn describe(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    let found = world.describe_services(account, &parameters.list("ServiceId"), &parameters.filters(), parameters.page()?)?;
    page("serviceConfigurationSet", &found, configuration)
}

pub(super) fn modify(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    let both = |network: &str, gateway: &str| [parameters.list(network), parameters.list(gateway)].concat();
    let change = ServiceChange {
        acceptance_required: parameters.bool("AcceptanceRequired")?,
        private_dns_name: parameters.string("PrivateDnsName"),
        add_load_balancer_arns: both("AddNetworkLoadBalancerArn", "AddGatewayLoadBalancerArn"),
        remove_load_balancer_arns: both("RemoveNetworkLoadBalancerArn", "RemoveGatewayLoadBalancerArn"),
        add_supported_regions: parameters.list("AddSupportedRegion"),
        remove_supported_regions: parameters.list("RemoveSupportedRegion"),
    };
    world.modify_service(account, parameters.require("ServiceId")?, change)?;
    done()
}

pub(super) fn delete(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    unsuccessful(world.delete_services(account, &parameters.require_list("ServiceId")?))
}

pub(super) fn find(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    let found = world.find_services(account, &parameters.list("ServiceName"))?;
    let names: Vec<&str> = found.iter().map(|service| service.name.as_str()).collect();
    elements(texts("serviceNameSet", &names) + &set("serviceDetailSet", &found, detail))
}

/// `ServiceConfiguration`: a service as its provider sees it.
fn configuration(service: &Service) -> String {
    let region = service.name.split('.').nth(3).unwrap_or_default();
    [
        common(service),
        text("serviceState", &service.state),
        texts("availabilityZoneSet", &[format!("{region}a")]),
        load_balancers(service.kind == "GatewayLoadBalancer", &service.load_balancer_arns),
        texts("baseEndpointDnsNameSet", &[format!("{}.{region}.vpce.amazonaws.com", service.id)]),
        optional("privateDnsName", service.private_dns_name.as_deref()),
        set("supportedRegionSet", &service.supported_regions, |region| text("region", region) + &text("serviceState", "Available")),
    ]
    .concat()
}

/// `ServiceDetail`: a service as its consumers see it.
fn detail(service: &Service) -> String {
    [common(service), text("owner", &service.owner), flag("vpcEndpointPolicySupported", false)].concat()
}

fn common(service: &Service) -> String {
    [
        text("serviceId", &service.id),
        text("serviceName", &service.name),
        set("serviceType", &[&service.kind], |kind| text("serviceType", kind)),
        flag("acceptanceRequired", service.acceptance_required),
        flag("managesVpcEndpoints", false),
        texts("supportedIpAddressTypeSet", &["ipv4"]),
        tags(&service.tags),
    ]
    .concat()
}
