"""Transit gateway attachments: the provider's and the consumer's calls through boto3."""

from __future__ import annotations

from typing import Any

import pytest
from harness.accounts import ALLOWED, PROVIDER, STRANGER, UNLISTED, root_arn
from harness.processes import until
from stand_in.running import Local, error_code

BALANCER = f"arn:aws:elasticloadbalancing:us-east-1:{PROVIDER}:loadbalancer/gwy/firewall/0a1b2c3d4e5f6071"
ATTACHMENT_PERMISSION = "transit-gateway-attachment"


@pytest.fixture
def service(local: Local) -> dict[str, Any]:
    """A Gateway Load Balancer service that two accounts may attach to."""
    ec2 = local.client("ec2", PROVIDER)
    made: dict[str, Any] = ec2.create_vpc_endpoint_service_configuration(GatewayLoadBalancerArns=[BALANCER])["ServiceConfiguration"]
    principals = [root_arn(ALLOWED), root_arn(UNLISTED)]
    added = ec2.modify_vpc_endpoint_service_permissions(ServiceId=made["ServiceId"], AddAllowedPrincipals=principals, PermissionType=ATTACHMENT_PERMISSION)
    assert {each["PermissionType"] for each in added["AddedPrincipals"]} == {ATTACHMENT_PERMISSION}
    return made


def attach(local: Local, account: str, service: dict[str, Any], **arguments: Any) -> str:
    zones = arguments.pop("AvailabilityZones", ["us-east-1a"])
    made = local.client("ec2", account).create_transit_gateway_network_function_attachment(
        TransitGatewayId=f"tgw-{int(account):017x}", ServiceName=service["ServiceName"], AvailabilityZones=zones, **arguments
    )["TransitGatewayNetworkFunctionAttachment"]
    assert (made["State"], made["ResourceId"], made["ResourceOwnerId"]) == ("pendingAcceptance", service["ServiceName"], account)
    return str(made["TransitGatewayAttachmentId"])


def connections(local: Local, service: dict[str, Any], attachment: str) -> list[dict[str, Any]]:
    filters = [{"Name": "service-id", "Values": [service["ServiceId"]]}, {"Name": "transit-gateway-attachment-id", "Values": [attachment]}]
    found: list[dict[str, Any]] = local.client("ec2", PROVIDER).describe_vpc_endpoint_connections(Filters=filters)["VpcEndpointConnections"]
    return found


def state(local: Local, account: str, attachment: str) -> str:
    described = local.client("ec2", account).describe_transit_gateway_network_function_attachments(TransitGatewayAttachmentIds=[attachment])
    return str(described["TransitGatewayNetworkFunctionAttachments"][0]["State"])


def test_accepted_attachment_becomes_available(local: Local, service: dict[str, Any]) -> None:
    ec2 = local.client("ec2", PROVIDER)
    attachment = attach(local, ALLOWED, service)
    (connection,) = connections(local, service, attachment)
    assert "VpcEndpointId" not in connection and connection["VpcEndpointState"] == "pendingAcceptance"
    assert (connection["TransitGatewayAttachmentId"], connection["TransitGatewayAttachmentOwner"]) == (attachment, ALLOWED)
    assert connection["PayerResponsibilities"]
    # boto3 requires VpcEndpointIds, also beside TransitGatewayAttachmentIds.
    accepted = ec2.accept_vpc_endpoint_connections(ServiceId=service["ServiceId"], VpcEndpointIds=[], TransitGatewayAttachmentIds=[attachment])
    assert accepted["Unsuccessful"] == []
    until("the attachment to become available", 5, lambda: state(local, ALLOWED, attachment) == "available")
    again = ec2.accept_vpc_endpoint_connections(ServiceId=service["ServiceId"], VpcEndpointIds=[], TransitGatewayAttachmentIds=[attachment, "tgw-attach-0"])
    assert [each["ResourceId"] for each in again["Unsuccessful"]] == [attachment, "tgw-attach-0"]


def test_rejected_attachment_stays_listed(local: Local, service: dict[str, Any]) -> None:
    attachment = attach(local, UNLISTED, service)
    local.client("ec2", PROVIDER).reject_vpc_endpoint_connections(ServiceId=service["ServiceId"], VpcEndpointIds=[], TransitGatewayAttachmentIds=[attachment])
    assert [each["VpcEndpointState"] for each in connections(local, service, attachment)] == ["rejected"]
    assert state(local, UNLISTED, attachment) == "rejected"


