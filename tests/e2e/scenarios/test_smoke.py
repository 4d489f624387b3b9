"""`warden smoke` on the deployed stack, with two profiles as on AWS."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.accounts import ALLOWED, PROVIDER, REGION, UNLISTED
from harness.actions import SUBNET, VPC, Service, await_empty_queue, connections, create_service
from harness.processes import until
from harness.stack import NAME, Stack, isolated_environment
from tasks.paths import POLICIES, TARGET

RUN_SECONDS = 240
PARAMETERS = {"OwnerEmail": "owner@example.com"}


@pytest.fixture(scope="module")
def smoke_stack() -> Iterator[Stack]:
    """A stack as a first deployment has it: with an owner's address, and without the messages of other tests."""
    with Stack("smoke") as running:
        running.deploy(**PARAMETERS)
        yield running


def start(stack: Stack, service: Service, consumer: str, out: Path, *arguments: str) -> subprocess.Popen[str]:
    """Starts a run with two profiles."""
    profiles = out / "profiles"
    keys = {"provider": PROVIDER, "consumer": consumer}
    profiles.write_text("".join(f"[{name}]\naws_access_key_id = {account}\naws_secret_access_key = x\n" for name, account in keys.items()))
    command = [str(TARGET / "debug" / "warden"), "--endpoint-url", stack.url, "--region", REGION, "--stack", NAME, "--profile", "provider", "--policies", str(POLICIES)]
    command += ["smoke", "--consumer-profile", "consumer", "--service", service.id, "--vpc", VPC, "--subnets", SUBNET, "--out", str(out), "--yes", *arguments]
    environment = isolated_environment() | {"AWS_SHARED_CREDENTIALS_FILE": str(profiles)}
    return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(run: subprocess.Popen[str]) -> tuple[int, str, dict[str, str]]:
    """The exit status, the whole output, and the status of each step."""
    out, err = run.communicate(timeout=RUN_SECONDS)
    statuses = "pass|fail|not checked|skipped|stopped"
    steps = re.findall(rf"^(\S.*?)  +[\d.]+ +({statuses})\b", out, re.MULTILINE)
    return run.returncode, f"{out}\n{err}", dict(steps)


def left(stack: Stack, consumer: str) -> dict[str, list[Any]]:
    """What a run made and did not remove."""
    endpoints = stack.client("ec2", consumer).describe_vpc_endpoints(Filters=[{"Name": "tag-key", "Values": ["warden:smoke"]}])["VpcEndpoints"]
    events = stack.client("events")
    rules = [rule["Name"] for bus in ("default", NAME) for rule in events.list_rules(EventBusName=bus)["Rules"]]
    subscriptions = stack.client("sns").list_subscriptions()["Subscriptions"]
    return {
        "endpoints": [one["VpcEndpointId"] for one in endpoints if one["State"].lower() not in ("deleting", "deleted")],
        "rules": [name for name in rules if "warden-smoke" in name],
        "queues": [url for url in stack.client("sqs").list_queues().get("QueueUrls", []) if "warden-smoke" in url],
        "subscriptions": [one["SubscriptionArn"] for one in subscriptions if "warden-smoke" in one["Endpoint"]],
    }


NOTHING: dict[str, list[Any]] = {"endpoints": [], "rules": [], "queues": [], "subscriptions": []}


def test_whole_run_with_acceptance(smoke_stack: Stack, tmp_path: Path) -> None:
    service = create_service(smoke_stack, [UNLISTED])
    status, output, steps = finished(start(smoke_stack, service, UNLISTED, tmp_path, "--accept", "--within", "100"))
    assert status == 0, output
    # The emulator enforces no policy of a bus or of a queue.
    assert {name for name, result in steps.items() if result != "pass"} == {"forged event", "forged hint"}, output
    assert {name: result for name, result in steps.items() if result not in ("pass", "not checked")} == {}, output
    for name in ("mail subscription", "audit", "endpoint", "connection notification", "CloudTrail event", "record", "message", "acceptance", "available", "sweep"):
        assert name in steps, output
    assert f"granted by arn:aws:iam::{PROVIDER}:root" in output
    assert left(smoke_stack, UNLISTED) == NOTHING
    assert set(connections(smoke_stack, service).values()) <= {"deleted", "deleting"}

    notification = json.loads((tmp_path / "connect-notification.json").read_text())
    event = json.loads((tmp_path / "create-vpc-endpoint.json").read_text())
    assert notification["Type"] == "Notification" and event["detail"]["eventName"] == "CreateVpcEndpoint"
    for text in (json.dumps(notification), json.dumps(event)):
        assert UNLISTED not in text, "the consumer's account id is replaced"
    assert event["detail"]["userIdentity"]["accountId"] == "111122223333"


def test_run_without_acceptance_follows_the_policy(smoke_stack: Stack, tmp_path: Path) -> None:
    service = create_service(smoke_stack, [ALLOWED])
    status, output, steps = finished(start(smoke_stack, service, ALLOWED, tmp_path, "--within", "100"))
    assert (status, steps["acceptance"], steps["available"]) == (0, "not checked", "pass"), output
    assert left(smoke_stack, ALLOWED) == NOTHING


def test_failed_run_cleans_up(smoke_stack: Stack, tmp_path: Path) -> None:
    service = create_service(smoke_stack, [UNLISTED], notify=False)
    status, output, steps = finished(start(smoke_stack, service, UNLISTED, tmp_path, "--within", "5"))
    assert (status, steps["connection notification"], steps["CloudTrail event"], steps["clean up"]) == (1, "fail", "pass", "pass"), output
    assert "`warden doctor --fix notifications`" in output
    assert left(smoke_stack, UNLISTED) == NOTHING


def test_refused_endpoint_skips_what_needs_it(smoke_stack: Stack, tmp_path: Path) -> None:
    service = create_service(smoke_stack, [ALLOWED])
    status, output, steps = finished(start(smoke_stack, service, UNLISTED, tmp_path, "--within", "100"))
    assert (status, steps["endpoint"], steps["record"], steps["queues"]) == (1, "fail", "skipped", "pass"), output
    assert "`warden principals --apply`" in output
    assert left(smoke_stack, UNLISTED) == NOTHING


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_signal_stops_a_run_that_cleans_up(smoke_stack: Stack, tmp_path: Path, how: signal.Signals) -> None:
    service = create_service(smoke_stack, [UNLISTED], notify=False)
    run = start(smoke_stack, service, UNLISTED, tmp_path, "--within", "100")
    until("the endpoint", 60, lambda: connections(smoke_stack, service))
    time.sleep(1)
    run.send_signal(how)
    status, output, steps = finished(run)
    assert (status, steps["connection notification"], steps["clean up"]) == (1, "stopped", "pass"), output
    assert left(smoke_stack, UNLISTED) == NOTHING
    await_empty_queue(smoke_stack)


def test_keys_of_the_environment_are_refused(smoke_stack: Stack, tmp_path: Path) -> None:
    environment = isolated_environment() | {"AWS_ACCESS_KEY_ID": PROVIDER, "AWS_SECRET_ACCESS_KEY": "x"}
    command = [str(TARGET / "debug" / "warden"), "smoke", "--consumer-profile", "x", "--service", "vpce-svc-0123456789abcdef0", "--vpc", VPC, "--subnets", SUBNET]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "take the place of both profiles" in done.stderr
