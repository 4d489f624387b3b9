"""The actions of a scenario: a provider creates a service, consumers create endpoints, the warden runs. Plain SDK calls."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from harness.accounts import PROVIDER, REGION, root_arn
from harness.processes import until
from harness.stack import NAME, Stack, isolated_environment
from tasks.paths import TARGET

VPC = "vpc-0a1b2c3d4e5f60718"
SUBNET = "subnet-0a1b2c3d4e5f60718"
BALANCER = f"arn:aws:elasticloadbalancing:{REGION}:{PROVIDER}:loadbalancer/net/redis/0a1b2c3d4e5f6071"
GATEWAY_BALANCER = f"arn:aws:elasticloadbalancing:{REGION}:{PROVIDER}:loadbalancer/gwy/firewall/0a1b2c3d4e5f6071"
ATTACHMENT_PERMISSION = "transit-gateway-attachment"
NOTIFIED_EVENTS = ["Accept", "Connect", "Delete", "Reject"]


@dataclass(frozen=True)
class Service:
    """An endpoint service."""

    id: str
    name: str


def create_service(stack: Stack, allowed: list[str], notify: bool = True, name: str = "redis", events: list[str] = NOTIFIED_EVENTS) -> Service:
    """A service of the provider that requires acceptance and has these allowed principals. With `notify` it notifies the stack's topic."""
    ec2 = stack.client("ec2")
    made = ec2.create_vpc_endpoint_service_configuration(
        AcceptanceRequired=True,
        NetworkLoadBalancerArns=[BALANCER],
        TagSpecifications=[{"ResourceType": "vpc-endpoint-service", "Tags": [{"Key": "Name", "Value": name}]}],
    )["ServiceConfiguration"]
    service = Service(made["ServiceId"], made["ServiceName"])
    if notify:
        ec2.create_vpc_endpoint_connection_notification(ServiceId=service.id, ConnectionNotificationArn=stack.outputs["ConnectionsTopicArn"], ConnectionEvents=events)
    ec2.modify_vpc_endpoint_service_permissions(ServiceId=service.id, AddAllowedPrincipals=[root_arn(account) for account in allowed])
    return service


def tag(stack: Stack, service: Service, key: str, value: str) -> None:
    """Tags a service."""
    stack.client("ec2").create_tags(Resources=[service.id], Tags=[{"Key": key, "Value": value}])


def create_endpoint(stack: Stack, account: str, service: Service, **more: Any) -> str:
    """A consumer's new endpoint, with these further parameters of the call. Returns its id."""
    created = stack.client("ec2", account).create_vpc_endpoint(VpcEndpointType="Interface", VpcId=VPC, ServiceName=service.name, SubnetIds=[SUBNET], **more)
    return str(created["VpcEndpoint"]["VpcEndpointId"])


def create_firewall(stack: Stack, allowed: list[str], name: str = "redis") -> Service:
    """A Gateway Load Balancer service of the provider, to which these accounts may attach transit gateways. It sends no notifications."""
    ec2 = stack.client("ec2")
    made = ec2.create_vpc_endpoint_service_configuration(
        AcceptanceRequired=True,
        GatewayLoadBalancerArns=[GATEWAY_BALANCER],
        TagSpecifications=[{"ResourceType": "vpc-endpoint-service", "Tags": [{"Key": "Name", "Value": name}]}],
    )["ServiceConfiguration"]
    principals = [root_arn(account) for account in allowed]
    ec2.modify_vpc_endpoint_service_permissions(ServiceId=made["ServiceId"], AddAllowedPrincipals=principals, PermissionType=ATTACHMENT_PERMISSION)
    return Service(made["ServiceId"], made["ServiceName"])


