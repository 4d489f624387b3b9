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

use self::answer::ActionResult;
use super::{
    parameters::Parameters,
    request::ApiRequest,
    responses::{self, REQUEST_ID},
    state::Local,
};
use crate::world::{Caller, Ec2Error, Regions, World};

/// Performs an action.
enum Action {
    /// In the caller's Region, for its account.
    InRegion(fn(&mut World, &str, &Parameters) -> ActionResult),
    /// On endpoints, which may be in another Region than their services.
    AcrossRegions(fn(&mut Regions, Caller<'_>, &Parameters) -> ActionResult),
}

fn action(name: &str) -> Option<Action> {
    let across = match name {
        "DescribeVpcEndpointServices" => Some(services::find as fn(&mut Regions, Caller<'_>, &Parameters) -> ActionResult),
        "CreateVpcEndpoint" => Some(endpoints::create as _),
        "DescribeVpcEndpoints" => Some(endpoints::describe as _),
        "DeleteVpcEndpoints" => Some(endpoints::delete as _),
        "CreateTags" => Some(tags::create as _),
        "DeleteTags" => Some(tags::delete as _),
        _ => None,
    };
    let regional: fn(&mut World, &str, &Parameters) -> ActionResult = match name {
        "CreateVpcEndpointServiceConfiguration" => services::create,
        "DescribeVpcEndpointServiceConfigurations" => services::describe,
        "ModifyVpcEndpointServiceConfiguration" => services::modify,
        "DeleteVpcEndpointServiceConfigurations" => services::delete,
        "StartVpcEndpointServicePrivateDnsVerification" => services::verify,
        "DescribeVpcEndpointServicePermissions" => permissions::describe,
        "ModifyVpcEndpointServicePermissions" => permissions::modify,
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
        _ => return across.map(Action::AcrossRegions),
    };
    Some(Action::InRegion(regional))
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
            let regions = local.regions();
            parameters.list("ResourceId").iter().any(|id| regions.worlds().any(|world| world.knows(id)))
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
    if let Some(elements) = local.control().tokens.answer(request)? {
        return answer::elements(elements);
    }
    let mut regions = local.regions();
    let answer = match action {
        Action::InRegion(act) => act(regions.region(&request.region), account, parameters),
        Action::AcrossRegions(act) => act(&mut regions, Caller { account, region: &request.region }, parameters),
    }?;
    local.control().tokens.keep(request, &answer.elements);
    Ok(answer)
}
