//! Which call is answered how. Each arm reads its parameters, asks the world and spells the answer.

use std::sync::Arc;

use axum::{body::Body, http::Response};

use super::{
    Local,
    answers::{self, element, optional, set, text},
    query::Query,
};
use crate::world::{Ec2Error, Effect, NewEndpoint, NewService, Page, ServiceChange, World};

const OURS: [&str; 17] = [
    "CreateVpcEndpointServiceConfiguration",
    "DescribeVpcEndpointServiceConfigurations",
    "ModifyVpcEndpointServiceConfiguration",
    "DeleteVpcEndpointServiceConfigurations",
    "DescribeVpcEndpointServicePermissions",
    "ModifyVpcEndpointServicePermissions",
    "DescribeVpcEndpoints",
    "DeleteVpcEndpoints",
    "DescribeVpcEndpointConnections",
    "AcceptVpcEndpointConnections",
    "RejectVpcEndpointConnections",
    "CreateVpcEndpointConnectionNotification",
    "DescribeVpcEndpointConnectionNotifications",
    "ModifyVpcEndpointConnectionNotification",
    "DeleteVpcEndpointConnectionNotifications",
    "DescribeVpcEndpointServices",
    "CreateVpcEndpoint",
];

/// An answer's inner elements, and what AWS sends besides.
type Answer = Result<(String, Vec<Effect>), Ec2Error>;

pub(super) fn is_ours(local: &Local, query: &Query) -> bool {
    match query.action.as_str() {
        // Endpoints of AWS's own services are the emulator's business, and so are everybody else's tags.
        "CreateVpcEndpoint" => query.get("ServiceName").is_none_or(|name| name.contains(".vpce.")),
        "DescribeVpcEndpointServices" => !query.list("ServiceName").is_empty(),
        "CreateTags" | "DeleteTags" => {
            let world = local.world();
            query.list("ResourceId").iter().any(|id| world.knows(id))
        }
        action => OURS.contains(&action),
    }
}

pub(super) fn answer(local: &Arc<Local>, query: &Query) -> Response<Body> {
    let answered = query.account().and_then(|account| {
        local.knobs().note("ec2", query.call(account))?;
        if query.bool("DryRun")? == Some(true) {
            let message = "Request would have succeeded, but DryRun flag is set.";
            return Err(Ec2Error { code: "DryRunOperation".to_owned(), message: message.to_owned(), status: 412 });
        }
        let mut world = local.world();
        match query.region().filter(|region| *region != world.region() && !comes_in(query, &world)) {
            Some(elsewhere) => in_another_region(elsewhere, world.region(), account, query),
            None => dispatch(&mut world, account, query),
        }
    });
    match answered {
        Ok((inner, effects)) => {
            local.announce(effects);
            answers::success(&query.action, &inner)
        }
        Err(error) => answers::error(&error),
    }
}

/// A consumer's endpoint may stand in another Region than the service that it asks for.
fn comes_in(query: &Query, world: &World) -> bool {
    query.action == "CreateVpcEndpoint" && query.get("ServiceRegion") == Some(world.region())
}

/// There is nothing in any other Region, and nothing can be made there: it would be lost.
fn in_another_region(region: &str, own: &str, account: &str, query: &Query) -> Answer {
    if query.action.starts_with("Describe") {
        return dispatch(&mut World::new(region, jiff::Timestamp::now()), account, query);
    }
    Err(Ec2Error::new(
        "UnsupportedOperation",
        format!("this stand-in is the Region {own} alone, and was asked as {region}: set AWS_REGION"),
    ))
}

