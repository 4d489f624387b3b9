"""The decision is the same for each trigger, and for any number of deliveries."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.accounts import ALLOWED, PROVIDER, UNLISTED
from harness.actions import await_record, await_state, create_endpoint, create_service, creation_event, described, origin, put_event, records
from harness.fault_injection import lose_notifications
from harness.inbox import Inbox
from harness.processes import until
from harness.stack import NAME, Stack

SECONDS = 20.0  # less than the schedule's minute, so that the trigger under test is most likely the one that led to the decision


@pytest.fixture
def without_events(stack: Stack) -> Iterator[None]:
    """CloudTrail's events go to a bus that does not exist."""
    stack.local("forward-events", post=True, to=f"{PROVIDER}=none")
    yield
    stack.local("forward-events", post=True, to=f"{PROVIDER}={NAME}")


@pytest.fixture(params=["json", "text", "bare"])
def body(stack: Stack, request: pytest.FixtureRequest) -> Iterator[None]:
    """The notification's body, which AWS does not document: ids in JSON, ids in a sentence, no ids."""
    stack.local("notification-body", post=True, form=request.param)
    yield
    stack.local("notification-body", post=True, form="json")


@pytest.mark.usefixtures("without_events", "body")
def test_notification_with_any_body_suffices(stack: Stack) -> None:
    service = create_service(stack, [ALLOWED])
    endpoint = create_endpoint(stack, ALLOWED, service)
    record = await_record(stack, service, endpoint, "accepted", SECONDS)
    assert origin(record) in ("notification", "sweep")
    await_state(stack, service, endpoint, "available", SECONDS)


def test_event_on_the_default_bus_suffices(stack: Stack) -> None:
    service = create_service(stack, [ALLOWED], notify=False)
    lose_notifications(stack)
    endpoint = create_endpoint(stack, ALLOWED, service)
    put_event(stack, creation_event(service, endpoint, owner=ALLOWED), bus="default")
    assert origin(await_record(stack, service, endpoint, "accepted", SECONDS)) in ("cloud-trail", "sweep")


def test_redelivery_changes_and_tells_nothing(stack: Stack, inbox: Inbox) -> None:
    service = create_service(stack, [ALLOWED, UNLISTED])
    accepted, referred = create_endpoint(stack, ALLOWED, service), create_endpoint(stack, UNLISTED, service)
    inbox.await_message(accepted, "accepted")
    inbox.await_message(referred, "referred")
    await_state(stack, service, accepted, "available", SECONDS)
    before = described(stack)
    for _ in range(3):
        put_event(stack, creation_event(service, accepted, owner=ALLOWED))
        put_event(stack, creation_event(service, referred, owner=UNLISTED))
    until("approve to handle the redelivered events", SECONDS, lambda: described(stack) >= before + 6)
    # A later request's message comes after any message of the redeliveries.
    marker = create_endpoint(stack, ALLOWED, service)
    inbox.await_message(marker, "accepted")
    assert set(records(stack, service, accepted)) == {"accepted"}
    assert set(records(stack, service, referred)) == {"referred"}
    assert (inbox.count(accepted), inbox.count(referred)) == (1, 1)