@pytest.mark.parametrize(("form", "count"), [("endpoint", 1), ("zones", 2)])
def test_connection_may_have_an_endpoint(local: Local, service: dict[str, Any], form: str, count: int) -> None:
    local.control("attachments", connections=form)
    try:
        attachment = attach(local, ALLOWED, service, AvailabilityZones=["us-east-1a", "us-east-1b"])
    finally:
        local.control("attachments", connections="attachment")
    found = connections(local, service, attachment)
    endpoints = [each["VpcEndpointId"] for each in found]
    assert len(set(endpoints)) == count and {each["VpcEndpointOwner"] for each in found} == {ALLOWED}
    accepted = local.client("ec2", PROVIDER).accept_vpc_endpoint_connections(ServiceId=service["ServiceId"], VpcEndpointIds=endpoints)
    assert accepted["Unsuccessful"] == []


def test_permission_and_owner_are_required(local: Local, service: dict[str, Any]) -> None:
    stranger = local.client("ec2", STRANGER).create_transit_gateway_network_function_attachment
    arguments = {"TransitGatewayId": "tgw-0777", "ServiceName": service["ServiceName"], "AvailabilityZones": ["us-east-1a"]}
    assert error_code(stranger, **arguments) == "InvalidServiceName"
    allowed = local.client("ec2", ALLOWED)
    attachment = attach(local, ALLOWED, service)
    again = {**arguments, "TransitGatewayId": f"tgw-{int(ALLOWED):017x}"}
    assert error_code(allowed.create_transit_gateway_network_function_attachment, **again) == "DuplicateTransitGatewayAttachment"
    other = local.client("ec2", UNLISTED)
    assert error_code(other.delete_transit_gateway_network_function_attachment, TransitGatewayAttachmentId=attachment) == "InvalidTransitGatewayAttachmentID.NotFound"
    deleted = allowed.delete_transit_gateway_network_function_attachment(TransitGatewayAttachmentId=attachment)
    assert deleted["TransitGatewayNetworkFunctionAttachment"]["State"] == "deleting"


def test_permission_types_are_listed_apart(local: Local, service: dict[str, Any]) -> None:
    ec2 = local.client("ec2", PROVIDER)
    ec2.modify_vpc_endpoint_service_permissions(ServiceId=service["ServiceId"], AddAllowedPrincipals=["*"])
    every = ec2.describe_vpc_endpoint_service_permissions(ServiceId=service["ServiceId"])["AllowedPrincipals"]
    assert sorted((each["PermissionType"], each["Principal"]) for each in every) == [
        (ATTACHMENT_PERMISSION, root_arn(ALLOWED)), (ATTACHMENT_PERMISSION, root_arn(UNLISTED)), ("vpc-endpoint", "*"),
    ]
    filters = [{"Name": "permission-type", "Values": ["vpc-endpoint"]}]
    found = ec2.describe_vpc_endpoint_service_permissions(ServiceId=service["ServiceId"], Filters=filters)["AllowedPrincipals"]
    assert [each["Principal"] for each in found] == ["*"]


def test_service_without_gateway_has_no_attachments(local: Local) -> None:
    ec2 = local.client("ec2", PROVIDER)
    made = ec2.create_vpc_endpoint_service_configuration(NetworkLoadBalancerArns=[BALANCER.replace("/gwy/", "/net/")])["ServiceConfiguration"]
    accept = {"ServiceId": made["ServiceId"], "VpcEndpointIds": [], "TransitGatewayAttachmentIds": ["tgw-attach-0"]}
    assert error_code(ec2.accept_vpc_endpoint_connections, **accept) == "InvalidParameter"
    permit = {"ServiceId": made["ServiceId"], "AddAllowedPrincipals": [root_arn(ALLOWED)], "PermissionType": ATTACHMENT_PERMISSION}
    assert error_code(ec2.modify_vpc_endpoint_service_permissions, **permit) == "InvalidParameter"


def test_accept_takes_one_kind_of_ids(local: Local, service: dict[str, Any]) -> None:
    accept = local.client("ec2", PROVIDER).accept_vpc_endpoint_connections
    ids = {"ServiceId": service["ServiceId"], "VpcEndpointIds": ["vpce-0"], "TransitGatewayAttachmentIds": ["tgw-attach-0"]}
    assert error_code(accept, **ids) == "InvalidParameterCombination"
    assert error_code(accept, **{**ids, "VpcEndpointIds": [], "TransitGatewayAttachmentIds": []}) == "MissingParameter"
    assert error_code(accept, **{**ids, "VpcEndpointIds": [], "TransitGatewayAttachmentIds": ["tgw-attach-0"] * 51}) == "InvalidParameterValue"
