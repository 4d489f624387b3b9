//! Interface and Gateway Load Balancer endpoints for endpoint services.

use super::answer::{ActionResult, Answer, element, flag, optional, page, tags, text, texts, timestamp, unsuccessful};
use crate::{
    server::parameters::Parameters,
    world::{Caller, Endpoint, NewEndpoint, Regions},
};

/// `VpcEndpointType`, if a call has none.
const DEFAULT_TYPE: &str = "Gateway";

pub(super) fn create(regions: &mut Regions, caller: Caller<'_>, parameters: &Parameters) -> ActionResult {
    let new = NewEndpoint {
        kind: Some(parameters.get("VpcEndpointType").unwrap_or(DEFAULT_TYPE).to_owned()),
        ip_address_type: parameters.string("IpAddressType"),
        private_dns_enabled: parameters.bool("PrivateDnsEnabled")?.unwrap_or(false),
        vpc_id: parameters.require("VpcId")?.to_owned(),
        subnet_ids: parameters.list("SubnetId"),
        tags: parameters.new_tags(),
        region: None,
    };
    let (service_region, service_name) = (parameters.get("ServiceRegion"), parameters.require("ServiceName")?);
    let (made, effects) = regions.create_endpoint(caller, service_region, service_name, new)?;
    let described = regions.describe_endpoints(caller, &[made.id], &[], &parameters.page()?)?;
    let elements = described.items.iter().map(|endpoint| element("vpcEndpoint", &shape(endpoint))).collect::<String>();
    Ok(Answer { elements: elements + &optional("clientToken", parameters.get("ClientToken")), effects })
}

pub(super) fn describe(regions: &mut Regions, caller: Caller<'_>, parameters: &Parameters) -> ActionResult {
    let found = regions.describe_endpoints(caller, &parameters.list("VpcEndpointId"), &parameters.filters(), &parameters.page()?)?;
    page("vpcEndpointSet", &found, shape)
}

pub(super) fn delete(regions: &mut Regions, caller: Caller<'_>, parameters: &Parameters) -> ActionResult {
    unsuccessful(regions.delete_endpoints(caller, &parameters.require_list("VpcEndpointId")?))
}

fn shape((endpoint, state): &(Endpoint, String)) -> String {
    [
        text("vpcEndpointId", &endpoint.id),
        text("vpcEndpointType", &endpoint.kind),
        text("vpcId", &endpoint.vpc_id),
        text("serviceName", &endpoint.service_name),
        text("state", state),
        texts("subnetIdSet", &endpoint.subnet_ids),
        text("ipAddressType", &endpoint.ip_address_type),
        flag("privateDnsEnabled", endpoint.private_dns_enabled),
        flag("requesterManaged", false),
        timestamp("creationTimestamp", endpoint.created),
        tags(&endpoint.tags),
        text("ownerId", &endpoint.owner),
        text("serviceRegion", &endpoint.service_region),
    ]
    .concat()
}