fn dispatch(world: &mut World, account: &str, query: &Query) -> Answer {
    match query.action.as_str() {
        "CreateVpcEndpointServiceConfiguration" => create_service(world, account, query),
        "DescribeVpcEndpointServiceConfigurations" => {
            let page = world.describe_services(account, &query.list("ServiceId"), &query.filters(), query.page()?)?;
            listed("serviceConfigurationSet", &page, answers::service)
        }
        "ModifyVpcEndpointServiceConfiguration" => modify_service(world, account, query),
        "DeleteVpcEndpointServiceConfigurations" => {
            quiet(answers::unsuccessful(&world.delete_services(account, &required_list(query, "ServiceId")?)))
        }
        "DescribeVpcEndpointServicePermissions" => {
            let page = world.describe_permissions(account, query.require("ServiceId")?, &query.filters(), query.page()?)?;
            listed("allowedPrincipals", &page, answers::permission)
        }
        "ModifyVpcEndpointServicePermissions" => {
            let (add, remove) = (query.list("AddAllowedPrincipals"), query.list("RemoveAllowedPrincipals"));
            let added = world.modify_permissions(account, query.require("ServiceId")?, &add, &remove)?;
            quiet(set("addedPrincipalSet", &added, answers::permission) + &text("return", "true"))
        }
        "CreateVpcEndpoint" => create_endpoint(world, account, query),
        "DescribeVpcEndpoints" => {
            quiet(set("vpcEndpointSet", &world.describe_endpoints(account, &query.list("VpcEndpointId"))?, answers::endpoint))
        }
        "DeleteVpcEndpoints" => {
            let (failed, effects) = world.delete_endpoints(account, &required_list(query, "VpcEndpointId")?);
            Ok((answers::unsuccessful(&failed), effects))
        }
        "DescribeVpcEndpointConnections" => {
            let page = world.describe_connections(account, &query.filters(), query.page()?)?;
            listed("vpcEndpointConnectionSet", &page, answers::connection)
        }
        "AcceptVpcEndpointConnections" => {
            let (failed, effects) = world.accept(account, query.require("ServiceId")?, &required_list(query, "VpcEndpointId")?)?;
            Ok((answers::unsuccessful(&failed), effects))
        }
        "RejectVpcEndpointConnections" => {
            let (failed, effects) = world.reject(account, query.require("ServiceId")?, &required_list(query, "VpcEndpointId")?)?;
            Ok((answers::unsuccessful(&failed), effects))
        }
        "CreateVpcEndpointConnectionNotification" => {
            let (service, topic) = (query.require("ServiceId")?, query.require("ConnectionNotificationArn")?);
            let made = world.create_notification(account, service, topic, &required_list(query, "ConnectionEvents")?)?;
            quiet(element("connectionNotification", &answers::notification(&made)))
        }
        "DescribeVpcEndpointConnectionNotifications" => {
            let page = world.describe_notifications(account, query.get("ConnectionNotificationId"), &query.filters(), query.page()?)?;
            listed("connectionNotificationSet", &page, answers::notification)
        }
        "ModifyVpcEndpointConnectionNotification" => {
            let id = query.require("ConnectionNotificationId")?;
            world.modify_notification(account, id, query.get("ConnectionNotificationArn"), &query.list("ConnectionEvents"))?;
            quiet(text("return", "true"))
        }
        "DeleteVpcEndpointConnectionNotifications" => {
            quiet(answers::unsuccessful(&world.delete_notifications(account, &required_list(query, "ConnectionNotificationId")?)))
        }
        "DescribeVpcEndpointServices" => {
            let found = world.find_services(account, &query.list("ServiceName"))?;
            let names: Vec<String> = found.iter().map(|service| service.name.clone()).collect();
            quiet(answers::texts("serviceNameSet", &names) + &set("serviceDetailSet", &found, answers::service_detail))
        }
        "CreateTags" => {
            world.create_tags(account, &query.list("ResourceId"), &query.tags("Tag"))?;
            quiet(text("return", "true"))
        }
        "DeleteTags" => {
            let keys: Vec<String> = query.tags("Tag").into_iter().map(|(key, _)| key).collect();
            world.delete_tags(account, &query.list("ResourceId"), &keys)?;
            quiet(text("return", "true"))
        }
        action => Err(Ec2Error::new("InvalidAction", format!("The action {action} is not valid for this web service."))),
    }
}

fn create_service(world: &mut World, account: &str, query: &Query) -> Answer {
    let (network, gateway) = (query.list("NetworkLoadBalancerArn"), query.list("GatewayLoadBalancerArn"));
    let kind = if gateway.is_empty() { "Interface" } else { "GatewayLoadBalancer" };
    let new = NewService {
        kind: kind.to_owned(),
        load_balancer_arns: if gateway.is_empty() { network } else { gateway },
        acceptance_required: query.bool("AcceptanceRequired")?.unwrap_or(true),
        tags: query.new_tags(),
        supported_regions: query.list("SupportedRegion"),
        private_dns_name: query.get("PrivateDnsName").map(str::to_owned),
    };
    let made = world.create_service(account, new)?;
    quiet(element("serviceConfiguration", &answers::service(&made)) + &optional("clientToken", query.get("ClientToken")))
}

fn modify_service(world: &mut World, account: &str, query: &Query) -> Answer {
    let both = |network: &str, gateway: &str| [query.list(network), query.list(gateway)].concat();
    let change = ServiceChange {
        acceptance_required: query.bool("AcceptanceRequired")?,
        private_dns_name: query.get("PrivateDnsName").map(str::to_owned),
        add_load_balancer_arns: both("AddNetworkLoadBalancerArn", "AddGatewayLoadBalancerArn"),
        remove_load_balancer_arns: both("RemoveNetworkLoadBalancerArn", "RemoveGatewayLoadBalancerArn"),
        add_supported_regions: query.list("AddSupportedRegion"),
        remove_supported_regions: query.list("RemoveSupportedRegion"),
    };
    world.modify_service(account, query.require("ServiceId")?, change)?;
    quiet(text("return", "true"))
}

fn create_endpoint(world: &mut World, account: &str, query: &Query) -> Answer {
    let new = NewEndpoint {
        vpc_id: query.require("VpcId")?.to_owned(),
        subnet_ids: query.list("SubnetId"),
        tags: query.new_tags(),
        region: query.get("ServiceRegion").map(|_| world.region().to_owned()),
    };
    let (made, effects) = world.create_endpoint(account, query.require("ServiceName")?, new)?;
    let state = world.connection_mut(&made.id).map_or_else(String::new, |connection| connection.state.clone());
    Ok((element("vpcEndpoint", &answers::endpoint(&(made, state))) + &optional("clientToken", query.get("ClientToken")), effects))
}

fn required_list(query: &Query, name: &str) -> Result<Vec<String>, Ec2Error> {
    let list = query.list(name);
    if list.is_empty() {
        Err(Ec2Error::new("MissingParameter", format!("The request must contain the parameter {name}")))
    } else {
        Ok(list)
    }
}

fn listed<T>(name: &str, page: &Page<T>, one: impl Fn(&T) -> String) -> Answer {
    quiet(set(name, &page.items, one) + &optional("nextToken", page.next_token.as_deref()))
}

fn quiet(inner: String) -> Answer {
    Ok((inner, Vec::new()))
}
