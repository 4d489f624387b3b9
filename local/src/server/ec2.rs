//! The calls of EC2 that the stand-in answers, and the steps that they share: caller, faults, `DryRun`, Region.

mod answer;
mod attachments;
mod connections;
mod endpoints;
mod notifications;
mod permissions;
mod services;
mod tags;

use std::sync::Arc;

use axum::{body::Body, http::Response};
use jiff::Timestamp;

use self::answer::ActionResult;
use super::{
    parameters::Parameters,
    request::ApiRequest,
    responses::{self, REQUEST_ID},
    state::Local,
};
use crate::world::{Ec2Error, World};

/// Performs an action for an account.
type Action = fn(&mut World, &str, &Parameters) -> ActionResult;

fn action(name: &str) -> Option<Action> {
    Some(match name {
        "CreateVpcEndpointServiceConfiguration" => services::create,
        "DescribeVpcEndpointServiceConfigurations" => services::describe,
        "ModifyVpcEndpointServiceConfiguration" => services::modify,
        "DeleteVpcEndpointServiceConfigurations" => services::delete,
        "DescribeVpcEndpointServices" => services::find,
        "DescribeVpcEndpointServicePermissions" => permissions::describe,
        "ModifyVpcEndpointServicePermissions" => permissions::modify,
        "CreateVpcEndpoint" => endpoints::create,
        "DescribeVpcEndpoints" => endpoints::describe,
        "DeleteVpcEndpoints" => endpoints::delete,
        "DescribeVpcEndpointConnections" => connections::describe,
        "AcceptVpcEndpointConnections" => connections::accept,
        "RejectVpcEndpointConnections" => connections::reject,
        "CreateVpcEndpointConnectionNotification" => notifications::create,
        "DescribeVpcEndpointConnectionNotifications" => notifications::describe,
        "ModifyVpcEndpointConnectionNotification" => notifications::modify,
        "DeleteVpcEndpointConnectionNotifications" => notifications::delete,
        "CreateTransitGatewayNetworkFunctionAttachment" => attachments::create,
        "DescribeTransitGatewayNetworkFunctionAttachments" => attachments::describe,
        "ModifyTransitGatewayNetworkFunctionAttachment" => attachments::modify,
        "DeleteTransitGatewayNetworkFunctionAttachment" => attachments::delete,
        "CreateTags" => tags::create,
        "DeleteTags" => tags::delete,
        _ => return None,
    })
}

/// Answers a call of PrivateLink's part of EC2; `None` for any other call.
pub(super) fn answer(local: &Arc<Local>, request: &ApiRequest) -> Option<Response<Body>> {
    let action = action(&request.call.action).filter(|_| request.is_ec2() && is_private_link(local, request))?;
    Some(match perform(local, request, action) {
        Ok(answer) => {
            local.announce(answer.effects);
            let (action, elements) = (&request.call.action, answer.elements);
            let document = format!(
                "<{action}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
                 <requestId>{REQUEST_ID}</requestId>{elements}</{action}Response>"
            );
            responses::xml(200, &document)
        }
        Err(error) => responses::xml_error(&error),
    })
}

/// Returns false for endpoints of AWS's own services and for tags of other resources: these are the emulator's.
fn is_private_link(local: &Local, request: &ApiRequest) -> bool {
    let parameters = &request.parameters;
    match request.call.action.as_str() {
        "CreateVpcEndpoint" => parameters.get("ServiceName").is_none_or(|name| name.contains(".vpce.")),
        "DescribeVpcEndpointServices" => !parameters.list("ServiceName").is_empty(),
        "CreateTags" | "DeleteTags" => {
            let world = local.world();
            parameters.list("ResourceId").iter().any(|id| world.knows(id))
        }
        _ => true,
    }
}

fn perform(local: &Local, request: &ApiRequest, action: Action) -> ActionResult {
    let (account, parameters) = (&request.call.account, &request.parameters);
    if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
        let message = "set AWS_ACCESS_KEY_ID to the 12-digit id of the caller's account";
        return Err(Ec2Error::new("AuthFailure", message).with_status(401));
    }
    local.control().record_and_check(request)?;
    if parameters.bool("DryRun")? == Some(true) {
        return Err(Ec2Error::new("DryRunOperation", "Request would have succeeded, but DryRun flag is set.").with_status(412));
    }
    let mut world = local.world();
    if request.region == world.region() || is_cross_region(request, &world) {
        return action(&mut world, account, parameters);
    }
    // Other Regions are empty. A resource created in one would be lost.
    if request.call.action.starts_with("Describe") {
        return action(&mut World::new(&request.region, Timestamp::now()), account, parameters);
    }
    let message = format!("this stand-in serves the Region {}, not {}: set AWS_REGION", world.region(), request.region);
    Err(Ec2Error::new("UnsupportedOperation", message))
}

/// Returns true if the call creates an endpoint in another Region for a service in this one.
fn is_cross_region(request: &ApiRequest, world: &World) -> bool {
    request.call.action == "CreateVpcEndpoint" && request.parameters.get("ServiceRegion") == Some(world.region())
}
