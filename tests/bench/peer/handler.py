"""The same job, as it is often written with boto3: the requester is looked up, compared with a list, accepted, and recorded."""

import json
import os
import re
from datetime import datetime, timezone

import boto3

ALLOWED = set(os.environ["ALLOWED_ACCOUNTS"].split(","))
ec2 = boto3.client("ec2")
ledger = boto3.client("dynamodb")


def handle(event, _context):
    message = json.dumps(event)
    service = re.search(r"vpce-svc-[0-9a-f]{8,17}", message)[0]
    endpoint = re.search(r"vpce-[0-9a-f]{8,17}(?![0-9a-f-])", message)[0]
    described = ec2.describe_vpc_endpoint_service_configurations(ServiceIds=[service])["ServiceConfigurations"]
    connections = ec2.describe_vpc_endpoint_connections(Filters=[{"Name": "service-id", "Values": [service]}])["VpcEndpointConnections"]
    connection = next(one for one in connections if one["VpcEndpointId"] == endpoint)
    if connection["VpcEndpointState"] != "pendingAcceptance" or connection["VpcEndpointOwner"] not in ALLOWED or not described:
        return {"accepted": 0}
    ec2.accept_vpc_endpoint_connections(ServiceId=service, VpcEndpointIds=[endpoint])
    ledger.put_item(
        TableName=os.environ["LEDGER_TABLE"],
        Item={"connection": {"S": f"{service}/{endpoint}"}, "verdict": {"S": "accepted"}, "at": {"S": datetime.now(timezone.utc).isoformat()}},
        ConditionExpression="attribute_not_exists(#c)",
        ExpressionAttributeNames={"#c": "connection"},
    )
    return {"accepted": 1}
