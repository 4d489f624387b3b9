//! Connections of endpoints to the provider's services.

use super::answer::{ActionResult, load_balancers, optional, page, tags, text, timestamp, unsuccessful};
use crate::{
    server::parameters::Parameters,
    world::{Connection, World},
};

pub(super) fn describe(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    page("vpcEndpointConnectionSet", &world.describe_connections(account, &parameters.filters(), parameters.page()?)?, shape)
}

pub(super) fn accept(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    unsuccessful(world.accept(account, parameters.require("ServiceId")?, &parameters.require_list("VpcEndpointId")?)?)
}

pub(super) fn reject(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    unsuccessful(world.reject(account, parameters.require("ServiceId")?, &parameters.require_list("VpcEndpointId")?)?)
}

fn shape(connection: &Connection) -> String {
    let is_gateway = connection.load_balancer_arns.iter().any(|arn| arn.contains("loadbalancer/gwy/"));
    [
        text("serviceId", &connection.service_id),
        text("vpcEndpointId", &connection.endpoint_id),
        optional("vpcEndpointOwner", connection.owner.as_deref()),
        text("vpcEndpointState", &connection.state),
        connection.created.map(|at| timestamp("creationTimestamp", at)).unwrap_or_default(),
        load_balancers(is_gateway, &connection.load_balancer_arns),
        optional("ipAddressType", connection.ip_address_type.as_deref()),
        text("vpcEndpointConnectionId", &connection.connection_id),
        tags(&connection.tags),
        optional("vpcEndpointRegion", connection.region.as_deref()),
    ]
    .concat()
}
