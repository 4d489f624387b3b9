"""boto3 reads every answer of the stand-in, and finds in it what AWS would say."""

from __future__ import annotations

import pytest
from accounts import A, B, PROVIDER, root_arn
from botocore.exceptions import ClientError
from scenario import BALANCER, SUBNET, TOLD_EVENTS, VPC, offer, state
from stack import Stack


def test_the_life_of_a_service(stack: Stack) -> None:
    ec2 = stack.client("ec2")
    service = offer(stack, [A], notify=False, name="life")
    by_id = {"ServiceIds": [service.id]}
    described = ec2.describe_vpc_endpoint_service_configurations(**by_id)["ServiceConfigurations"][0]
    assert (described["ServiceName"], described["AcceptanceRequired"]) == (service.name, True)
    assert described["NetworkLoadBalancerArns"] == [BALANCER]
    assert {"Key": "Name", "Value": "life"} in described["Tags"]
    ec2.modify_vpc_endpoint_service_configuration(ServiceId=service.id, AcceptanceRequired=False)
    assert ec2.describe_vpc_endpoint_service_configurations(**by_id)["ServiceConfigurations"][0]["AcceptanceRequired"] is False
    ec2.create_tags(Resources=[service.id], Tags=[{"Key": "team", "Value": "data & friends"}])
    ec2.delete_tags(Resources=[service.id], Tags=[{"Key": "Name"}])
    assert ec2.describe_vpc_endpoint_service_configurations(**by_id)["ServiceConfigurations"][0]["Tags"] == [{"Key": "team", "Value": "data & friends"}]
    assert not ec2.delete_vpc_endpoint_service_configurations(**by_id).get("Unsuccessful")
    with pytest.raises(ClientError, match="InvalidVpcEndpointServiceId.NotFound"):
        ec2.describe_vpc_endpoint_service_configurations(**by_id)


def test_permissions_and_who_sees_what(stack: Stack) -> None:
    ec2 = stack.client("ec2")
    service = offer(stack, [A, B], notify=False)
    principals = lambda: {p["Principal"] for p in ec2.describe_vpc_endpoint_service_permissions(ServiceId=service.id)["AllowedPrincipals"]}  # noqa: E731
    assert principals() == {root_arn(A), root_arn(B)}
    ec2.modify_vpc_endpoint_service_permissions(ServiceId=service.id, RemoveAllowedPrincipals=[root_arn(B)])
    assert principals() == {root_arn(A)}
    seen = stack.client("ec2", A).describe_vpc_endpoint_services(ServiceNames=[service.name])["ServiceDetails"][0]
    assert (seen["ServiceId"], seen["Owner"], seen["AcceptanceRequired"]) == (service.id, PROVIDER, True)
    with pytest.raises(ClientError, match="InvalidServiceName"):
        stack.client("ec2", B).describe_vpc_endpoint_services(ServiceNames=[service.name])


def test_notifications(stack: Stack) -> None:
    ec2, topic = stack.client("ec2"), stack.outputs["ConnectionsTopicArn"]
    service = offer(stack, [A], notify=False)
    made = ec2.create_vpc_endpoint_connection_notification(ServiceId=service.id, ConnectionNotificationArn=topic, ConnectionEvents=["Connect"])
    identity = made["ConnectionNotification"]["ConnectionNotificationId"]
    ec2.modify_vpc_endpoint_connection_notification(ConnectionNotificationId=identity, ConnectionEvents=TOLD_EVENTS)
    found = ec2.describe_vpc_endpoint_connection_notifications(ConnectionNotificationId=identity)["ConnectionNotificationSet"]
    assert [sorted(each["ConnectionEvents"]) for each in found] == [sorted(TOLD_EVENTS)]
    assert not ec2.delete_vpc_endpoint_connection_notifications(ConnectionNotificationIds=[identity]).get("Unsuccessful")


def test_a_connection_from_both_sides(stack: Stack) -> None:
    provider, consumer = stack.client("ec2"), stack.client("ec2", B)
    service = offer(stack, [B], notify=False)
    created = consumer.create_vpc_endpoint(VpcEndpointType="Interface", VpcId=VPC, ServiceName=service.name, SubnetIds=[SUBNET])["VpcEndpoint"]
    assert (created["State"], created["OwnerId"], created["VpcId"]) == ("pendingAcceptance", B, VPC)
    endpoint = created["VpcEndpointId"]
    pages = provider.get_paginator("describe_vpc_endpoint_connections").paginate(
        Filters=[{"Name": "service-id", "Values": [service.id]}, {"Name": "vpc-endpoint-owner", "Values": [B]}], PaginationConfig={"PageSize": 5}
    )
    (connection,) = [each for page in pages for each in page["VpcEndpointConnections"]]
    assert (connection["VpcEndpointId"], connection["VpcEndpointOwner"]) == (endpoint, B)
    assert connection["CreationTimestamp"].tzinfo is not None
    assert not provider.reject_vpc_endpoint_connections(ServiceId=service.id, VpcEndpointIds=[endpoint]).get("Unsuccessful")
    assert state(stack, service, endpoint) == "rejected"
    assert consumer.describe_vpc_endpoints(VpcEndpointIds=[endpoint])["VpcEndpoints"][0]["State"] == "rejected"
    assert not consumer.delete_vpc_endpoints(VpcEndpointIds=[endpoint]).get("Unsuccessful")


def test_partial_failure_is_no_error(stack: Stack) -> None:
    service = offer(stack, [B], notify=False)
    answer = stack.client("ec2").accept_vpc_endpoint_connections(ServiceId=service.id, VpcEndpointIds=["vpce-0123456789abcdef9"])
    assert [(each["ResourceId"], bool(each["Error"]["Code"])) for each in answer["Unsuccessful"]] == [("vpce-0123456789abcdef9", True)]


def test_a_dry_run_does_nothing(stack: Stack) -> None:
    service = offer(stack, [B], notify=False)
    with pytest.raises(ClientError, match="DryRunOperation"):
        stack.client("ec2", B).create_vpc_endpoint(VpcEndpointType="Interface", VpcId=VPC, ServiceName=service.name, DryRun=True)
    found = stack.client("ec2").describe_vpc_endpoint_connections(Filters=[{"Name": "service-id", "Values": [service.id]}])
    assert found["VpcEndpointConnections"] == []


def test_what_is_not_privatelink_passes_through(stack: Stack) -> None:
    assert stack.client("sts", A).get_caller_identity()["Account"] == A
    assert "default" in {bus["Name"] for bus in stack.client("events").list_event_buses()["EventBuses"]}
