"""The policy in depth on the deployed stack: a set in S3, the organization asked, every kind of rule with a request that gets in
and one that just does not, and a change followed from the plan to the sweep that lets in what waited."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from accounts import A, B, PROVIDER, REGION
from inbox import Inbox
from places import TARGET
from processes import until
from ruleset import BUCKET, PREFIX, UNIT, URI, enrol, guide
from scenario import Service, ask, await_state, creation_event, invoke, offer, state, sweep, sweep_event
from stack import Stack, quiet_environment

OTHER_UNIT = "ou-ab12-99998888"
RENEWED_SECONDS = 200.0  # a look a minute, a sweep a minute, and an emulator that looks at its schedules every ten seconds

Warden = Callable[..., str]


@pytest.fixture(scope="module")
def warden(stack: Stack) -> Warden:
    """The command line as the provider; its output once its status is as expected."""

    def run(*arguments: str, status: int = 0) -> str:
        environment = quiet_environment() | {"AWS_ACCESS_KEY_ID": PROVIDER, "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": REGION}
        command = [str(TARGET / "debug" / "warden"), "--endpoint-url", stack.url, "--ledger", stack.outputs["LedgerName"], *arguments]
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    return run


@dataclass
class Guided:
    """The stack under the guide's set."""

    stack: Stack
    folder: Path


@pytest.fixture(scope="module")
def guided(stack: Stack, warden: Warden, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guided]:
    """The stack with its policy set in S3 and the organization asked; as it was afterwards."""
    folder = guide(tmp_path_factory.mktemp("policy") / "set")
    stack.client("s3").create_bucket(Bucket=BUCKET)
    assert "Published" in warden("--policies", str(folder), "policy", "publish", URI)
    stack.deploy(PolicyUri=URI, OrganizationAccess="direct")
    yield Guided(stack, folder)
    stack.deploy()


def tagged(guided: Guided, name: str) -> Service:
    return offer(guided.stack, [A, B], name=name)


def forwarded(account: str, detail: dict[str, Any]) -> dict[str, Any]:
    """A record of CloudTrail's as it reaches approve from a consumer's account. The emulator forwards nothing between accounts."""
    return {
        "version": "0",
        "id": "forwarded",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.ec2",
        "account": account,
        "time": detail["eventTime"],
        "region": REGION,
        "resources": [],
        "detail": detail,
    }


def test_each_kind_of_rule_lets_in_one_and_just_not_the_other(guided: Guided, inbox: Inbox) -> None:
    stack = guided.stack
    enrol(stack, A, UNIT)
    enrol(stack, B, OTHER_UNIT)
    let_in: list[tuple[str, Service, str]] = []
    kept_out: list[tuple[str, Service, str]] = []
    for kind in ("account", "group", "unit", "region", "time"):
        service = tagged(guided, f"{kind}-example")
        let_in.append((kind, service, ask(stack, A, service)))
        kept_out.append((kind, service, ask(stack, B, service)))
    by_tag = tagged(guided, "whatever")
    stack.client("ec2").create_tags(Resources=[by_tag.id], Tags=[{"Key": "stage", "Value": "tag-example"}])
    let_in.append(("tag", by_tag, ask(stack, A, by_tag)))
    kept_out.append(("tag", tagged(guided, "whatever"), ""))
    kept_out[-1] = ("tag", kept_out[-1][1], ask(stack, A, kept_out[-1][1]))
    endpoint = tagged(guided, "endpoint-example")
    kept_out.append(("endpoint", endpoint, ask(stack, A, endpoint)))
    capped = tagged(guided, "cap-example")
    for kind, service, asked in let_in:
        await_state(stack, service, asked, "available", 30)
    for _ in range(3):
        await_state(stack, capped, ask(stack, A, capped), "available", 30)
    kept_out.append(("cap", capped, ask(stack, A, capped)))
    by_role = tagged(guided, "role-example")
    unproved, proved = ask(stack, A, by_role), ask(stack, A, by_role)
    kept_out.append(("role", by_role, unproved))
    issuer = {"type": "Role", "arn": f"arn:aws:iam::{A}:role/network/deployer", "accountId": A}
    event = creation_event(by_role, proved, A)
    event["userIdentity"] = {"type": "AssumedRole", "accountId": A, "sessionContext": {"sessionIssuer": issuer}}
    invoke(stack, stack.outputs["ApproveFunction"], forwarded(A, event))
    await_state(stack, by_role, proved, "available", 30)
    rejecting = tagged(guided, "rejection-example")
    await_state(stack, rejecting, ask(stack, B, rejecting), "rejected", 30)

    assert "waits for proof of who asked" in inbox.await_mail(unproved, "referred").body["why"]
    for kind, service, asked in kept_out:
        inbox.await_mail(asked, "referred")
        assert state(stack, service, asked) == "pendingAcceptance", kind


def test_a_suspended_account_waits_whatever_is_granted(guided: Guided, inbox: Inbox, warden: Warden) -> None:
    service = tagged(guided, "unit-example")
    enrol(guided.stack, "999900001111", UNIT, "SUSPENDED")
    guided.stack.client("ec2").modify_vpc_endpoint_service_permissions(ServiceId=service.id, AddAllowedPrincipals=["arn:aws:iam::999900001111:root"])
    asked = ask(guided.stack, "999900001111", service)
    assert "`SUSPENDED`" in inbox.await_mail(asked, "referred").body["why"]
    arguments = ("--policies", URI, "--organization", "direct", "approve", asked, "--reason", "x", "--yes")
    assert "is SUSPENDED in its organization" in warden(*arguments, status=2)
    assert state(guided.stack, service, asked) == "pendingAcceptance"


