//! CloudTrail's event of `CreateVpcEndpoint`, in the shape of events captured from AWS. CloudTrail writes a list of no elements
//! as `""`, a list of one as an object, and longer lists as an array.

use serde_json::{Value, json};

use super::model::Endpoint;

/// Returns the event's `detail`. The caller is always a role with a path: its ARN differs from that of its session.
pub(super) fn create_vpc_endpoint(endpoint: &Endpoint, state: &str, region: &str) -> Value {
    let subnet = |id: &String| json!({"tag": 1, "content": id});
    let subnets = match endpoint.subnet_ids.as_slice() {
        [] => json!(""),
        [id] => subnet(id),
        ids => ids.iter().map(subnet).collect(),
    };
    json!({
        "eventVersion": "1.10",
        "userIdentity": {"type": "AssumedRole", "accountId": endpoint.owner,
            "arn": format!("arn:aws:sts::{}:assumed-role/network-deployer/ci", endpoint.owner),
            "sessionContext": {"sessionIssuer": {"type": "Role", "accountId": endpoint.owner, "userName": "network-deployer",
                "arn": format!("arn:aws:iam::{}:role/team/network-deployer", endpoint.owner)}}},
        "eventTime": endpoint.created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "eventSource": "ec2.amazonaws.com", "eventName": "CreateVpcEndpoint", "awsRegion": region,
        "requestParameters": {"CreateVpcEndpointRequest": {"VpcId": endpoint.vpc_id, "ServiceName": endpoint.service_name,
            "VpcEndpointType": endpoint.kind, "SubnetId": subnets}},
        "responseElements": {"CreateVpcEndpointResponse": {"xmlns": "http://ec2.amazonaws.com/doc/2016-11-15/",
            "vpcEndpoint": {"vpcEndpointId": endpoint.id, "vpcEndpointType": endpoint.kind, "vpcId": endpoint.vpc_id,
                "serviceName": endpoint.service_name, "state": state, "ownerId": endpoint.owner,
                "creationTimestamp": endpoint.created.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()}}},
        "eventID": format!("trail-{}", endpoint.id), "readOnly": false, "eventType": "AwsApiCall", "managementEvent": true,
        "recipientAccountId": endpoint.owner, "eventCategory": "Management",
    })
}
