"""The five outcomes of a connection request."""

from __future__ import annotations

from harness.accounts import ALLOWED, REGION, STRANGER, UNLISTED
from harness.actions import await_record, await_state, create_endpoint, create_service, creation_error, creation_event, origin, put_event, records, state
from harness.fault_injection import lose_notifications
from harness.inbox import Inbox
from harness.stack import Stack

ANSWERED_SECONDS = 3.0
SCHEDULE_SECONDS = 100.0  # the schedule runs every minute, and the emulator reads its schedules every ten seconds


def test_allowed_request_is_accepted(stack: Stack, inbox: Inbox) -> None:
    service = create_service(stack, [ALLOWED])
    endpoint = create_endpoint(stack, ALLOWED, service)
    await_state(stack, service, endpoint, "available")
    await_record(stack, service, endpoint, "accepted")
    assert inbox.await_message(endpoint, "accepted").body["policies"] == ["redis-consumers"]


def test_allowed_request_is_available_at_once(stack: Stack) -> None:
    """Once approve has started."""
    for seconds in (20.0, ANSWERED_SECONDS):
        service = create_service(stack, [ALLOWED])
        await_state(stack, service, create_endpoint(stack, ALLOWED, service), "available", seconds)


def test_unlisted_account_stays_pending(stack: Stack, inbox: Inbox) -> None:
    service = create_service(stack, [UNLISTED])
    endpoint = create_endpoint(stack, UNLISTED, service)
    text = inbox.await_message(endpoint, "referred").body["text"]
    assert state(stack, service, endpoint) == "pendingAcceptance"
    orders = [f"warden {order} {endpoint} --region {REGION} --reason 'REASON'" for order in ("approve", "reject")]
    for needed in (UNLISTED, service.id, *orders, "policies/"):
        assert needed in text, f"the owner's message lacks `{needed}`"


def test_stranger_cannot_find_the_service(stack: Stack) -> None:
    assert creation_error(stack, STRANGER, create_service(stack, [ALLOWED, UNLISTED])) == "InvalidServiceName"


def test_scheduled_sweep_answers_a_lost_request(stack: Stack) -> None:
    service = create_service(stack, [ALLOWED])
    lose_notifications(stack)
    endpoint = create_endpoint(stack, ALLOWED, service)
    await_state(stack, service, endpoint, "available", SCHEDULE_SECONDS)
    assert origin(await_record(stack, service, endpoint, "accepted")) == "sweep"


def test_forged_event_is_disputed(stack: Stack, inbox: Inbox) -> None:
    service = create_service(stack, [ALLOWED, UNLISTED])
    endpoint = create_endpoint(stack, UNLISTED, service)
    inbox.await_message(endpoint, "referred")
    put_event(stack, creation_event(service, endpoint, owner=ALLOWED))
    message = inbox.await_message(endpoint, "disputed")
    assert state(stack, service, endpoint) == "pendingAcceptance"
    assert message.attributes["severity"] == "critical"
    assert set(records(stack, service, endpoint)) == {"referred", "disputed"}
