"""Private DNS names of services, and their verification by a TXT record."""

from __future__ import annotations

from typing import Any

import pytest
from harness.accounts import ALLOWED, PROVIDER, root_arn
from stand_in.running import Local, error_code

BALANCER = f"arn:aws:elasticloadbalancing:us-east-1:{PROVIDER}:loadbalancer/net/redis/0a1b2c3d4e5f6071"


@pytest.fixture
def service(local: Local) -> dict[str, Any]:
    """A service with a private DNS name."""
    ec2 = local.client("ec2", PROVIDER)
    made: dict[str, Any] = ec2.create_vpc_endpoint_service_configuration(NetworkLoadBalancerArns=[BALANCER], PrivateDnsName="redis.example.com")["ServiceConfiguration"]
    ec2.modify_vpc_endpoint_service_permissions(ServiceId=made["ServiceId"], AddAllowedPrincipals=[root_arn(ALLOWED)])
    return made


def configuration(local: Local, service: dict[str, Any]) -> dict[str, Any]:
    found = local.client("ec2", PROVIDER).describe_vpc_endpoint_service_configurations(ServiceIds=[service["ServiceId"]])["ServiceConfigurations"]
    return dict(found[0])


def test_name_is_verified_by_its_record(local: Local, service: dict[str, Any]) -> None:
    provider, consumer = local.client("ec2", PROVIDER), local.client("ec2", ALLOWED)
    arguments = {"VpcEndpointType": "Interface", "VpcId": "vpc-0", "ServiceName": service["ServiceName"], "PrivateDnsEnabled": True}
    dns = service["PrivateDnsNameConfiguration"]
    assert (dns["State"], dns["Type"]) == ("pendingVerification", "TXT")
    assert error_code(consumer.create_vpc_endpoint, **arguments) == "InvalidParameter"
    provider.start_vpc_endpoint_service_private_dns_verification(ServiceId=service["ServiceId"])
    assert configuration(local, service)["PrivateDnsNameConfiguration"]["State"] == "failed"
    local.control("dns", name=f"{dns['Name']}.redis.example.com", value=dns["Value"])
    assert provider.start_vpc_endpoint_service_private_dns_verification(ServiceId=service["ServiceId"])["ReturnValue"] is True
    assert configuration(local, service)["PrivateDnsNameConfiguration"]["State"] == "verified"
    assert consumer.create_vpc_endpoint(**arguments)["VpcEndpoint"]["PrivateDnsEnabled"] is True
    (detail,) = consumer.describe_vpc_endpoint_services(ServiceNames=[service["ServiceName"]])["ServiceDetails"]
    assert (detail["PrivateDnsName"], detail["PrivateDnsNameVerificationState"]) == ("redis.example.com", "verified")


def test_name_is_changed_and_removed(local: Local, service: dict[str, Any]) -> None:
    modify = local.client("ec2", PROVIDER).modify_vpc_endpoint_service_configuration
    modify(ServiceId=service["ServiceId"], PrivateDnsName="cache.example.com")
    changed = configuration(local, service)
    assert changed["PrivateDnsName"] == "cache.example.com"
    assert changed["PrivateDnsNameConfiguration"]["Value"] != service["PrivateDnsNameConfiguration"]["Value"]
    modify(ServiceId=service["ServiceId"], RemovePrivateDnsName=True)
    removed = configuration(local, service)
    assert "PrivateDnsName" not in removed and removed["PrivateDnsNameConfiguration"] == {}
