//! Endpoint services.

use super::answer::{ActionResult, done, element, elements, flag, load_balancers, optional, page, set, tags, text, texts, unsuccessful};
use crate::{
    server::parameters::Parameters,
    world::{Caller, Ec2Error, ListChange, NewService, PrivateDns, Regions, Service, ServiceChange, World},
};

pub(super) fn create(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    let (networks, gateways) = (parameters.list("NetworkLoadBalancerArn"), parameters.list("GatewayLoadBalancerArn"));
    let (kind, load_balancer_arns) = match (networks.is_empty(), gateways.is_empty()) {
        (false, true) => ("Interface", networks),
        (true, false) => ("GatewayLoadBalancer", gateways),
        _ => return Err(Ec2Error::not_one_load_balancer_type()),
    };
    let new = NewService {
        kind: kind.to_owned(),
        load_balancer_arns,
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
    let list = |name: &str| ListChange { add: parameters.list(&format!("Add{name}")), remove: parameters.list(&format!("Remove{name}")) };
    let change = ServiceChange {
        acceptance_required: parameters.bool("AcceptanceRequired")?,
        private_dns_name: parameters.string("PrivateDnsName"),
        remove_private_dns_name: parameters.bool("RemovePrivateDnsName")?.unwrap_or(false),
        network_load_balancers: list("NetworkLoadBalancerArn"),
        gateway_load_balancers: list("GatewayLoadBalancerArn"),
        add_supported_regions: parameters.list("AddSupportedRegion"),
        remove_supported_regions: parameters.list("RemoveSupportedRegion"),
    };
    world.modify_service(account, parameters.require("ServiceId")?, change)?;
    done()
}

pub(super) fn verify(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    world.start_verification(account, parameters.require("ServiceId")?)?;
    done()
}

pub(super) fn delete(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    unsuccessful(world.delete_services(account, &parameters.require_list("ServiceId")?))
}

pub(super) fn find(regions: &mut Regions, caller: Caller<'_>, parameters: &Parameters) -> ActionResult {
    let (names, of) = (parameters.list("ServiceName"), parameters.list("ServiceRegion"));
    let found = regions.find_services(caller, &names, &of, &parameters.filters(), &parameters.page()?)?;
    let names: Vec<&str> = found.items.iter().map(|service| service.name.as_str()).collect();
    let details = page("serviceDetailSet", &found, detail)?;
    elements(texts("serviceNameSet", &names) + &details.elements)
}

/// `ServiceConfiguration`: a service as its provider sees it.
fn configuration(service: &Service) -> String {
    [
        common(service),
        text("serviceState", &service.state),
        load_balancers(service.kind == "GatewayLoadBalancer", &service.load_balancer_arns),
        element("privateDnsNameConfiguration", &service.private_dns.as_ref().map(private_dns).unwrap_or_default()),
        supported_regions(service),
        flag("remoteAccessEnabled", service.supported_regions.iter().any(|region| *region != service.region)),
    ]
    .concat()
}

/// `ServiceDetail`: a service as its consumers see it.
fn detail(service: &Service) -> String {
    [
        common(service),
        text("owner", &service.owner),
        text("serviceRegion", &service.region),
        flag("vpcEndpointPolicySupported", false),
        optional("privateDnsNameVerificationState", service.private_dns.as_ref().map(|dns| dns.state.as_str())),
    ]
    .concat()
}

/// `PrivateDnsNameConfiguration`. Without a private DNS name, EC2 returns an element without children. [S]
fn private_dns(dns: &PrivateDns) -> String {
    text("state", &dns.state) + &text("type", "TXT") + &text("value", &dns.record_value) + &text("name", &dns.record_name)
}

fn supported_regions(service: &Service) -> String {
    let available = service.supported_regions.iter().map(|region| (region, "Available"));
    let all: Vec<_> = available.chain(service.closed_regions.iter().map(|region| (region, "Closed"))).collect();
    set("supportedRegionSet", &all, |(region, state)| text("region", region) + &text("serviceState", state))
}

fn common(service: &Service) -> String {
    [
        text("serviceId", &service.id),
        text("serviceName", &service.name),
        set("serviceType", &[&service.kind], |kind| text("serviceType", kind)),
        flag("acceptanceRequired", service.acceptance_required),
        flag("managesVpcEndpoints", false),
        texts("supportedIpAddressTypeSet", &["ipv4"]),
        texts("availabilityZoneSet", &[format!("{}a", service.region)]),
        texts("baseEndpointDnsNameSet", &[format!("{}.{}.vpce.amazonaws.com", service.id, service.region)]),
        optional("privateDnsName", service.private_dns.as_ref().map(|dns| dns.name.as_str())),
        tags(&service.tags),
    ]
    .concat()
}
