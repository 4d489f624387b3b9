"""The stand-in's answers, read by boto3. tests/wire reads them with the Rust SDK; here are the calls that only consumers of boto3 make."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError
from harness.accounts import ALLOWED
from harness.actions import NOTIFIED_EVENTS, create_service
from harness.stack import Stack


def test_service_is_tagged_and_deleted(stack: Stack) -> None:
    ec2 = stack.client("ec2")
    service = create_service(stack, [ALLOWED], notify=False, name="life")
    ec2.create_tags(Resources=[service.id], Tags=[{"Key": "team", "Value": "data & friends"}])
    ec2.delete_tags(Resources=[service.id], Tags=[{"Key": "Name"}])
    (described,) = ec2.describe_vpc_endpoint_service_configurations(ServiceIds=[service.id])["ServiceConfigurations"]
    assert described["Tags"] == [{"Key": "team", "Value": "data & friends"}]
    assert not ec2.delete_vpc_endpoint_service_configurations(ServiceIds=[service.id]).get("Unsuccessful")
    with pytest.raises(ClientError, match="InvalidVpcEndpointServiceId.NotFound"):
        ec2.describe_vpc_endpoint_service_configurations(ServiceIds=[service.id])


def test_notification_is_changed_and_deleted(stack: Stack) -> None:
    ec2, topic = stack.client("ec2"), stack.outputs["ConnectionsTopicArn"]
    service = create_service(stack, [ALLOWED], notify=False)
    made = ec2.create_vpc_endpoint_connection_notification(ServiceId=service.id, ConnectionNotificationArn=topic, ConnectionEvents=["Connect"])
    identity = made["ConnectionNotification"]["ConnectionNotificationId"]
    ec2.modify_vpc_endpoint_connection_notification(ConnectionNotificationId=identity, ConnectionEvents=NOTIFIED_EVENTS)
    found = ec2.describe_vpc_endpoint_connection_notifications(ConnectionNotificationId=identity)["ConnectionNotificationSet"]
    assert [sorted(each["ConnectionEvents"]) for each in found] == [sorted(NOTIFIED_EVENTS)]
    assert not ec2.delete_vpc_endpoint_connection_notifications(ConnectionNotificationIds=[identity]).get("Unsuccessful")