def attach(stack: Stack, account: str, service: Service) -> str:
    """A consumer's new attachment of a transit gateway of its own. Returns its id."""
    created = stack.client("ec2", account).create_transit_gateway_network_function_attachment(
        TransitGatewayId=f"tgw-{uuid.uuid4().hex[:17]}", ServiceName=service.name, AvailabilityZones=[f"{REGION}a"]
    )["TransitGatewayNetworkFunctionAttachment"]
    return str(created["TransitGatewayAttachmentId"])


def attachment_state(stack: Stack, account: str, attachment: str) -> str:
    """The state of an attachment, as its owner reads it."""
    found = stack.client("ec2", account).describe_transit_gateway_network_function_attachments(TransitGatewayAttachmentIds=[attachment])
    return str(found["TransitGatewayNetworkFunctionAttachments"][0]["State"])


def creation_error(stack: Stack, account: str, service: Service) -> str:
    """The error code that a consumer gets instead of an endpoint, or the endpoint's id."""
    try:
        return create_endpoint(stack, account, service)
    except ClientError as error:
        return str(error.response["Error"]["Code"])


def connections(stack: Stack, service: Service) -> dict[str, str]:
    """The states of a service's connections by endpoint or attachment, as the provider reads them."""
    filters = [{"Name": "service-id", "Values": [service.id]}]
    found = stack.client("ec2").describe_vpc_endpoint_connections(Filters=filters)["VpcEndpointConnections"]
    return {str(connection.get("TransitGatewayAttachmentId") or connection["VpcEndpointId"]): str(connection["VpcEndpointState"]) for connection in found}


def state(stack: Stack, service: Service, endpoint: str) -> str:
    """The state of one connection."""
    return connections(stack, service).get(endpoint, "absent")


def await_state(stack: Stack, service: Service, endpoint: str, wanted: str, seconds: float = 20.0) -> str:
    """Waits for a state, and returns it."""
    return until(f"{endpoint} to become {wanted}", seconds, lambda: wanted if state(stack, service, endpoint) == wanted else None)


def records(stack: Stack, service: Service, endpoint: str) -> dict[str, dict[str, Any]]:
    """The ledger's records about a connection, by verdict. Of several with one verdict, the newest counts."""
    return {item["sk"]["S"].partition("/")[0].partition("#")[0]: item for item in items(stack, f"request/{service.id}/{endpoint}")}


def items(stack: Stack, partition: str) -> list[dict[str, Any]]:
    """The ledger's items in a partition, the oldest first."""
    query = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": partition}}, "ConsistentRead": True}
    found: list[dict[str, Any]] = stack.client("dynamodb").query(TableName=stack.outputs["LedgerName"], **query)["Items"]
    return sorted(found, key=lambda item: item.get("at", {"S": ""})["S"])


def service_state(stack: Stack, service: Service) -> dict[str, Any]:
    """The state of a service on the ledger."""
    (found,) = (item for item in items(stack, f"service/{service.id}") if item["sk"]["S"] == "state")
    state: dict[str, Any] = json.loads(found["state"]["S"])
    return state


def put_service_state(stack: Stack, service: Service, state: dict[str, Any]) -> None:
    """Replaces the state of a service on the ledger, and leaves its versions."""
    stack.client("dynamodb").update_item(
        TableName=stack.outputs["LedgerName"],
        Key={"pk": {"S": f"service/{service.id}"}, "sk": {"S": "state"}},
        UpdateExpression="SET #state = :state",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":state": {"S": json.dumps(state)}},
    )


def await_record(stack: Stack, service: Service, endpoint: str, verdict: str, seconds: float = 20.0) -> dict[str, Any]:
    """Waits for a record, and returns it."""
    return until(f"the record `{verdict}` of {endpoint}", seconds, lambda: records(stack, service, endpoint).get(verdict))


def creation_event(service: Service, endpoint: str, owner: str) -> dict[str, Any]:
    """CloudTrail's record of a CreateVpcEndpoint call. A forged one may name any owner."""
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
    """Puts CloudTrail's record on a bus of the provider."""
    entry = {"Source": "aws.ec2", "DetailType": "AWS API Call via CloudTrail", "Detail": json.dumps(detail), "EventBusName": bus}
    answer = stack.client("events").put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 0, answer["Entries"]


