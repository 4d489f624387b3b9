"""The parameters that all of EC2's calls share, and those of `CreateVpcEndpoint`."""

from __future__ import annotations

from typing import Any

import pytest
from harness.accounts import ALLOWED, PROVIDER, root_arn
from stand_in.running import Local, error_code

BALANCER = f"arn:aws:elasticloadbalancing:us-east-1:{PROVIDER}:loadbalancer/net/redis/0a1b2c3d4e5f6071"
DESCRIBE = "describe_vpc_endpoint"


@pytest.fixture(scope="module")
def service(local: Local) -> dict[str, Any]:
    """A service that one account may use."""
    ec2 = local.client("ec2", PROVIDER)
    made: dict[str, Any] = ec2.create_vpc_endpoint_service_configuration(NetworkLoadBalancerArns=[BALANCER])["ServiceConfiguration"]
    ec2.modify_vpc_endpoint_service_permissions(ServiceId=made["ServiceId"], AddAllowedPrincipals=[root_arn(ALLOWED)])
    return made


def test_client_token_repeats_no_creation(local: Local, service: dict[str, Any]) -> None:
    ec2 = local.client("ec2", ALLOWED)
    arguments = {"VpcEndpointType": "Interface", "VpcId": "vpc-0", "ServiceName": service["ServiceName"], "ClientToken": "once"}
    first, again = (ec2.create_vpc_endpoint(**arguments)["VpcEndpoint"]["VpcEndpointId"] for _ in range(2))
    assert first == again
    assert error_code(ec2.create_vpc_endpoint, **{**arguments, "VpcId": "vpc-1"}) == "IdempotentParameterMismatch"
    other = ec2.create_vpc_endpoint(**{**arguments, "ClientToken": "twice"})["VpcEndpoint"]["VpcEndpointId"]
    assert other != first


def test_endpoint_type_is_gateway_by_default(local: Local, service: dict[str, Any]) -> None:
    arguments = {"VpcId": "vpc-0", "ServiceName": service["ServiceName"]}
    assert error_code(local.client("ec2", ALLOWED).create_vpc_endpoint, **arguments) == "InvalidParameter"


def test_large_pages_have_a_thousand_items(local: Local) -> None:
    ec2 = local.client("ec2", PROVIDER)
    assert "VpcEndpointConnections" in ec2.describe_vpc_endpoint_connections(MaxResults=5000)
    assert error_code(ec2.describe_vpc_endpoint_connections, MaxResults=4) == "InvalidParameterValue"


@pytest.mark.parametrize("call", [f"{DESCRIBE}{name}" for name in ("s", "_connections", "_service_configurations", "_connection_notifications")])
def test_unknown_filter_is_always_an_error(local: Local, call: str) -> None:
    ec2 = local.client("ec2", PROVIDER, "eu-central-1")
    assert error_code(getattr(ec2, call), Filters=[{"Name": "supported-region", "Values": ["x"]}]) == "InvalidParameterValue"


def test_principal_with_a_path_is_refused(local: Local, service: dict[str, Any]) -> None:
    modify = local.client("ec2", PROVIDER).modify_vpc_endpoint_service_permissions
    for principal in (f"arn:aws:iam::{ALLOWED}:role/team/deployer", f"arn:aws:iam::{ALLOWED}:user/team/person"):
        assert error_code(modify, ServiceId=service["ServiceId"], AddAllowedPrincipals=[principal]) == "InvalidPrincipal"
    modify(ServiceId=service["ServiceId"], AddAllowedPrincipals=[f"arn:aws:iam::{ALLOWED}:role/deployer"])


def test_address_type_reaches_the_connection(local: Local, service: dict[str, Any]) -> None:
    arguments = {"VpcEndpointType": "Interface", "VpcId": "vpc-0", "ServiceName": service["ServiceName"], "IpAddressType": "ipv6"}
    endpoint = local.client("ec2", ALLOWED).create_vpc_endpoint(**arguments)["VpcEndpoint"]
    assert endpoint["IpAddressType"] == "ipv6"
    filters = [{"Name": "ip-address-type", "Values": ["ipv6"]}]
    found = local.client("ec2", PROVIDER).describe_vpc_endpoint_connections(Filters=filters)["VpcEndpointConnections"]
    assert [each["VpcEndpointId"] for each in found] == [endpoint["VpcEndpointId"]]
