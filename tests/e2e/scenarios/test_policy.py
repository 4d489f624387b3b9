"""The policy on the deployed stack: a set in S3, the organization, each kind of policy, and a change from its plan to the next sweep."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness.accounts import ALLOWED, PROVIDER, UNLISTED, root_arn
from harness.actions import Service, await_state, create_endpoint, create_service, creation_event, event_body, items, send, state, sweep, tag, warden
from harness.fault_injection import make_older
from harness.inbox import Inbox
from harness.policy_store import BUCKET, UNIT, URI, enrol, guide
from harness.processes import until
from harness.stack import NAME, Stack
from iam.deployed_policies import denied_calls
from tasks.prerequisites import CVC5, in_ci

OTHER_UNIT = "ou-ab12-99998888"
SUSPENDED = "999900001111"
PATIENCE_MINUTES = 15  # the template's: until then, a proof may arrive
RELOADED_SECONDS = 200.0  # approve reads the set once a minute, and the schedule runs every minute


@pytest.fixture(scope="module")
def guide_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return guide(tmp_path_factory.mktemp("policy") / "set")


@pytest.fixture(scope="module")
def stack(guide_folder: Path) -> Iterator[Stack]:
    """A stack of its own with the policy guide's set in S3 and access to the organization."""
    with Stack("policy") as running:
        running.client("s3").create_bucket(Bucket=BUCKET)
        assert "Published" in warden(running, "--policies", str(guide_folder), "policy", "publish", URI, "--yes", ledger="")
        running.deploy(PolicyUri=URI, OrganizationAccess="direct")
        yield running
        assert denied_calls(running) == set(), "the tests on this stack made calls that a role denies"


@dataclass
class Guided:
    """The stack, and the set that it uses."""

    stack: Stack
    folder: Path
    warden: Callable[..., str]

    def service(self, name: str) -> Service:
        """A service whose name tag selects one of the guide's policies."""
        return create_service(self.stack, [ALLOWED, UNLISTED], name=name)


@pytest.fixture(scope="module")
def guided(stack: Stack, guide_folder: Path) -> Guided:
    return Guided(stack, guide_folder, functools.partial(warden, stack))


@contextmanager
def no_forwarded_events(stack: Stack) -> Iterator[None]:
    """Requests meanwhile come from consumers that forward no events: no event proves a role."""
    stack.local("forward-events", post=True, to="")
    try:
        yield
    finally:
        stack.local("forward-events", post=True, to=f"{PROVIDER}={NAME}")


def test_each_policy_accepts_only_its_requests(guided: Guided, inbox: Inbox) -> None:
    stack = guided.stack
    enrol(stack, ALLOWED, UNIT)
    enrol(stack, UNLISTED, OTHER_UNIT)
    accepted: list[tuple[Service, str]] = []
    referred: list[tuple[Service, str]] = []
    for kind in ("account", "group", "unit", "region", "time"):
        service = guided.service(f"{kind}-example")
        accepted.append((service, create_endpoint(stack, ALLOWED, service)))
        referred.append((service, create_endpoint(stack, UNLISTED, service)))
    tagged, untagged = guided.service("any"), guided.service("any")
    tag(stack, tagged, "stage", "tag-example")
    accepted.append((tagged, create_endpoint(stack, ALLOWED, tagged)))
    capped = guided.service("cap-example")
    for service, endpoint in accepted:
        await_state(stack, service, endpoint, "available", 30)
    for _ in range(3):
        await_state(stack, capped, create_endpoint(stack, ALLOWED, capped), "available", 30)
    for service in (untagged, guided.service("endpoint-example"), capped):
        referred.append((service, create_endpoint(stack, ALLOWED, service)))
    by_role = guided.service("role-example")
    with no_forwarded_events(stack):
        unproved, proved = create_endpoint(stack, ALLOWED, by_role), create_endpoint(stack, ALLOWED, by_role)
    referred.append((by_role, unproved))
    issuer = {"type": "Role", "arn": f"arn:aws:iam::{ALLOWED}:role/network/deployer", "accountId": ALLOWED}
    detail = creation_event(by_role, proved, ALLOWED)
    detail["userIdentity"] = {"type": "AssumedRole", "accountId": ALLOWED, "sessionContext": {"sessionIssuer": issuer}}
    send(stack, event_body(detail))
    await_state(stack, by_role, proved, "available", 30)
    (proof,) = (item for item in items(stack, f"service/{by_role.id}") if item["sk"]["S"] == f"proof/{proved}")
    assert int(proof["expires"]["N"]) > time.time(), "DynamoDB deletes old proofs, as it deletes records"
    rejecting = guided.service("rejection-example")
    await_state(stack, rejecting, create_endpoint(stack, UNLISTED, rejecting), "rejected", 30)

    make_older(stack, unproved, PATIENCE_MINUTES)
    sweep(stack)
    assert "depends on the role" in inbox.await_message(unproved, "referred").body["why"]
    for service, endpoint in referred:
        inbox.await_message(endpoint, "referred")
        assert state(stack, service, endpoint) == "pendingAcceptance", service


