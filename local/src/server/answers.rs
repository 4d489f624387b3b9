//! Answers as EC2 spells them. Element names are those its SDKs read.

use axum::{body::Body, http::Response};
use quick_xml::escape::escape;

use crate::world::{Connection, Ec2Error, Endpoint, Notification, Permission, Service, Tags, Unsuccessful};

const REQUEST_ID: &str = "7a62c49f-347e-4fc4-9331-6e8eEXAMPLE";

/// `<name>text</name>`.
pub(super) fn text(name: &str, value: &str) -> String {
    format!("<{name}>{}</{name}>", escape(value))
}

/// `<name>…</name>` around elements.
pub(super) fn element(name: &str, inner: &str) -> String {
    format!("<{name}>{inner}</{name}>")
}

/// `<name><item>…</item>…</name>`.
pub(super) fn set<T>(name: &str, items: &[T], one: impl Fn(&T) -> String) -> String {
    element(name, &items.iter().map(|item| element("item", &one(item))).collect::<String>())
}

pub(super) fn texts(name: &str, items: &[String]) -> String {
    set(name, items, |item| escape(item.as_str()).into_owned())
}

pub(super) fn optional(name: &str, value: Option<&str>) -> String {
    value.map(|value| text(name, value)).unwrap_or_default()
}

pub(super) fn success(action: &str, inner: &str) -> Response<Body> {
    let id = text("requestId", REQUEST_ID);
    let body = format!("<{action}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">{id}{inner}</{action}Response>");
    response(200, body)
}

pub(super) fn error(error: &Ec2Error) -> Response<Body> {
    let inner = format!("{}{}", text("Code", &error.code), text("Message", &error.message));
    let body = element("Response", &format!("{}{}", element("Errors", &element("Error", &inner)), text("RequestID", REQUEST_ID)));
    response(error.status, body)
}

fn response(status: u16, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}")));
    *response.status_mut() = axum::http::StatusCode::from_u16(status).unwrap_or(axum::http::StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert("content-type", axum::http::HeaderValue::from_static("text/xml;charset=UTF-8"));
    response
}

fn tags(tags: &Tags) -> String {
    let pairs: Vec<_> = tags.iter().collect();
    set("tagSet", &pairs, |(key, value)| text("key", key) + &text("value", value))
}

fn stamp(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

fn balancers(kind: &str, arns: &[String]) -> String {
    let name = if kind == "GatewayLoadBalancer" { "gatewayLoadBalancerArnSet" } else { "networkLoadBalancerArnSet" };
    texts(name, arns)
}

pub(super) fn service(service: &Service) -> String {
    let zone = service.name.split('.').nth(3).unwrap_or_default();
    [
        set("serviceType", std::slice::from_ref(&service.kind), |kind| text("serviceType", kind)),
        text("serviceId", &service.id),
        text("serviceName", &service.name),
        text("serviceState", &service.state),
        texts("availabilityZoneSet", &[format!("{zone}a")]),
        text("acceptanceRequired", if service.acceptance_required { "true" } else { "false" }),
        text("managesVpcEndpoints", "false"),
        balancers(&service.kind, &service.load_balancer_arns),
        texts("supportedIpAddressTypeSet", &["ipv4".to_owned()]),
        texts("baseEndpointDnsNameSet", &[format!("{}.{zone}.vpce.amazonaws.com", service.id)]),
        optional("privateDnsName", service.private_dns_name.as_deref()),
        tags(&service.tags),
        set("supportedRegionSet", &service.supported_regions, |region| text("region", region) + &text("serviceState", "Available")),
    ]
    .concat()
}

/// A service as its consumers see it.
pub(super) fn service_detail(service: &Service) -> String {
    [
        text("serviceName", &service.name),
        text("serviceId", &service.id),
        set("serviceType", std::slice::from_ref(&service.kind), |kind| text("serviceType", kind)),
        text("owner", &service.owner),
        text("vpcEndpointPolicySupported", "false"),
        text("acceptanceRequired", if service.acceptance_required { "true" } else { "false" }),
        text("managesVpcEndpoints", "false"),
        tags(&service.tags),
        texts("supportedIpAddressTypeSet", &["ipv4".to_owned()]),
    ]
    .concat()
}

pub(super) fn connection(connection: &Connection) -> String {
    let gateway = connection.load_balancer_arns.iter().any(|arn| arn.contains("loadbalancer/gwy/"));
    [
        text("serviceId", &connection.service_id),
        text("vpcEndpointId", &connection.endpoint_id),
        optional("vpcEndpointOwner", connection.owner.as_deref()),
        text("vpcEndpointState", &connection.state),
        optional("creationTimestamp", connection.created.map(stamp).as_deref()),
        balancers(if gateway { "GatewayLoadBalancer" } else { "Interface" }, &connection.load_balancer_arns),
        optional("ipAddressType", connection.ip_address_type.as_deref()),
        text("vpcEndpointConnectionId", &connection.connection_id),
        tags(&connection.tags),
        optional("vpcEndpointRegion", connection.region.as_deref()),
    ]
    .concat()
}

pub(super) fn endpoint((endpoint, state): &(Endpoint, String)) -> String {
    [
        text("vpcEndpointId", &endpoint.id),
        text("vpcEndpointType", &endpoint.kind),
        text("vpcId", &endpoint.vpc_id),
        text("serviceName", &endpoint.service_name),
        text("state", state),
        texts("subnetIdSet", &endpoint.subnet_ids),
        text("ipAddressType", "ipv4"),
        text("privateDnsEnabled", "false"),
        text("requesterManaged", "false"),
        text("creationTimestamp", &stamp(endpoint.created)),
        tags(&endpoint.tags),
        text("ownerId", &endpoint.owner),
    ]
    .concat()
}

pub(super) fn permission(permission: &Permission) -> String {
    text("principalType", &permission.principal_type)
        + &text("principal", &permission.principal)
        + &text("servicePermissionId", &permission.id)
        + &text("serviceId", &permission.service_id)
}

pub(super) fn notification(notification: &Notification) -> String {
    [
        text("connectionNotificationId", &notification.id),
        text("serviceId", &notification.service_id),
        text("connectionNotificationType", "Topic"),
        text("connectionNotificationArn", &notification.topic_arn),
        texts("connectionEvents", &notification.events),
        text("connectionNotificationState", &notification.state),
    ]
    .concat()
}

pub(super) fn unsuccessful(items: &[Unsuccessful]) -> String {
    set("unsuccessful", items, |item| {
        element("error", &(text("code", &item.code) + &text("message", &item.message))) + &text("resourceId", &item.resource_id)
    })
}