def test_a_change_is_followed_from_the_plan_to_the_sweep_that_lets_in_what_waited(guided: Guided, warden: Warden, inbox: Inbox, tmp_path: Path) -> None:
    """README: change the policy with your eyes open."""
    stack = guided.stack
    service = tagged(guided, "endpoint-example")
    waiting = ask(stack, A, service)
    inbox.await_mail(waiting, "referred")
    new = guide(tmp_path / "new", vpce_0123456789abcdef0=waiting)
    (new / "cases.json").write_text("[]")
    assert "sound" in warden("--policies", str(new), "policy", "check")
    compared = warden("policy", "compare", str(guided.folder), str(new), status=1)
    assert f"endpoint {waiting}" in compared and "by `vendor-endpoint`" in compared, compared
    planned = json.loads(warden("--policies", URI, "--organization", "direct", "--scope", service.id, "--output", "json", "plan", "--policy", str(new), status=1))
    assert [(row["endpoint"], row["now"], row["then"]) for row in planned] == [(waiting, "refer", "accept")]
    assert "Published" in warden("--policies", str(new), "policy", "publish", URI)
    until("the sweep to let it in", RENEWED_SECONDS, lambda: state(stack, service, waiting) == "available" or None)
    assert warden("--policies", URI, "--scope", service.id, "plan").strip().endswith("No request is pending.")
    sweep(stack)
    assert "accepted" in warden("history", waiting)


def test_a_broken_set_is_refused_aloud_and_the_old_one_goes_on(guided: Guided, warden: Warden) -> None:
    stack = guided.stack
    manifest = json.dumps({"schema": 1, "sha256": {"missing.cedar": "0" * 64}})
    stack.client("s3").put_object(Bucket=BUCKET, Key=f"{PREFIX}manifest.json", Body=manifest.encode())

    def said() -> str | None:
        answer = stack.client("lambda").invoke(FunctionName=stack.outputs["ApproveFunction"], Payload=json.dumps(sweep_event(stack)), LogType="Tail")
        log = base64.b64decode(answer["LogResult"]).decode()
        return log if "PolicyNotRead" in log else None

    try:
        log = until("approve to say that the set could not be read", RENEWED_SECONDS, said)
        assert '"PolicyNotRenewed":[1.0]' in log.replace(" ", ""), log
        service = tagged(guided, "account-example")
        await_state(stack, service, ask(stack, A, service), "available", 30)
    finally:
        warden("--policies", str(guided.folder), "policy", "publish", URI)


def test_the_doctor_names_what_is_not_in_place_and_how_to_mend_it(guided: Guided, warden: Warden) -> None:
    stack = guided.stack
    enrol(stack, PROVIDER, UNIT)
    open_door = offer(stack, [A], notify=False, name="open")
    stack.client("ec2").modify_vpc_endpoint_service_configuration(ServiceId=open_door.id, AcceptanceRequired=False)
    arguments = ("--policies", URI, "--organization", "direct", "--output", "json", "doctor", "--topic", stack.outputs["ConnectionsTopicArn"])
    first = {row["check"]: row for row in json.loads(warden(*arguments, "--stack", "warden", status=1))}
    assert (first["open: acceptance"]["is"], open_door.id in first["open: acceptance"]["do"]) == ("mend", True)
    assert "create-vpc-endpoint-connection-notification" in first["open: notification"]["do"]
    assert first["a trail"]["is"] == "mend" and "create-trail" in first["a trail"]["do"]
    for healthy in ("who you are", "the clock", "the notifications' topic's policy", "the sweep", "the audit", "the policy set", "the organization"):
        name = healthy.replace("the notifications' topic's policy", "the topic's policy")
        assert first[name]["is"] == "fine", first[name]
    stack.client("cloudtrail").create_trail(Name="management", S3BucketName=BUCKET)
    stack.client("cloudtrail").start_logging(Name="management")
    stack.client("ec2").modify_vpc_endpoint_service_configuration(ServiceId=open_door.id, AcceptanceRequired=True)
    scoped = ("--scope", open_door.id, *arguments)
    mended = {row["check"]: row["is"] for row in json.loads(warden(*scoped, "--stack", "nobody", status=1))}
    assert (mended["open: acceptance"], mended["a trail"], mended["the sweep"]) == ("fine", "fine", "mend")


def test_principals_are_made_to_fit_the_policy_and_only_the_difference_changes(guided: Guided, warden: Warden) -> None:
    stack = guided.stack
    service = offer(stack, [B], name="group-example")
    arguments = ("--policies", URI, "--scope", service.id, "--output", "json", "principals")

    def allowed() -> set[str]:
        found = stack.client("ec2").describe_vpc_endpoint_service_permissions(ServiceId=service.id)["AllowedPrincipals"]
        return {principal["Principal"] for principal in found}

    wanted = {("add", f"arn:aws:iam::{A}:root"), ("remove", f"arn:aws:iam::{B}:root")}
    assert {(row["do"], row["principal"]) for row in json.loads(warden(*arguments, status=1))} == wanted
    assert allowed() == {f"arn:aws:iam::{B}:root"}, "nothing is changed unasked"
    assert "say --yes" in warden(*arguments, "--apply", status=2)
    warden(*arguments, "--apply", "--yes")
    assert allowed() == {f"arn:aws:iam::{A}:root"}
    assert json.loads(warden(*arguments)) == []