def test_suspended_account_waits_despite_a_grant(guided: Guided, inbox: Inbox) -> None:
    service = guided.service("unit-example")
    enrol(guided.stack, SUSPENDED, UNIT, "SUSPENDED")
    guided.stack.client("ec2").modify_vpc_endpoint_service_permissions(ServiceId=service.id, AddAllowedPrincipals=[root_arn(SUSPENDED)])
    endpoint = create_endpoint(guided.stack, SUSPENDED, service)
    assert "`SUSPENDED`" in inbox.await_message(endpoint, "referred").body["why"]
    arguments = ("--policies", URI, "--organization", "direct", "approve", endpoint, "--reason", "x", "--yes")
    assert "is SUSPENDED in its organization" in guided.warden(*arguments, status=2)
    assert state(guided.stack, service, endpoint) == "pendingAcceptance"


@dataclass
class Change:
    """A set that accepts a pending request of a service."""

    folder: Path
    service: Service
    pending: str


@pytest.fixture(scope="module")
def change(guided: Guided, inbox: Inbox, tmp_path_factory: pytest.TempPathFactory) -> Change:
    service = guided.service("endpoint-example")
    pending = create_endpoint(guided.stack, ALLOWED, service)
    inbox.await_message(pending, "referred")
    folder = guide(tmp_path_factory.mktemp("change") / "set", vpce_0123456789abcdef0=pending)
    (folder / "cases.json").write_text("[]")
    return Change(folder, service, pending)


@pytest.mark.skipif(not CVC5.found() and not in_ci(), reason=f"needs {CVC5}")
def test_compare_names_the_newly_accepted_endpoint(guided: Guided, change: Change) -> None:
    compared = guided.warden("policy", "compare", str(guided.folder), str(change.folder), status=1)
    assert f"endpoint {change.pending}" in compared and "by `vendor-endpoint`" in compared, compared


def test_change_is_planned_published_and_swept(guided: Guided, change: Change) -> None:
    """README, Change the policy."""
    stack, new = guided.stack, str(change.folder)
    assert "policies are valid" in guided.warden("--policies", new, "policy", "check")
    planned = json.loads(guided.warden("--policies", URI, "--organization", "direct", "--scope", change.service.id, "--output", "json", "plan", "--policy", new, status=1))
    assert [(row["endpoint"], row["now"], row["then"]) for row in planned] == [(change.pending, "refer", "accept")]
    assert "Published" in guided.warden("--policies", new, "policy", "publish", URI, "--yes")
    until("the sweep to accept it", RELOADED_SECONDS, lambda: state(stack, change.service, change.pending) == "available", every=1)
    assert guided.warden("--policies", URI, "--scope", change.service.id, "plan").strip().endswith("No request is pending.")
    sweep(stack)
    assert "accepted" in guided.warden("history", change.pending)
    guided.warden("--policies", str(guided.folder), "policy", "publish", URI, "--yes")


def test_doctor_names_each_problem_and_fix(guided: Guided) -> None:
    stack = guided.stack
    enrol(stack, PROVIDER, UNIT)
    service = create_service(stack, [ALLOWED], notify=False, name="open")
    stack.client("ec2").modify_vpc_endpoint_service_configuration(ServiceId=service.id, AcceptanceRequired=False)
    arguments = ("--policies", URI, "--organization", "direct", "--output", "json", "doctor", "--topic", stack.outputs["ConnectionsTopicArn"])
    first = {row["check"]: row for row in json.loads(guided.warden(*arguments, "--stack", "warden", status=1))}
    assert (first["open: acceptance"]["status"], service.id in first["open: acceptance"]["fix"]) == ("problem", True)
    assert "create-vpc-endpoint-connection-notification" in first["open: notification"]["fix"]
    assert first["trail"]["status"] == "problem" and "create-trail" in first["trail"]["fix"]
    for name in ("caller", "clock", "topic policy", "sweep schedule", "audit schedule", "policy set", "organization"):
        assert first[name]["status"] == "ok", first[name]
    stack.client("cloudtrail").create_trail(Name="management", S3BucketName=BUCKET)
    stack.client("cloudtrail").start_logging(Name="management")
    stack.client("ec2").modify_vpc_endpoint_service_configuration(ServiceId=service.id, AcceptanceRequired=True)
    fixed = {row["check"]: row["status"] for row in json.loads(guided.warden("--scope", service.id, *arguments, "--stack", "none", status=1))}
    assert (fixed["open: acceptance"], fixed["trail"], fixed["sweep schedule"]) == ("ok", "ok", "problem")


def test_principals_applies_only_the_difference(guided: Guided) -> None:
    service = create_service(guided.stack, [UNLISTED], name="group-example")
    arguments = ("--policies", URI, "--scope", service.id, "--output", "json", "principals")

    def allowed() -> set[str]:
        found = guided.stack.client("ec2").describe_vpc_endpoint_service_permissions(ServiceId=service.id)["AllowedPrincipals"]
        return {principal["Principal"] for principal in found}

    wanted = {("add", root_arn(ALLOWED)), ("remove", root_arn(UNLISTED))}
    assert {(row["action"], row["principal"]) for row in json.loads(guided.warden(*arguments, status=1))} == wanted
    assert allowed() == {root_arn(UNLISTED)}, "without --apply nothing changes"
    assert "give --yes to confirm" in guided.warden(*arguments, "--apply", status=2)
    guided.warden(*arguments, "--apply", "--yes")
    assert allowed() == {root_arn(ALLOWED)}
    assert json.loads(guided.warden(*arguments)) == []
