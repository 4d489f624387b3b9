"""Faults of AWS: killed functions, throttling, lost notifications, a ledger that refuses.

Each fault alone, on the real binaries; the laws in tests/properties combine them in memory. There are no sweeps but those of the tests, and
the queue delivers a message again after seconds instead of minutes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from harness.accounts import ALLOWED, UNLISTED
from harness.actions import Service, audit, await_empty_queue, await_record, await_state, connections, create_endpoint, create_service, findings
from harness.actions import hint, items, origin, records, send, service_state, state, sweep
from harness.fault_injection import ACCEPT, OVERLOADED, PUBLISH, REJECT, SECONDS, THROTTLED, WRITE, abandon_intent, await_held, fail, failed_calls, hold
from harness.fault_injection import lose_notifications, make_older, redelivered_after, release, stop_faults, throttle, unscheduled
from harness.inbox import Inbox
from harness.processes import until
from harness.stack import Stack

THROTTLE_SECONDS = 60.0  # at most: it ends once enough calls were throttled
REDELIVERY_SECONDS = 3
TRIES = 4  # of the SDK for each call but an act: shared/src/aws/shared_config.rs
MESSAGE_SECONDS = 30.0

CLOSED = "000011112222"  # policies/redis.cedar rejects it
VERDICTS = {ALLOWED: "accepted", UNLISTED: "referred", CLOSED: "rejected"}
POLICIES = {ALLOWED: "redis-consumers", CLOSED: "closed-accounts"}
ENDS = {ALLOWED: "available", CLOSED: "rejected"}
ACTS = {ALLOWED: ACCEPT, CLOSED: REJECT}


@pytest.fixture(scope="module", autouse=True)
def _no_schedule(stack: Stack) -> Iterator[None]:
    with unscheduled(stack), redelivered_after(stack, REDELIVERY_SECONDS):
        yield


@pytest.fixture(autouse=True)
def _no_faults_left(stack: Stack) -> Iterator[None]:
    yield
    stop_faults(stack)
    # A message whose call failed for good waits a minute.
    stack.client("sqs").purge_queue(QueueUrl=stack.outputs["RequestsUrl"])


@pytest.mark.parametrize("account", ACTS, ids=["accept", "reject"])
def test_killed_before_act_is_retried(stack: Stack, inbox: Inbox, account: str) -> None:
    service, endpoint = kill_around_act(stack, account, "before")
    assert (state(stack, service, endpoint), records(stack, service, endpoint)) == ("pendingAcceptance", {})
    assert service_state(stack, service)["intent"], "the intent outlives its worker"
    abandon_intent(stack, service)
    record = record_of(await_record(stack, service, endpoint, VERDICTS[account], MESSAGE_SECONDS))
    assert (record["origin"]["kind"], record.get("recovered", False)) == ("cloud-trail", False)
    await_state(stack, service, endpoint, ENDS[account], SECONDS)
    assert messages_told(stack, inbox, endpoint, VERDICTS[account]) == 1


@pytest.mark.parametrize("account", ACTS, ids=["accept", "reject"])
def test_killed_after_act_is_recovered(stack: Stack, inbox: Inbox, account: str) -> None:
    """Whether it accepted or rejected: the act is on the record, and its owner is told."""
    service, endpoint = kill_around_act(stack, account, "after")
    assert records(stack, service, endpoint) == {}
    await_state(stack, service, endpoint, ENDS[account], SECONDS)
    abandon_intent(stack, service)
    record = record_of(await_record(stack, service, endpoint, VERDICTS[account], MESSAGE_SECONDS))
    assert record["recovered"] is True and POLICIES[account] in json.dumps(record["judgement"])
    assert messages_told(stack, inbox, endpoint, VERDICTS[account]) == 1
    sweep(stack)
    assert set(records(stack, service, endpoint)) == {VERDICTS[account]}
    assert f"unrecorded {endpoint}" not in findings(stack, audit(stack), service)


def test_sweep_recovers_when_the_message_is_lost(stack: Stack) -> None:
    """The service is in the index of open services, although nothing is pending any more."""
    service, endpoint = kill_around_act(stack, ALLOWED, "after")
    stack.client("sqs").purge_queue(QueueUrl=stack.outputs["RequestsUrl"])
    abandon_intent(stack, service)
    sweep(stack)
    assert record_of(records(stack, service, endpoint)["accepted"])["recovered"] is True


def test_young_intent_is_left_to_its_worker(stack: Stack) -> None:
    service, endpoint = create_service(stack, [ALLOWED], notify=False), ""
    hold(stack, ACCEPT, "before", service)
    endpoint = create_endpoint(stack, ALLOWED, service)
    await_held(stack, "approve")
    send(stack, hint(service))
    until("another worker to postpone its message", SECONDS, lambda: postponed(stack) == 2)
    assert (state(stack, service, endpoint), records(stack, service, endpoint)) == ("pendingAcceptance", {})
    release(stack)
    await_record(stack, service, endpoint, "accepted")
    await_empty_queue(stack)
    assert len(items(stack, f"request/{service.id}/{endpoint}")) == 1 == acceptances(stack, endpoint)


def test_killed_after_write_leaves_nothing_to_do(stack: Stack, inbox: Inbox) -> None:
    service = create_service(stack, [UNLISTED], notify=False)
    hold(stack, WRITE, "after")
    endpoint = create_endpoint(stack, UNLISTED, service)
    (approve,) = await_held(stack, "approve")
    assert set(records(stack, service, endpoint)) == {"referred"}
    approve.kill()
    await_empty_queue(stack)
    assert messages_told(stack, inbox, endpoint, "referred") == 1


@pytest.mark.parametrize(("when", "messages"), [("before", 1), ("after", 2)])
def test_killed_notify_repeats_its_message(stack: Stack, inbox: Inbox, when: str, messages: int) -> None:
    """The stream is delivered at least once: a message that was sent, and is not known to be, is sent twice."""
    service = create_service(stack, [UNLISTED], notify=False)
    hold(stack, PUBLISH, when)
    endpoint = create_endpoint(stack, UNLISTED, service)
    (notify,) = await_held(stack, "notify")
    notify.kill()
    assert messages_told(stack, inbox, endpoint, "referred") == messages


def test_requests_are_answered_while_notify_hangs(stack: Stack) -> None:
    service = create_service(stack, [ALLOWED, UNLISTED], notify=False)
    hold(stack, PUBLISH, "before")
    create_endpoint(stack, UNLISTED, service)
    await_held(stack, "notify")
    await_state(stack, service, create_endpoint(stack, ALLOWED, service), "available", SECONDS)


def test_throttled_describes_are_no_outcome(stack: Stack, inbox: Inbox) -> None:
    service = create_service(stack, [ALLOWED, UNLISTED], notify=False)
    throttle(stack, THROTTLE_SECONDS)
    allowed, unlisted = create_endpoint(stack, ALLOWED, service), create_endpoint(stack, UNLISTED, service)
    until("the SDK to give up", SECONDS, lambda: failed_calls(stack, THROTTLED["code"]) >= TRIES)
    stop_faults(stack)
    assert connections(stack, service) == {allowed: "pendingAcceptance", unlisted: "pendingAcceptance"}
    await_state(stack, service, allowed, "available", SECONDS)
    await_empty_queue(stack)
    assert set(records(stack, service, allowed)) == {"accepted"}
    assert messages_told(stack, inbox, unlisted, "referred") == 1


def test_throttled_accept_is_no_outcome(stack: Stack, inbox: Inbox) -> None:
    """Nothing is recorded and no owner is told: the next call comes later."""
    service = create_service(stack, [ALLOWED], notify=False)
    fail(stack, ACCEPT, THROTTLED, 1)
    endpoint = create_endpoint(stack, ALLOWED, service)
    until("the throttled call", SECONDS, lambda: failed_calls(stack, THROTTLED["code"]) == 1)
    await_state(stack, service, endpoint, "available", SECONDS)
    await_record(stack, service, endpoint, "accepted")
    await_empty_queue(stack)
    assert failed_calls(stack, THROTTLED["code"]) == 1, "the SDK does not repeat an act"
    assert set(records(stack, service, endpoint)) == {"accepted"}
    assert inbox.count(endpoint) == inbox.count(endpoint, "accepted")


def test_one_of_two_workers_writes_and_tells(stack: Stack, inbox: Inbox) -> None:
    service = create_service(stack, [UNLISTED], notify=False)
    hold(stack, WRITE, "before")
    endpoint = create_endpoint(stack, UNLISTED, service)
    await_held(stack, "approve")
    send(stack, hint(service))
    assert origin(await_record(stack, service, endpoint, "referred")) == "sweep"
    release(stack)
    await_empty_queue(stack)
    assert messages_told(stack, inbox, endpoint, "referred") == 1
    assert len(items(stack, f"request/{service.id}/{endpoint}")) == 1


def test_overloaded_ledger_delays_the_answer(stack: Stack, inbox: Inbox) -> None:
    """Without an intent on the ledger nothing is done, however often the message is delivered."""
    service = create_service(stack, [ALLOWED], notify=False)
    fail(stack, WRITE, OVERLOADED, 99)
    endpoint = create_endpoint(stack, ALLOWED, service)
    until("the SDK to give up", SECONDS, lambda: failed_calls(stack, OVERLOADED["code"]) >= TRIES)
    assert (state(stack, service, endpoint), records(stack, service, endpoint)) == ("pendingAcceptance", {})
    stop_faults(stack)
    send(stack, hint(service))
    await_state(stack, service, endpoint, "available", SECONDS)
    assert messages_told(stack, inbox, endpoint, "accepted") == 1


def test_lost_confirmation_is_recovered(stack: Stack, inbox: Inbox) -> None:
    """The ledger refuses the write after the act: the intent stays open, and the next worker records what EC2 did."""
    service = create_service(stack, [ALLOWED], notify=False)
    hold(stack, ACCEPT, "after", service)
    endpoint = create_endpoint(stack, ALLOWED, service)
    await_held(stack, "approve")
    fail(stack, WRITE, OVERLOADED, TRIES)
    release(stack)
    until("the SDK to give up", SECONDS, lambda: failed_calls(stack, OVERLOADED["code"]) == TRIES)
    abandon_intent(stack, service)
    send(stack, hint(service))
    assert record_of(await_record(stack, service, endpoint, "accepted"))["recovered"] is True
    assert messages_told(stack, inbox, endpoint, "accepted") == 1


def test_existing_record_is_never_overwritten(stack: Stack, inbox: Inbox) -> None:
    """Not even a record of an act that has not happened yet: the later one is kept beside it."""
    service = create_service(stack, [ALLOWED], notify=False)
    known = await_record(stack, service, create_endpoint(stack, ALLOWED, service), "accepted")
    lose_notifications(stack)
    endpoint = create_endpoint(stack, ALLOWED, service)
    written = copy_record(stack, known, endpoint)
    sweep(stack)
    await_state(stack, service, endpoint, "available", SECONDS)
    first, second = items(stack, f"request/{service.id}/{endpoint}")
    assert first == written and second["sk"]["S"].startswith("accepted#")


def kill_around_act(stack: Stack, account: str, when: str) -> tuple[Service, str]:
    """Kills approve around its act on a new request. Returns the service and the endpoint."""
    service = create_service(stack, [account], notify=False)
    hold(stack, ACTS[account], when, service)
    endpoint = create_endpoint(stack, account, service)
    (approve,) = await_held(stack, "approve")
    approve.kill()
    return service, endpoint


def record_of(item: dict[str, Any]) -> dict[str, Any]:
    """The record in an item of the ledger."""
    found: dict[str, Any] = json.loads(item["record"]["S"])
    return found


def postponed(stack: Stack) -> int:
    """The number of messages that are in the request queue and not visible."""
    name = "ApproximateNumberOfMessagesNotVisible"
    return int(stack.client("sqs").get_queue_attributes(QueueUrl=stack.outputs["RequestsUrl"], AttributeNames=[name])["Attributes"][name])


def acceptances(stack: Stack, endpoint: str) -> int:
    """The number of times that an endpoint was accepted."""
    return len(stack.local("tally")["accepted"].get(endpoint, []))


def messages_told(stack: Stack, inbox: Inbox, endpoint: str, decision: str) -> int:
    """The number of messages about a decision, once a later request's message has arrived after all of them."""
    inbox.await_message(endpoint, decision, MESSAGE_SECONDS)
    marker = create_endpoint(stack, UNLISTED, create_service(stack, [UNLISTED], notify=False))
    inbox.await_message(marker, "referred", MESSAGE_SECONDS)
    return inbox.count(endpoint, decision)


def copy_record(stack: Stack, known: dict[str, Any], endpoint: str) -> dict[str, Any]:
    """Writes an endpoint's record before the warden does: a copy of another endpoint's."""
    other = known["pk"]["S"].rpartition("/")[2]
    item: dict[str, Any] = json.loads(json.dumps(known).replace(other, endpoint))
    stack.client("dynamodb").put_item(TableName=stack.outputs["LedgerName"], Item=item)
    return item
