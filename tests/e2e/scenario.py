"""The scenario's moves, in its own words: a provider offers a Redis, others ask for it. Plain SDK calls, no knowledge of the warden."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from accounts import PROVIDER, REGION, root_arn
from botocore.exceptions import ClientError
from processes import until
from stack import NAME, Stack

VPC = "vpc-0a1b2c3d4e5f60718"
SUBNET = "subnet-0a1b2c3d4e5f60718"
BALANCER = f"arn:aws:elasticloadbalancing:{REGION}:{PROVIDER}:loadbalancer/net/redis/0a1b2c3d4e5f6071"
TOLD_EVENTS = ["Accept", "Connect", "Delete", "Reject"]


@dataclass(frozen=True)
class Service:
    """An endpoint service, as its provider made it."""

    id: str
    name: str


def offer(stack: Stack, allowed: list[str], notify: bool = True, name: str = "redis", events: list[str] = TOLD_EVENTS) -> Service:
    """The provider makes the service: acceptance required, its notifications to the stack's topic, these accounts may ask."""
    ec2 = stack.client("ec2")
    made = ec2.create_vpc_endpoint_service_configuration(
        AcceptanceRequired=True,
        NetworkLoadBalancerArns=[BALANCER],
        TagSpecifications=[{"ResourceType": "vpc-endpoint-service", "Tags": [{"Key": "Name", "Value": name}]}],
    )["ServiceConfiguration"]
    service = Service(made["ServiceId"], made["ServiceName"])
    if notify:
        ec2.create_vpc_endpoint_connection_notification(
            ServiceId=service.id, ConnectionNotificationArn=stack.outputs["ConnectionsTopicArn"], ConnectionEvents=events
        )
    ec2.modify_vpc_endpoint_service_permissions(ServiceId=service.id, AddAllowedPrincipals=[root_arn(account) for account in allowed])
    return service


def ask(stack: Stack, account: str, service: Service) -> str:
    """A consumer creates an endpoint, and gets its id."""
    asked = stack.client("ec2", account).create_vpc_endpoint(VpcEndpointType="Interface", VpcId=VPC, ServiceName=service.name, SubnetIds=[SUBNET])
    return str(asked["VpcEndpoint"]["VpcEndpointId"])


def refusal(stack: Stack, account: str, service: Service) -> str:
    """The code with which a consumer is turned away, or what it got instead."""
    try:
        return ask(stack, account, service)
    except ClientError as error:
        return str(error.response["Error"]["Code"])


def state(stack: Stack, service: Service, endpoint: str) -> str:
    """What the provider sees."""
    filters = [{"Name": "service-id", "Values": [service.id]}]
    found = stack.client("ec2").describe_vpc_endpoint_connections(Filters=filters)["VpcEndpointConnections"]
    return next((str(connection["VpcEndpointState"]) for connection in found if connection["VpcEndpointId"] == endpoint), "absent")


def await_state(stack: Stack, service: Service, endpoint: str, wanted: str, seconds: float) -> str:
    """Returns it once it is so."""
    return until(f"{endpoint} to become {wanted}", seconds, lambda: wanted if state(stack, service, endpoint) == wanted else None)


def records(stack: Stack, service: Service, endpoint: str) -> dict[str, dict[str, Any]]:
    """What the ledger holds about a connection, by verdict."""
    found = stack.client("dynamodb").query(
        TableName=stack.outputs["LedgerName"],
        KeyConditionExpression="#c = :c",
        ExpressionAttributeNames={"#c": "connection"},
        ExpressionAttributeValues={":c": {"S": f"{service.id}/{endpoint}"}},
        ConsistentRead=True,
    )["Items"]
    return {item["verdict"]["S"]: item for item in found}


def await_record(stack: Stack, service: Service, endpoint: str, verdict: str, seconds: float = 20.0) -> dict[str, Any]:
    """One record, once it is written."""
    return until(f"the record `{verdict}` of {endpoint}", seconds, lambda: records(stack, service, endpoint).get(verdict))


