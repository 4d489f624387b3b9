"""moto has 16 tests of endpoint service configurations (getmoto/moto, `test_vpc_service_configuration_integration.py`). Each has a test here
that says if the stand-in agrees, and if not, which source says who is right. Marks are those of `docs/aws-facts.md`.
"""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError
from harness.accounts import PROVIDER
from stand_in.running import Local, error_code

HOME = "us-east-2"
NUMBERS = count(1)


@pytest.fixture
def ec2(local: Local) -> Any:
    """The provider's client."""
    return local.client("ec2", PROVIDER, HOME)


def balancer(kind: str) -> str:
    return f"arn:aws:elasticloadbalancing:{HOME}:{PROVIDER}:loadbalancer/{kind}/lb/{next(NUMBERS):016x}"


def gateway(ec2: Any, **arguments: Any) -> dict[str, Any]:
    return dict(ec2.create_vpc_endpoint_service_configuration(GatewayLoadBalancerArns=[balancer("gwy")], **arguments)["ServiceConfiguration"])


def interface(ec2: Any, **arguments: Any) -> dict[str, Any]:
    return dict(ec2.create_vpc_endpoint_service_configuration(NetworkLoadBalancerArns=[balancer("net")], **arguments)["ServiceConfiguration"])


def described(ec2: Any, service: dict[str, Any]) -> dict[str, Any]:
    (found,) = ec2.describe_vpc_endpoint_service_configurations(ServiceIds=[service["ServiceId"]])["ServiceConfigurations"]
    return dict(found)


def principals(ec2: Any, service: dict[str, Any]) -> list[str]:
    return [each["Principal"] for each in ec2.describe_vpc_endpoint_service_permissions(ServiceId=service["ServiceId"])["AllowedPrincipals"]]


class TestAgreement:
    """The nine that pass unchanged."""

    def test_load_balancer_is_required(self, ec2: Any) -> None:
        with pytest.raises(ClientError) as error:
            ec2.create_vpc_endpoint_service_configuration()
        assert error.value.response["Error"] == {
            "Code": "InvalidParameter",
            "Message": "exactly one of network_load_balancer_arn or gateway_load_balancer_arn is a required member",
        }

    def test_services_are_described_by_id(self, ec2: Any) -> None:
        first, second = gateway(ec2), gateway(ec2)
        every = [each["ServiceId"] for each in ec2.describe_vpc_endpoint_service_configurations()["ServiceConfigurations"]]
        assert {first["ServiceId"], second["ServiceId"]} <= set(every)
        assert described(ec2, second)["GatewayLoadBalancerArns"] == second["GatewayLoadBalancerArns"]

    @pytest.mark.parametrize("number", [1, 2])
    def test_service_is_created_with_tags(self, ec2: Any, number: int) -> None:
        tags = [{"Key": f"k{each}", "Value": f"v{each}"} for each in range(number)]
        assert described(ec2, gateway(ec2, TagSpecifications=[{"ResourceType": "vpc-endpoint-service", "Tags": tags}]))["Tags"] == tags

    def test_tags_are_added_later(self, ec2: Any) -> None:
        service = gateway(ec2)
        ec2.create_tags(Resources=[service["ServiceId"]], Tags=[{"Key": "k", "Value": "v"}])
        assert described(ec2, service)["Tags"] == [{"Key": "k", "Value": "v"}]

    def test_unknown_service_is_an_error(self, ec2: Any) -> None:
        assert error_code(ec2.describe_vpc_endpoint_service_configurations, ServiceIds=["vpce-svc-unknown"]) == "InvalidVpcEndpointServiceId.NotFound"

    def test_service_is_deleted(self, ec2: Any) -> None:
        assert ec2.delete_vpc_endpoint_service_configurations(ServiceIds=[gateway(ec2)["ServiceId"]])["Unsuccessful"] == []

    def test_unknown_service_cannot_be_deleted(self, ec2: Any) -> None:
        (item,) = ec2.delete_vpc_endpoint_service_configurations(ServiceIds=["vpce-svc-03cf101d15c3bff53"])["Unsuccessful"]
        assert (item["ResourceId"], item["Error"]["Code"]) == ("vpce-svc-03cf101d15c3bff53", "InvalidVpcEndpointService.NotFound")

    def test_new_service_has_no_permissions(self, ec2: Any) -> None:
        assert principals(ec2, gateway(ec2)) == []


