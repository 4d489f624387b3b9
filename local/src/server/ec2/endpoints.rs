//! Interface and Gateway Load Balancer endpoints for endpoint services.

use super::answer::{ActionResult, Answer, element, elements, flag, optional, set, tags, text, texts, timestamp, unsuccessful};
use crate::{
    server::parameters::Parameters,
    world::{Endpoint, NewEndpoint, World},
};

pub(super) fn create(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    let new = NewEndpoint {
        vpc_id: parameters.require("VpcId")?.to_owned(),
        subnet_ids: parameters.list("SubnetId"),
        tags: parameters.new_tags(),
        // The signing Region is not known here, so no cross-Region connection can be created over the wire.
        region: None,
    };
    let (made, effects) = world.create_endpoint(account, parameters.require("ServiceName")?, new)?;
    let described = world.describe_endpoints(account, &[made.id])?;
    let elements = described.iter().map(|endpoint| element("vpcEndpoint", &shape(endpoint))).collect::<String>();
    Ok(Answer { elements: elements + &optional("clientToken", parameters.get("ClientToken")), effects })
}

pub(super) fn describe(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    elements(set("vpcEndpointSet", &world.describe_endpoints(account, &parameters.list("VpcEndpointId"))?, shape))
}

pub(super) fn delete(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    unsuccessful(world.delete_endpoints(account, &parameters.require_list("VpcEndpointId")?))
}

fn shape((endpoint, state): &(Endpoint, String)) -> String {
    [
        text("vpcEndpointId", &endpoint.id),
        text("vpcEndpointType", &endpoint.kind),
        text("vpcId", &endpoint.vpc_id),
        text("serviceName", &endpoint.service_name),
        text("state", state),
        texts("subnetIdSet", &endpoint.subnet_ids),
        text("ipAddressType", "ipv4"),
        flag("privateDnsEnabled", false),
        flag("requesterManaged", false),
        timestamp("creationTimestamp", endpoint.created),
        tags(&endpoint.tags),
        text("ownerId", &endpoint.owner),
    ]
    .concat()
}
