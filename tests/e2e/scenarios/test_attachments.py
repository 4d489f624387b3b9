"""Transit gateway attachments against the deployed stack. Unmodified boto3 plays the provider and the consumers."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator

import pytest
from harness.accounts import ALLOWED, PROVIDER, REGION, UNLISTED, root_arn
from harness.actions import ATTACHMENT_PERMISSION, attach, attachment_state, audit, await_record, await_state, create_firewall, findings, origin, report, state, sweep
from harness.actions import warden as run
from harness.inbox import Inbox
from harness.processes import until
from harness.stack import NAME, Stack
from tasks.paths import POLICIES

CLOSED = "000011112222"  # in the group `closed` of policies/groups.json, which a policy rejects
DIFFERENCES = 1
FORMS = ["attachment", "endpoint", "zones"]
Warden = Callable[..., str]


@pytest.fixture
def warden(stack: Stack) -> Warden:
    """The command line with the packaged policies."""
    return functools.partial(run, stack, "--policies", str(POLICIES))


@pytest.fixture
def without_events(stack: Stack) -> Iterator[None]:
    """CloudTrail's events go to a bus that does not exist."""
    stack.local("forward-events", post=True, to=f"{PROVIDER}=none")
    yield
    stack.local("forward-events", post=True, to=f"{PROVIDER}={NAME}")


@pytest.fixture(params=FORMS)
def form(stack: Stack, request: pytest.FixtureRequest) -> Iterator[str]:
    """The connections of new attachments, which AWS does not document: without an endpoint, with one, or with one for each zone."""
    stack.local("attachments", post=True, connections=request.param)
    yield str(request.param)
    stack.local("attachments", post=True, connections="attachment")


@pytest.mark.usefixtures("form")
def test_allowed_attachment_becomes_available(stack: Stack, inbox: Inbox) -> None:
    service = create_firewall(stack, [ALLOWED])
    attachment = attach(stack, ALLOWED, service)
    record = await_record(stack, service, attachment, "accepted")
    assert origin(record) in ("cloud-trail", "sweep")
    until(f"{attachment} to become available", 20, lambda: attachment_state(stack, ALLOWED, attachment) == "available")
    message = inbox.await_message(attachment, "accepted").body
    assert (message["kind"], message["policies"]) == (ATTACHMENT_PERMISSION, ["redis-consumers"])


@pytest.mark.usefixtures("without_events", "form")
def test_sweep_accepts_an_attachment(stack: Stack) -> None:
    service = create_firewall(stack, [ALLOWED])
    attachment = attach(stack, ALLOWED, service)
    sweep(stack)
    assert origin(await_record(stack, service, attachment, "accepted")) == "sweep"
    await_state(stack, service, attachment, "available")


def test_closed_accounts_attachment_is_rejected(stack: Stack, inbox: Inbox) -> None:
    service = create_firewall(stack, [CLOSED])
    attachment = attach(stack, CLOSED, service)
    await_state(stack, service, attachment, "rejected")
    assert attachment_state(stack, CLOSED, attachment) == "rejected"
    assert "create a new attachment" in inbox.await_message(attachment, "rejected").body["text"]


def test_person_decides_about_an_attachment(stack: Stack, inbox: Inbox, warden: Warden) -> None:
    """refer → plan → explain → approve → history → revoke."""
    service = create_firewall(stack, [UNLISTED])
    attachment = attach(stack, UNLISTED, service)
    text = inbox.await_message(attachment, "referred").body["text"]
    assert state(stack, service, attachment) == "pendingAcceptance"
    for needed in ("attach a transit gateway", f"Attachment: {attachment}", f"warden approve {attachment} --region {REGION}"):
        assert needed in text
    (row,) = json.loads(warden("plan", "--scope", service.id, "--output", "json"))
    assert (row["endpoint"], row["would"]) == (attachment, "refer")
    explained = json.loads(warden("explain", attachment, "--output", "json"))
    assert (explained["facts"]["connection"]["subject"], explained["facts"]["connection"]["owner"]) == (attachment, UNLISTED)
    assert f"{attachment} is accepted." in warden("approve", attachment, "--reason", "inspection", "--yes")
    await_state(stack, service, attachment, "available")
    (grant,) = json.loads(warden("grants", "--service", service.id, "--output", "json"))
    assert (grant["grant"], grant["endpoints"]) == (f"{service.id}/{attachment}", "1")
    assert "inspection" in warden("history", attachment)
    assert "use `warden revoke`" in warden("reject", attachment, "--reason", "over", "--yes", status=2)
    assert f"{attachment} is disconnected." in warden("revoke", attachment, "--reason", "over", "--yes")
    until(f"{attachment} to be rejected", 20, lambda: attachment_state(stack, UNLISTED, attachment) == "rejected")


def test_person_rejects_an_attachment(stack: Stack, inbox: Inbox, warden: Warden) -> None:
    service = create_firewall(stack, [UNLISTED])
    attachment = attach(stack, UNLISTED, service)
    inbox.await_message(attachment, "referred")
    assert f"{attachment} is rejected." in warden("reject", attachment, "--reason", "not this year", "--yes")
    assert "must create a new attachment" in warden("explain", attachment)


def test_audit_judges_attachments(stack: Stack, inbox: Inbox) -> None:
    service = create_firewall(stack, [ALLOWED, UNLISTED])
    accepted, by_hand = attach(stack, ALLOWED, service), attach(stack, UNLISTED, service)
    await_state(stack, service, accepted, "available")
    inbox.await_message(by_hand, "referred")
    stack.client("ec2").accept_vpc_endpoint_connections(ServiceId=service.id, VpcEndpointIds=[], TransitGatewayAttachmentIds=[by_hand])
    await_state(stack, service, by_hand, "available")
    summary = audit(stack)
    assert not [what for what in summary["unseen"] if service.id in what]
    found = findings(stack, summary, service)
    assert f"unjustified {by_hand}" in found and not any(accepted in each for each in found)
    rows = {row["attachment"]: row for row in json.loads(report(stack, summary, "report.json"))["connections"] if row["attachment"]}
    assert rows[accepted]["justification"]["policies"] == ["redis-consumers"] and rows[accepted]["endpoint"] is None


def test_principals_of_each_kind_are_edited_apart(stack: Stack, warden: Warden) -> None:
    ec2 = stack.client("ec2")
    service = create_firewall(stack, [UNLISTED])
    ec2.modify_vpc_endpoint_service_permissions(ServiceId=service.id, AddAllowedPrincipals=[root_arn(ALLOWED)])
    output = warden("principals", "--scope", service.id, status=DIFFERENCES)
    assert root_arn(UNLISTED) in output and "attachments" in output
    warden("principals", "--scope", service.id, "--apply", "--yes")
    principals = ec2.describe_vpc_endpoint_service_permissions(ServiceId=service.id)["AllowedPrincipals"]
    permitted = {(each["PermissionType"], each["Principal"]) for each in principals}
    assert permitted == {("vpc-endpoint", root_arn(ALLOWED)), (ATTACHMENT_PERMISSION, root_arn(ALLOWED))}
