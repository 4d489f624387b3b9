"""Deleted connections leave the lists; rejected ones linger."""

from __future__ import annotations

from harness.accounts import ALLOWED, PROVIDER, root_arn
from harness.processes import until
from stand_in.conftest import Start
from stand_in.running import error_code

BALANCER = f"arn:aws:elasticloadbalancing:us-east-1:{PROVIDER}:loadbalancer/net/redis/0a1b2c3d4e5f6071"


def test_deleted_connection_leaves_the_lists(start: Start) -> None:
    local = start("--forget-ms", "300")
    provider, consumer = local.client("ec2", PROVIDER), local.client("ec2", ALLOWED)
    service = provider.create_vpc_endpoint_service_configuration(NetworkLoadBalancerArns=[BALANCER])["ServiceConfiguration"]
    provider.modify_vpc_endpoint_service_permissions(ServiceId=service["ServiceId"], AddAllowedPrincipals=[root_arn(ALLOWED)])
    deleted, rejected = (
        consumer.create_vpc_endpoint(VpcEndpointType="Interface", VpcId="vpc-0", ServiceName=service["ServiceName"])["VpcEndpoint"]["VpcEndpointId"] for _ in range(2)
    )
    provider.reject_vpc_endpoint_connections(ServiceId=service["ServiceId"], VpcEndpointIds=[rejected])
    consumer.delete_vpc_endpoints(VpcEndpointIds=[deleted])

    def states() -> dict[str, str]:
        return {each["VpcEndpointId"]: each["VpcEndpointState"] for each in provider.describe_vpc_endpoint_connections()["VpcEndpointConnections"]}

    until("the connection to be deleted", 5, lambda: states().get(deleted) == "deleted", every=0.05)
    until("the connection to leave the list", 5, lambda: states() == {rejected: "rejected"})
    assert error_code(consumer.describe_vpc_endpoints, VpcEndpointIds=[deleted]) == "InvalidVpcEndpointId.NotFound"
