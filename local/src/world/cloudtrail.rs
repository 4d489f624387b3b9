//! CloudTrail's events of the calls that request a connection, in the shape of events captured from AWS. CloudTrail writes a list
//! of no elements as `""`, a list of one as an object, and longer lists as an array.
//!
//! Inference: No event of `CreateTransitGatewayNetworkFunctionAttachment` was found. Its shape follows that of EC2's other calls.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    consumer::{Attachment, Endpoint},
    model::Tags,
};

/// The namespace that EC2's responses have in CloudTrail.
const XMLNS: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// Returns the `detail` of a `CreateVpcEndpoint` event.
pub(super) fn create_vpc_endpoint(endpoint: &Endpoint, state: &str, region: &str) -> Value {
    let request = json!({"CreateVpcEndpointRequest": {"VpcId": endpoint.vpc_id, "ServiceName": endpoint.service_name,
        "VpcEndpointType": endpoint.kind, "SubnetId": list(&endpoint.subnet_ids), "ServiceRegion": endpoint.service_region,
        "TagSpecification": tag_specification(&endpoint.tags)}});
    let response = json!({"CreateVpcEndpointResponse": {"xmlns": XMLNS,
        "vpcEndpoint": {"vpcEndpointId": endpoint.id, "vpcEndpointType": endpoint.kind, "vpcId": endpoint.vpc_id,
            "serviceName": endpoint.service_name, "state": state, "ownerId": endpoint.owner,
            "creationTimestamp": endpoint.created.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()}}});
    event("CreateVpcEndpoint", &endpoint.owner, region, endpoint.created, &endpoint.id, [request, response])
}

/// Returns the `detail` of a `CreateTransitGatewayNetworkFunctionAttachment` event.
pub(super) fn create_attachment(attachment: &Attachment, state: &str, region: &str) -> Value {
    let request = json!({"CreateTransitGatewayNetworkFunctionAttachmentRequest": {
        "TransitGatewayId": attachment.transit_gateway_id, "ServiceName": attachment.service_name,
        "AvailabilityZone": list(&attachment.zones.names), "AvailabilityZoneId": list(&attachment.zones.ids)}});
    let items = |list: &[String]| json!({"item": list});
    let response = json!({"CreateTransitGatewayNetworkFunctionAttachmentResponse": {"xmlns": XMLNS,
        "transitGatewayNetworkFunctionAttachment": {"transitGatewayAttachmentId": attachment.id,
            "transitGatewayId": attachment.transit_gateway_id, "transitGatewayOwnerId": attachment.owner,
            "resourceOwnerId": attachment.owner, "resourceId": attachment.service_name, "state": state,
            "availabilityZoneSet": items(&attachment.zones.names), "availabilityZoneIdSet": items(&attachment.zones.ids),
            "creationTime": attachment.created.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()}}});
    event(
        "CreateTransitGatewayNetworkFunctionAttachment",
        &attachment.owner,
        region,
        attachment.created,
        &attachment.id,
        [request, response],
    )
}

/// Returns an event's `detail`. The caller is always a role with a path: its ARN differs from that of its session.
fn event(name: &str, caller: &str, region: &str, at: Timestamp, id: &str, [request, response]: [Value; 2]) -> Value {
    json!({
        "eventVersion": "1.10",
        "userIdentity": {"type": "AssumedRole", "accountId": caller,
            "arn": format!("arn:aws:sts::{caller}:assumed-role/network-deployer/ci"),
            "sessionContext": {"sessionIssuer": {"type": "Role", "accountId": caller, "userName": "network-deployer",
                "arn": format!("arn:aws:iam::{caller}:role/team/network-deployer")}}},
        "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "eventSource": "ec2.amazonaws.com", "eventName": name, "awsRegion": region,
        "requestParameters": request, "responseElements": response,
        "eventID": format!("trail-{id}"), "readOnly": false, "eventType": "AwsApiCall", "managementEvent": true,
        "recipientAccountId": caller, "eventCategory": "Management",
    })
}

/// The tags of a request. Inference: no event with them was captured; the lists are like the others.
fn tag_specification(tags: &Tags) -> Value {
    let tag = |(key, value): (&String, &String)| json!({"tag": 1, "Key": key, "Value": value});
    let tags: Vec<Value> = tags.iter().map(tag).collect();
    if tags.is_empty() { json!("") } else { json!({"tag": 1, "ResourceType": "vpc-endpoint", "Tag": one_or_many(tags)}) }
}

fn list(items: &[String]) -> Value {
    one_or_many(items.iter().map(|text| json!({"tag": 1, "content": text})).collect())
}

fn one_or_many(mut items: Vec<Value>) -> Value {
    match items.len() {
        0 => json!(""),
        1 => items.remove(0),
        _ => Value::Array(items),
    }
}