def origin(record: dict[str, Any]) -> str:
    """The trigger of a record's decision: cloud-trail, notification or sweep."""
    return str(json.loads(record["record"]["S"])["origin"]["kind"])


def described(stack: Stack) -> int:
    """The number of times that the functions described connections."""
    return sum(call["action"] == "DescribeVpcEndpointConnections" and bool(call["session"]) for call in stack.local("calls"))


def sweep(stack: Stack) -> None:
    """Sends the schedule's message, and waits until the queue is empty: everything that the sweep found is answered."""
    send(stack, json.dumps(sweep_event(stack)))
    await_empty_queue(stack)


def send(stack: Stack, body: str) -> None:
    """Sends a message to the request queue. The emulator does not enforce the queue's policy."""
    stack.client("sqs").send_message(QueueUrl=stack.outputs["RequestsUrl"], MessageBody=body)


def hint(service: Service) -> str:
    """The message that a sweep sends for a service."""
    return json.dumps({"source": "privatelink-warden", "service": service.id})


def notification(stack: Stack, message: str) -> str:
    """A message of the connections topic as SNS delivers it to a queue."""
    envelope = {"Type": "Notification", "MessageId": "0a1b2c3d-0000-4000-8000-000000000001", "TopicArn": stack.outputs["ConnectionsTopicArn"]}
    return json.dumps(envelope | {"Message": message, "Timestamp": "2026-01-01T00:00:00.000Z", "SignatureVersion": "1"})


def await_empty_queue(stack: Stack, seconds: float = 240.0) -> None:
    """Waits until the request queue holds no message, visible or not. One whose function an update stopped comes again after three minutes."""
    until("the request queue to be empty", seconds, lambda: queue_length(stack, "RequestsUrl") == 0)


def queue_length(stack: Stack, output: str) -> int:
    """The number of messages in a queue, visible or not."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]
    attributes = stack.client("sqs").get_queue_attributes(QueueUrl=stack.outputs[output], AttributeNames=names)["Attributes"]
    return sum(int(attributes[name]) for name in names)


def batch_of(stack: Stack, *bodies: str, age_seconds: float = 0) -> dict[str, Any]:
    """The event with which Lambda hands messages of the request queue over."""
    sent = str(round((time.time() - age_seconds) * 1000))
    arn = stack.client("sqs").get_queue_attributes(QueueUrl=stack.outputs["RequestsUrl"], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    message = {"eventSource": "aws:sqs", "eventSourceARN": arn, "awsRegion": REGION, "messageAttributes": {}}

    def record(number: int, body: str) -> dict[str, Any]:
        attributes = {"ApproximateReceiveCount": "1", "SentTimestamp": sent, "SenderId": PROVIDER, "ApproximateFirstReceiveTimestamp": sent}
        return message | {"messageId": str(number), "receiptHandle": f"receipt-{number}", "body": body, "attributes": attributes, "md5OfBody": ""}

    return {"Records": [record(number, body) for number, body in enumerate(bodies, 1)]}


def handed_over(stack: Stack, *bodies: str, age_seconds: float = 0) -> list[str]:
    """Hands messages over to approve. Returns the bodies of those that must be delivered again."""
    answer = invoke(stack, stack.outputs["ApproveFunction"], batch_of(stack, *bodies, age_seconds=age_seconds))
    return [bodies[int(each["itemIdentifier"]) - 1] for each in answer["batchItemFailures"]]


def sweep_event(stack: Stack) -> dict[str, Any]:
    """The message that the sweep's schedule sends."""
    message: dict[str, Any] = json.loads(stack.client("scheduler").get_schedule(Name=f"{NAME}-sweep")["Target"]["Input"])
    return message