def creation_event(service: Service, endpoint: str, owner: str) -> dict[str, Any]:
    """CloudTrail's record of a CreateVpcEndpoint, as EventBridge delivers it. Whoever writes it may say anything."""
    now = datetime.now(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")
    created = {"vpcEndpointId": endpoint, "vpcEndpointType": "Interface", "vpcId": VPC, "serviceName": service.name, "state": "pendingAcceptance", "ownerId": owner}
    return {
        "eventVersion": "1.10",
        "userIdentity": {"type": "Root", "principalId": owner, "arn": root_arn(owner), "accountId": owner},
        "eventTime": now,
        "eventSource": "ec2.amazonaws.com",
        "eventName": "CreateVpcEndpoint",
        "awsRegion": REGION,
        "requestParameters": {"CreateVpcEndpointRequest": {"VpcId": VPC, "ServiceName": service.name, "VpcEndpointType": "Interface"}},
        "responseElements": {"CreateVpcEndpointResponse": {"vpcEndpoint": created}},
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": owner,
        "eventCategory": "Management",
    }


def put_event(stack: Stack, detail: dict[str, Any], bus: str = NAME) -> None:
    """Puts a record of CloudTrail's on a bus of the provider's."""
    entry = {"Source": "aws.ec2", "DetailType": "AWS API Call via CloudTrail", "Detail": json.dumps(detail), "EventBusName": bus}
    answer = stack.client("events").put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 0, answer["Entries"]


def origin(record: dict[str, Any]) -> str:
    """How the warden came to hear of it, by its record: cloud-trail, notification or sweep."""
    return str(json.loads(record["record"]["S"])["origin"]["kind"])


def sweep(stack: Stack) -> Any:
    """One sweep now, with what the schedule would send, and what came of it."""
    return invoke(stack, stack.outputs["ApproveFunction"], sweep_event(stack))


def sweep_event(stack: Stack) -> dict[str, Any]:
    """What the schedule sends."""
    event: dict[str, Any] = json.loads(stack.client("scheduler").get_schedule(Name=f"{NAME}-sweep")["Target"]["Input"])
    return event


def invoke(stack: Stack, function: str, event: dict[str, Any]) -> Any:
    """Calls a function and waits for its answer."""
    return json.loads(stack.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))["Payload"].read())


def audit(stack: Stack) -> dict[str, Any]:
    """One audit now, and what came of it."""
    summary: dict[str, Any] = invoke(stack, stack.outputs["AuditFunction"], {})
    assert "report" in summary, summary
    return summary


def report(stack: Stack, summary: dict[str, Any], name: str) -> bytes:
    """A file of an audit's report."""
    bucket, _, page = summary["report"].removeprefix("s3://").partition("/")
    found: bytes = stack.client("s3").get_object(Bucket=bucket, Key=f"{page.rpartition('/')[0]}/{name}")["Body"].read()
    return found


def findings(stack: Stack, summary: dict[str, Any], service: Service) -> set[str]:
    """What an audit has against a service: `KIND ENDPOINT-OR-ACCOUNT`."""
    found = json.loads(report(stack, summary, "report.json"))["findings"]
    ours = [finding["id"].split("/", 2) for finding in found if service.id in finding["id"]]
    return {" ".join((kind, *rest)).strip() for kind, _, *rest in ours}


def plant_drift(stack: Stack, service: Service, connected: str, by_hand: str) -> None:
    """What AWS lets happen after an acceptance: a permission goes, a hand accepts, acceptance is switched off."""
    ec2 = stack.client("ec2")
    ec2.modify_vpc_endpoint_service_permissions(ServiceId=service.id, RemoveAllowedPrincipals=[root_arn(connected)])
    failed = ec2.accept_vpc_endpoint_connections(ServiceId=service.id, VpcEndpointIds=[by_hand])["Unsuccessful"]
    assert not failed, failed
    ec2.modify_vpc_endpoint_service_configuration(ServiceId=service.id, AcceptanceRequired=False)


def mend_drift(stack: Stack, service: Service, connected: str, by_hand: str) -> None:
    """All of it undone."""
    ec2 = stack.client("ec2")
    ec2.modify_vpc_endpoint_service_permissions(ServiceId=service.id, AddAllowedPrincipals=[root_arn(connected)])
    ec2.reject_vpc_endpoint_connections(ServiceId=service.id, VpcEndpointIds=[by_hand])
    ec2.modify_vpc_endpoint_service_configuration(ServiceId=service.id, AcceptanceRequired=True)
