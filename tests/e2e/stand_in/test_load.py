"""`local --load FILE`: services and connections that exist from the start."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

from harness.accounts import PROVIDER, root_arn
from stand_in.conftest import Start
from tasks.paths import TARGET

EXAMPLE = Path(__file__).with_name("world.json")
SERVICES, CONNECTIONS = 40, 500
START_SECONDS_MAX = 5.0


def large_world() -> dict[str, Any]:
    """Forty services, and five hundred connections that were accepted over the years."""
    services: list[dict[str, Any]] = [{"owner": PROVIDER, "id": f"vpce-svc-{n:017x}", "tags": {"Name": f"service-{n}"}, "connections": []} for n in range(SERVICES)]
    for n in range(CONNECTIONS):
        account, created = f"{100000000000 + n % 60}", f"20{16 + n % 10}-0{1 + n % 9}-15T08:00:00Z"
        service = services[n * 7 % SERVICES]
        service["connections"].append({"account": account, "created": created})
        service["permissions"] = sorted({*service.get("permissions", []), root_arn(account)})
    return {"services": services}


def test_example_is_described(start: Start) -> None:
    local = start("--load", str(EXAMPLE))
    ec2 = local.client("ec2", PROVIDER)
    redis, firewall = ec2.describe_vpc_endpoint_service_configurations()["ServiceConfigurations"]
    assert {tag["Key"]: tag["Value"] for tag in redis["Tags"]} == {"Name": "redis", "team": "cache"}
    assert [region["Region"] for region in redis["SupportedRegions"]] == ["us-east-1", "eu-west-1"]
    assert (firewall["ServiceType"][0]["ServiceType"], firewall["AcceptanceRequired"]) == ("GatewayLoadBalancer", False)
    found = ec2.describe_vpc_endpoint_connections()["VpcEndpointConnections"]
    assert sorted(each["VpcEndpointState"] for each in found) == ["available"] * 4 + ["pendingAcceptance", "rejected"]
    old = next(each for each in found if each.get("VpcEndpointId") == "vpce-0a0000000000000001")
    assert (old["VpcEndpointOwner"], old["CreationTimestamp"].year) == ("111122223333", 2023)
    topics = ec2.describe_vpc_endpoint_connection_notifications()["ConnectionNotificationSet"]
    assert [sorted(each["ConnectionEvents"]) for each in topics] == [["Connect", "Delete"]]


def test_forty_services_load_quickly(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    file.write_text(json.dumps(large_world()))
    began = time.monotonic()
    ec2 = start("--load", str(file)).client("ec2", PROVIDER)
    assert time.monotonic() - began < START_SECONDS_MAX
    assert len(ec2.describe_vpc_endpoint_service_configurations()["ServiceConfigurations"]) == SERVICES
    pages = ec2.get_paginator("describe_vpc_endpoint_connections").paginate(PaginationConfig={"PageSize": 100})
    assert sum(len(page["VpcEndpointConnections"]) for page in pages) == CONNECTIONS


def test_wrong_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    file.write_text('{"services": [{"owner": "123456789012", "connections": [{"acount": "111122223333"}]}]}')
    done = subprocess.run([TARGET / "debug" / "local", "--load", file, "--listen", "127.0.0.1:1"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "unknown field `acount`" in done.stderr and "line 1" in done.stderr