def event_body(detail: dict[str, Any]) -> str:
    """CloudTrail's record in the envelope in which a rule sends it to the queue, from the account of the call."""
    envelope = {"version": "0", "id": "0a1b2c3d-0000-4000-8000-000000000000", "source": "aws.ec2", "detail-type": "AWS API Call via CloudTrail"}
    return json.dumps(envelope | {"account": detail["recipientAccountId"], "region": detail["awsRegion"], "time": detail["eventTime"], "resources": [], "detail": detail})


def invoke(stack: Stack, function: str, event: dict[str, Any]) -> Any:
    """Invokes a function synchronously. Returns its answer."""
    return json.loads(stack.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))["Payload"].read())


def audit(stack: Stack) -> dict[str, Any]:
    """Runs an audit. Returns its summary."""
    summary: dict[str, Any] = invoke(stack, stack.outputs["AuditFunction"], {})
    assert "report" in summary, summary
    return summary


def report(stack: Stack, summary: dict[str, Any], name: str) -> bytes:
    """A file of an audit's report."""
    bucket, _, page = summary["report"].removeprefix("s3://").partition("/")
    found: bytes = stack.client("s3").get_object(Bucket=bucket, Key=f"{page.rpartition('/')[0]}/{name}")["Body"].read()
    return found


def findings(stack: Stack, summary: dict[str, Any], service: Service) -> set[str]:
    """An audit's findings about a service, as `KIND ENDPOINT-OR-ACCOUNT`."""
    found = json.loads(report(stack, summary, "report.json"))["findings"]
    ours = [finding["id"].split("/", 2) for finding in found if service.id in finding["id"]]
    return {" ".join((kind, *rest)).strip() for kind, _, *rest in ours}


def plant_drift(stack: Stack, service: Service, connected: str, by_hand: str) -> None:
    """Makes three findings: removes a permission, accepts an endpoint by hand, switches acceptance off."""
    ec2 = stack.client("ec2")
    ec2.modify_vpc_endpoint_service_permissions(ServiceId=service.id, RemoveAllowedPrincipals=[root_arn(connected)])
    failed = ec2.accept_vpc_endpoint_connections(ServiceId=service.id, VpcEndpointIds=[by_hand])["Unsuccessful"]
    assert not failed, failed
    ec2.modify_vpc_endpoint_service_configuration(ServiceId=service.id, AcceptanceRequired=False)


def undo_drift(stack: Stack, service: Service, connected: str, by_hand: str) -> None:
    """Undoes `plant_drift`."""
    ec2 = stack.client("ec2")
    ec2.modify_vpc_endpoint_service_permissions(ServiceId=service.id, AddAllowedPrincipals=[root_arn(connected)])
    ec2.reject_vpc_endpoint_connections(ServiceId=service.id, VpcEndpointIds=[by_hand])
    ec2.modify_vpc_endpoint_service_configuration(ServiceId=service.id, AcceptanceRequired=True)


def warden(stack: Stack, *arguments: str, status: int | tuple[int, ...] = 0, ledger: str | None = None, url: str = "", folder: Path | None = None, session: str = "") -> str:
    """Runs the command line as the provider, or with a role session. Returns its output if it ends with this status, or one of these. `ledger=""` gives it none."""
    environment = isolated_environment() | {"AWS_ACCESS_KEY_ID": PROVIDER, "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": REGION}
    if session:
        environment["AWS_SESSION_TOKEN"] = session
    name = stack.outputs["LedgerName"] if ledger is None else ledger
    command = [str(TARGET / "debug" / "warden"), "--endpoint-url", url or stack.url, *(["--ledger", name] if name else []), *arguments]
    done = subprocess.run(command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
    assert done.returncode in (status if isinstance(status, tuple) else (status,)), f"{arguments}: {done.returncode}\n{done.stdout}"
    return done.stdout