class TestDifference:
    """The seven that fail. Each agrees in part."""

    def test_zones_are_not_those_of_balancers(self, ec2: Any) -> None:
        """moto is right: the zones are those of the load balancers [D]. The stand-in does not know load balancers."""
        service = interface(ec2)
        assert service["AvailabilityZones"] == [f"{HOME}a"]
        assert (service["ServiceType"], service["PrivateDnsNameConfiguration"]) == ([{"ServiceType": "Interface"}], {})
        assert service["ServiceName"] == f"com.amazonaws.vpce.{HOME}.{service['ServiceId']}"
        assert service["BaseEndpointDnsNames"] == [f"{service['ServiceId']}.{HOME}.vpce.amazonaws.com"]
        assert service["AcceptanceRequired"] is True and "GatewayLoadBalancerArns" not in service

    def test_gateway_service_has_its_own_type(self, ec2: Any) -> None:
        """moto answers `Gateway`. The API model has `GatewayLoadBalancer` beside it [D]."""
        service = gateway(ec2)
        assert service["ServiceType"] == [{"ServiceType": "GatewayLoadBalancer"}]
        assert "NetworkLoadBalancerArns" not in service

    def test_new_private_name_is_not_verified(self, ec2: Any) -> None:
        """moto answers `verified` with invented values. A new name waits for its TXT record [D]."""
        service = interface(ec2, AcceptanceRequired=False, PrivateDnsName="example.com")
        assert (service["AcceptanceRequired"], service["PrivateDnsName"]) == (False, "example.com")
        assert service["PrivateDnsNameConfiguration"]["State"] == "pendingVerification"
        (detail,) = ec2.describe_vpc_endpoint_services(ServiceNames=[service["ServiceName"]])["ServiceDetails"]
        assert detail["Owner"] == PROVIDER

    def test_gateway_service_has_no_private_name(self, ec2: Any) -> None:
        """moto gives one to a Gateway Load Balancer service. The API reference has it for interface endpoints [D]; the error's code is [I]."""
        service = gateway(ec2)
        change = {"ServiceId": service["ServiceId"], "PrivateDnsName": "example.com", "AcceptanceRequired": False}
        assert error_code(ec2.modify_vpc_endpoint_service_configuration, **change) == "InvalidParameter"
        ec2.modify_vpc_endpoint_service_configuration(ServiceId=service["ServiceId"], AcceptanceRequired=False)
        assert described(ec2, service)["AcceptanceRequired"] is False

    def test_principal_must_be_an_arn(self, ec2: Any) -> None:
        """moto takes any string. A principal is `*` or an ARN [D]; EC2's error for others is `InvalidPrincipal` [S]."""
        service = gateway(ec2)
        modify = ec2.modify_vpc_endpoint_service_permissions
        assert error_code(modify, ServiceId=service["ServiceId"], AddAllowedPrincipals=["prin1"]) == "InvalidPrincipal"
        first, second = (f"arn:aws:iam::{account}:root" for account in ("111122223333", "444455556666"))
        modify(ServiceId=service["ServiceId"], AddAllowedPrincipals=[first, second])
        modify(ServiceId=service["ServiceId"], RemoveAllowedPrincipals=[first])
        assert principals(ec2, service) == [second]

    def test_balancers_of_two_types_do_not_mix(self, ec2: Any) -> None:
        """moto adds both types to one service. A service is for one type of endpoints [D]; that a change is refused is [I]."""
        service, added = gateway(ec2), balancer("gwy")
        modify = ec2.modify_vpc_endpoint_service_configuration
        assert error_code(modify, ServiceId=service["ServiceId"], AddNetworkLoadBalancerArns=[balancer("net")]) == "InvalidParameter"
        modify(ServiceId=service["ServiceId"], AddGatewayLoadBalancerArns=[added], RemoveGatewayLoadBalancerArns=service["GatewayLoadBalancerArns"])
        assert described(ec2, service)["GatewayLoadBalancerArns"] == [added]

    def test_own_region_is_supported_too(self, ec2: Any) -> None:
        """moto lists only the Regions of the call. No source says if AWS lists the service's own Region [U]."""
        service = gateway(ec2, SupportedRegions=["us-west-1"])
        assert [each["Region"] for each in service["SupportedRegions"]] == [HOME, "us-west-1"]
        change = {"AddSupportedRegions": ["eu-north-1", "ap-southeast-2"], "RemoveSupportedRegions": ["us-west-1"]}
        ec2.modify_vpc_endpoint_service_configuration(ServiceId=service["ServiceId"], **change)
        assert [each["Region"] for each in described(ec2, service)["SupportedRegions"]] == [HOME, "eu-north-1", "ap-southeast-2"]
