"""By whichever way a request is heard of, and however often, the answer is the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from accounts import A, B, PROVIDER
from inbox import Inbox
from processes import until
from scenario import ask, await_record, await_state, creation_event, offer, origin, put_event, records
from stack import NAME, Stack

# Below the sweep's minute, so that the path under test is the one that answered; the record says so as well.
SECONDS = 20.0


@pytest.fixture
def without_events(stack: Stack) -> Iterator[None]:
    """CloudTrail's events go to nobody."""
    stack.local("forward-events", post=True, to=f"{PROVIDER}=nobody")
    yield
    stack.local("forward-events", post=True, to=f"{PROVIDER}={NAME}")


@pytest.fixture(params=["json", "text", "bare"])
def body(stack: Stack, request: pytest.FixtureRequest) -> Iterator[str]:
    """The notification's body, which nobody documents: ids in JSON, ids in a sentence, no ids at all."""
    stack.local("notification-body", post=True, form=request.param)
    yield request.param
    stack.local("notification-body", post=True, form="json")


@pytest.mark.usefixtures("without_events", "body")
def test_the_notification_alone_is_enough_whatever_its_body(stack: Stack) -> None:
    service = offer(stack, [A])
    endpoint = ask(stack, A, service)
    record = await_record(stack, service, endpoint, "accepted", SECONDS)
    assert origin(record) in ("notification", "sweep")
    await_state(stack, service, endpoint, "available", SECONDS)


def test_the_cloudtrail_event_alone_is_enough(stack: Stack) -> None:
    service = offer(stack, [A], notify=False)
    endpoint = ask(stack, A, service)
    record = await_record(stack, service, endpoint, "accepted", SECONDS)
    assert origin(record) in ("cloud-trail", "sweep")
    await_state(stack, service, endpoint, "available", SECONDS)


def test_an_event_on_the_default_bus_is_heard_too(stack: Stack) -> None:
    service = offer(stack, [A], notify=False)
    stack.local("drop-notifications", post=True, next="1")
    endpoint = ask(stack, A, service)
    put_event(stack, creation_event(service, endpoint, owner=A), bus="default")
    assert origin(await_record(stack, service, endpoint, "accepted", SECONDS)) in ("cloud-trail", "sweep")


def test_a_failed_call_is_no_request(stack: Stack) -> None:
    """Both the rule and the code turn it away; only the rule can be seen from outside: approve is not even called."""
    service = offer(stack, [A], notify=False)
    detail = creation_event(service, "vpce-0123456789abcdef1", owner=A) | {"errorCode": "Client.DryRunOperation", "responseElements": None}
    before = described(stack)
    put_event(stack, detail)
    marker = ask(stack, A, service)
    await_record(stack, service, marker, "accepted", SECONDS)
    assert described(stack) > before, "the marker's event was heard"
    assert not records(stack, service, "vpce-0123456789abcdef1")


def test_redelivery_is_silent(stack: Stack, inbox: Inbox) -> None:
    service = offer(stack, [A, B])
    accepted, referred = ask(stack, A, service), ask(stack, B, service)
    inbox.await_mail(accepted, "accepted")
    inbox.await_mail(referred, "referred")
    await_state(stack, service, accepted, "available", SECONDS)
    before = described(stack)
    for _ in range(3):
        put_event(stack, creation_event(service, accepted, owner=A))
        put_event(stack, creation_event(service, referred, owner=B))
    until("the redelivered events to be looked at", SECONDS, lambda: described(stack) >= before + 6)
    # A later request's mail comes after any that the redeliveries would have caused.
    marker = ask(stack, A, service)
    inbox.await_mail(marker, "accepted")
    assert set(records(stack, service, accepted)) == {"accepted"}
    assert set(records(stack, service, referred)) == {"referred"}
    assert (inbox.count(accepted), inbox.count(referred)) == (1, 1)


def described(stack: Stack) -> int:
    """How often the functions asked for connections."""
    return sum(call["action"] == "DescribeVpcEndpointConnections" and "aws-sdk-rust" in call["user_agent"] for call in stack.local("calls"))
