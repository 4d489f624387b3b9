"""Several Regions in one process, and endpoints in another Region than their service."""

from __future__ import annotations

from typing import Any

import pytest
from harness.accounts import ALLOWED, PROVIDER, REGION, root_arn
from stand_in.running import Local, error_code

ABROAD = "eu-west-1"
BALANCER = f"arn:aws:elasticloadbalancing:{REGION}:{PROVIDER}:loadbalancer/net/redis/0a1b2c3d4e5f6071"


@pytest.fixture
def service(local: Local) -> dict[str, Any]:
    """A service in the home Region that is offered abroad."""
    ec2 = local.client("ec2", PROVIDER)
    made: dict[str, Any] = ec2.create_vpc_endpoint_service_configuration(NetworkLoadBalancerArns=[BALANCER], SupportedRegions=[ABROAD])["ServiceConfiguration"]
    ec2.modify_vpc_endpoint_service_permissions(ServiceId=made["ServiceId"], AddAllowedPrincipals=[root_arn(ALLOWED)])
    return made


def request(local: Local, service: dict[str, Any], region: str = ABROAD, **arguments: Any) -> str:
    ec2 = local.client("ec2", ALLOWED, region)
    made = ec2.create_vpc_endpoint(VpcEndpointType="Interface", VpcId="vpc-0", ServiceName=service["ServiceName"], **arguments)["VpcEndpoint"]
    return str(made["VpcEndpointId"])


def test_endpoint_abroad_asks_the_service(local: Local, service: dict[str, Any]) -> None:
    endpoint = request(local, service, ServiceRegion=REGION)
    provider = local.client("ec2", PROVIDER)
    filters = [{"Name": "service-id", "Values": [service["ServiceId"]]}, {"Name": "vpc-endpoint-region", "Values": ["cross-region"]}]
    (connection,) = provider.describe_vpc_endpoint_connections(Filters=filters)["VpcEndpointConnections"]
    assert (connection["VpcEndpointId"], connection["VpcEndpointRegion"], connection["VpcEndpointOwner"]) == (endpoint, ABROAD, ALLOWED)
    provider.accept_vpc_endpoint_connections(ServiceId=service["ServiceId"], VpcEndpointIds=[endpoint])
    consumer = local.client("ec2", ALLOWED, ABROAD)
    (described,) = consumer.describe_vpc_endpoints(VpcEndpointIds=[endpoint])["VpcEndpoints"]
    assert described["ServiceRegion"] == REGION and described["State"] in ("pending", "available")
    assert error_code(local.client("ec2", ALLOWED).describe_vpc_endpoints, VpcEndpointIds=[endpoint]) == "InvalidVpcEndpointId.NotFound"
    consumer.create_tags(Resources=[endpoint], Tags=[{"Key": "team", "Value": "shop"}])
    found = consumer.describe_vpc_endpoints(Filters=[{"Name": "tag:team", "Values": ["shop"]}])["VpcEndpoints"]
    assert [each["VpcEndpointId"] for each in found] == [endpoint]
    assert consumer.delete_vpc_endpoints(VpcEndpointIds=[endpoint])["Unsuccessful"] == []


def test_unsupported_region_finds_no_service(local: Local, service: dict[str, Any]) -> None:
    elsewhere = local.client("ec2", ALLOWED, "ap-south-1")
    arguments = {"VpcEndpointType": "Interface", "VpcId": "vpc-0", "ServiceName": service["ServiceName"], "ServiceRegion": REGION}
    assert error_code(elsewhere.create_vpc_endpoint, **arguments) == "InvalidServiceName"
    assert error_code(elsewhere.describe_vpc_endpoint_services, ServiceNames=[service["ServiceName"]], ServiceRegions=[REGION]) == "InvalidServiceName"
    (detail,) = local.client("ec2", ALLOWED, ABROAD).describe_vpc_endpoint_services(ServiceNames=[service["ServiceName"]], ServiceRegions=[REGION])["ServiceDetails"]
    assert (detail["ServiceRegion"], detail["Owner"]) == (REGION, PROVIDER)


def test_removed_region_is_closed(local: Local, service: dict[str, Any]) -> None:
    request(local, service, ServiceRegion=REGION)
    ec2 = local.client("ec2", PROVIDER)
    ec2.modify_vpc_endpoint_service_configuration(ServiceId=service["ServiceId"], RemoveSupportedRegions=[ABROAD])
    (configuration,) = ec2.describe_vpc_endpoint_service_configurations(ServiceIds=[service["ServiceId"]])["ServiceConfigurations"]
    assert configuration["SupportedRegions"] == [{"Region": REGION, "ServiceState": "Available"}, {"Region": ABROAD, "ServiceState": "Closed"}]
    assert configuration["RemoteAccessEnabled"] is False


def test_each_region_has_its_own_services(local: Local, service: dict[str, Any]) -> None:
    for region, beginning in ((ABROAD, "com.amazonaws.vpce.eu-west-1."), ("eusc-de-east-1", "eu.amazonaws.vpce.eusc-de-east-1.")):
        ec2 = local.client("ec2", PROVIDER, region)
        made = ec2.create_vpc_endpoint_service_configuration(NetworkLoadBalancerArns=[BALANCER])["ServiceConfiguration"]
        assert made["ServiceName"] == beginning + made["ServiceId"]
        assert [each["ServiceId"] for each in ec2.describe_vpc_endpoint_service_configurations()["ServiceConfigurations"]] == [made["ServiceId"]]
        assert error_code(ec2.describe_vpc_endpoint_service_configurations, ServiceIds=[service["ServiceId"]]) == "InvalidVpcEndpointServiceId.NotFound"
