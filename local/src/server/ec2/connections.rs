//! Connections of endpoints and transit gateway attachments to the provider's services.

use super::answer::{ActionResult, load_balancers, optional, page, set, tags, text, timestamp, unsuccessful};
use crate::{
    server::parameters::Parameters,
    world::{Changes, Connection, Ec2Error, Ec2Result, World},
};

/// The length of `TransitGatewayAttachmentIds`.
const ATTACHMENTS_MAX: usize = 50;

/// Changes the connections of endpoints or of attachments to a service.
type Change = fn(&mut World, &str, &str, &[String]) -> Ec2Result<Changes>;

pub(super) fn describe(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    page("vpcEndpointConnectionSet", &world.describe_connections(account, &parameters.filters(), parameters.page()?)?, shape)
}

pub(super) fn accept(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    change(world, account, parameters, [World::accept, World::accept_attachments])
}

pub(super) fn reject(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    change(world, account, parameters, [World::reject, World::reject_attachments])
}

fn change(world: &mut World, account: &str, parameters: &Parameters, [by_endpoint, by_attachment]: [Change; 2]) -> ActionResult {
    let service = parameters.require("ServiceId")?;
    let (endpoints, attachments) = (parameters.list("VpcEndpointId"), parameters.list("TransitGatewayAttachmentId"));
    unsuccessful(match (endpoints.as_slice(), attachments.as_slice()) {
        ([], []) => return Err(Ec2Error::missing_parameter("VpcEndpointId")),
        (endpoints, []) => by_endpoint(world, account, service, endpoints)?,
        ([], attachments) if attachments.len() > ATTACHMENTS_MAX => {
            return Err(Ec2Error::invalid_value(&attachments.len().to_string(), "transitGatewayAttachmentIds"));
        }
        ([], attachments) => by_attachment(world, account, service, attachments)?,
        _ => {
            let message = "Specify either VpcEndpointIds or TransitGatewayAttachmentIds, not both";
            return Err(Ec2Error::new("InvalidParameterCombination", message));
        }
    })
}

fn shape(connection: &Connection) -> String {
    let attachment = connection.attachment.as_ref();
    let is_gateway = connection.load_balancer_arns.iter().any(|arn| arn.contains("loadbalancer/gwy/"));
    [
        text("serviceId", &connection.service_id),
        optional("vpcEndpointId", connection.endpoint()),
        optional("vpcEndpointOwner", connection.owner.as_deref()),
        text("vpcEndpointState", &connection.state),
        connection.created.map(|at| timestamp("creationTimestamp", at)).unwrap_or_default(),
        load_balancers(is_gateway, &connection.load_balancer_arns),
        optional("ipAddressType", connection.ip_address_type.as_deref()),
        text("vpcEndpointConnectionId", &connection.connection_id),
        tags(&connection.tags),
        optional("vpcEndpointRegion", connection.region.as_deref()),
        attachment.map(|_| payer()).unwrap_or_default(),
        optional("transitGatewayAttachmentId", attachment.map(|attachment| attachment.id.as_str())),
        optional("transitGatewayAttachmentOwner", attachment.map(|attachment| attachment.owner.as_str())),
    ]
    .concat()
}

/// `PayerResponsibilities`. (inference) AWS documents the values, not which connections have them.
fn payer() -> String {
    set("payerResponsibilitySet", &["vpc-endpoint-charges"], |scope| {
        text("scope", scope) + &text("payerResponsibilityType", "vpc-endpoint-account")
    })
}
