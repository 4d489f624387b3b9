"""A sweep, as it is often written with boto3: service by service, each pending request is compared with a list, accepted, and recorded.

Prints for how long it swept, without the time that Python takes to start, and the most memory that it ever had.
"""

import json
import os
import re
import time
from datetime import datetime, timezone
from pathlib import Path

import boto3

ALLOWED = set(os.environ["ALLOWED_ACCOUNTS"].split(","))
ec2 = boto3.client("ec2")
ledger = boto3.client("dynamodb")


def sweep() -> int:
    accepted = 0
    for page in ec2.get_paginator("describe_vpc_endpoint_service_configurations").paginate():
        for service in page["ServiceConfigurations"]:
            for connection in waiting(service["ServiceId"]):
                if connection["VpcEndpointOwner"] in ALLOWED:
                    accept(service["ServiceId"], connection["VpcEndpointId"])
                    accepted += 1
    return accepted


def waiting(service):
    filters = [{"Name": "service-id", "Values": [service]}, {"Name": "vpc-endpoint-state", "Values": ["pendingAcceptance"]}]
    pages = ec2.get_paginator("describe_vpc_endpoint_connections").paginate(Filters=filters)
    connections = [connection for page in pages for connection in page["VpcEndpointConnections"]]
    return sorted(connections, key=lambda connection: connection["CreationTimestamp"])


def accept(service, endpoint):
    ec2.accept_vpc_endpoint_connections(ServiceId=service, VpcEndpointIds=[endpoint])
    ledger.put_item(
        TableName=os.environ["LEDGER_TABLE"],
        Item={"connection": {"S": f"{service}/{endpoint}"}, "verdict": {"S": "accepted"}, "at": {"S": datetime.now(timezone.utc).isoformat()}},
        ConditionExpression="attribute_not_exists(#c)",
        ExpressionAttributeNames={"#c": "connection"},
    )


start = time.perf_counter()
accepted = sweep()
seconds = time.perf_counter() - start
peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
print(json.dumps({"accepted": accepted, "seconds": seconds, "peak_bytes": int(peak[1]) * 1024}))
