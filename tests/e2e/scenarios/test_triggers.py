"""The messages of the request queue: the decision is the same for each sender and any number of deliveries, and bad messages do no harm."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from harness.accounts import ALLOWED, PROVIDER, REGION, UNLISTED
from harness.actions import SUBNET, VPC, await_empty_queue, await_record, await_state, create_endpoint, create_service, creation_event, event_body, handed_over, hint
from harness.actions import items, notification, origin, put_event, put_service_state, records, send, service_state, state, sweep
from harness.fault_injection import lose_notifications
from harness.inbox import Inbox
from harness.processes import until
from harness.stack import NAME, Stack

ABROAD = "eu-west-1"
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


def test_event_of_another_region_suffices(stack: Stack) -> None:
    """The forwarder of the endpoint's Region puts it on the bus in the service's Region."""
    service = create_service(stack, [ALLOWED], notify=False)
    stack.client("ec2").modify_vpc_endpoint_service_configuration(ServiceId=service.id, AddSupportedRegions=[ABROAD])
    consumer = stack.client("ec2", ALLOWED, ABROAD)

    def answered_after() -> str:
        created = consumer.create_vpc_endpoint(VpcEndpointType="Interface", VpcId=VPC, ServiceName=service.name, ServiceRegion=REGION, SubnetIds=[SUBNET])
        return origin(await_record(stack, service, created["VpcEndpoint"]["VpcEndpointId"], "accepted", SECONDS))

    # A sweep may come first, but not each time.
    assert "cloud-trail" in (answered_after() for _ in range(3))


def test_redelivery_changes_and_tells_nothing(stack: Stack, inbox: Inbox) -> None:
    service = create_service(stack, [ALLOWED, UNLISTED])
    accepted, referred = create_endpoint(stack, ALLOWED, service), create_endpoint(stack, UNLISTED, service)
    inbox.await_message(accepted, "accepted")
    inbox.await_message(referred, "referred")
    await_state(stack, service, accepted, "available", SECONDS)
    for _ in range(3):
        put_event(stack, creation_event(service, accepted, owner=ALLOWED))
        put_event(stack, creation_event(service, referred, owner=UNLISTED))
    await_empty_queue(stack)
    # A later request's message comes after any message of the redeliveries.
    marker = create_endpoint(stack, ALLOWED, service)
    inbox.await_message(marker, "accepted")
    assert set(records(stack, service, accepted)) == {"accepted"}
    assert set(records(stack, service, referred)) == {"referred"}
    assert (inbox.count(accepted), inbox.count(referred)) == (1, 1)


def dead_letters(stack: Stack) -> list[tuple[str, str]]:
    """Takes the messages out of the dead-letter queue. Returns their bodies and reasons."""
    sqs, url = stack.client("sqs"), stack.outputs["DeadLettersUrl"]
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]).get("Messages", [])
    for message in found:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [(message["Body"], message.get("MessageAttributes", {}).get("reason", {}).get("StringValue", "")) for message in found]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("no JSON", "the message is not JSON"),
        ("x" * 262_144, "the message is not JSON"),  # the largest body that SNS, EventBridge and Scheduler send
        ('{"Records": []}', "of none of the queue's senders"),
        ('{"Type": "Notification"}', "the SNS message is malformed"),
        ('{"source": "privatelink-warden", "service": "vpce-svc-1"}', "names no service"),
    ],
    ids=["text", "256 KB", "another shape", "half an envelope", "no service"],
)
def test_unreadable_message_is_set_aside_at_once(stack: Stack, body: str, reason: str) -> None:
    send(stack, body)
    ((letter, why),) = until("the dead letter", SECONDS, lambda: dead_letters(stack))
    assert letter == body and reason in why
    assert handed_over(stack, body) == [], "it is not delivered again"
    assert dead_letters(stack) == [(letter, why)]


def test_large_readable_message_is_answered(stack: Stack) -> None:
    """A notification with more ids than are believed leads to the services of its topic."""
    service = create_service(stack, [ALLOWED])
    lose_notifications(stack)
    endpoint = create_endpoint(stack, ALLOWED, service)
    ids = " ".join(f"vpce-{number:017x}" for number in range(11_000))
    send(stack, notification(stack, ids))
    await_state(stack, service, endpoint, "available", SECONDS)
    await_empty_queue(stack)
    assert dead_letters(stack) == []


def test_message_about_another_accounts_service_does_nothing(stack: Stack) -> None:
    other, endpoint = "vpce-svc-0fffffffffffffff0", "vpce-0ffffffffffffffff"
    bodies = [json.dumps({"source": "privatelink-warden", "service": other}), notification(stack, f"{other} {endpoint}")]
    assert handed_over(stack, *bodies) == []
    assert items(stack, f"service/{other}") == [] == items(stack, f"request/{other}/{endpoint}")


def test_endpoint_of_another_service_is_not_answered(stack: Stack) -> None:
    named, own = create_service(stack, [ALLOWED]), create_service(stack, [ALLOWED])
    lose_notifications(stack)
    endpoint = create_endpoint(stack, ALLOWED, own)
    mixed = notification(stack, f"{named.id} {endpoint}")
    assert handed_over(stack, mixed) == [mixed], "EC2 may not know the endpoint yet"
    assert handed_over(stack, mixed, age_seconds=400) == [], "a later message is dropped: the sweep answers"
    assert state(stack, own, endpoint) == "pendingAcceptance"
    assert records(stack, named, endpoint) == {} == records(stack, own, endpoint)
    sweep(stack)
    assert set(records(stack, own, endpoint)) == {"accepted"}


def test_deleted_endpoint_leaves_no_dead_letter(stack: Stack) -> None:
    service, gone = create_service(stack, [ALLOWED]), "vpce-0fffffffffffffff1"
    event = event_body(creation_event(service, gone, owner=ALLOWED))
    assert handed_over(stack, event) == [event]
    assert handed_over(stack, event, age_seconds=400) == []
    assert records(stack, service, gone) == {} and dead_letters(stack) == []


def test_no_claim_hides_another_in_a_batch(stack: Stack, inbox: Inbox) -> None:
    service = create_service(stack, [UNLISTED], notify=False)
    lose_notifications(stack)
    endpoint = create_endpoint(stack, UNLISTED, service)
    true, forged = (event_body(creation_event(service, endpoint, owner=owner)) for owner in (UNLISTED, ALLOWED))
    assert handed_over(stack, true, forged, true) == []
    inbox.await_message(endpoint, "disputed")
    assert state(stack, service, endpoint) == "pendingAcceptance"


def newer_schema(known: dict[str, Any]) -> dict[str, Any]:
    """The state as a later version may write it."""
    return known | {"schema": known["schema"] + 1}


def unknown_act(known: dict[str, Any]) -> dict[str, Any]:
    """The state with an intent that this version does not know."""
    return known | {"intent": {"act": "quarantine", "records": [], "at": "2026-01-01T00:00:00Z"}}


@pytest.mark.parametrize("change", [newer_schema, unknown_act])
def test_unreadable_state_stops_its_service_alone(stack: Stack, inbox: Inbox, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """The alarm ErrorsToActOn tells a person: alarm_scenarios.py."""
    service, other = create_service(stack, [ALLOWED]), create_service(stack, [ALLOWED])
    inbox.await_message(create_endpoint(stack, ALLOWED, service), "accepted")
    await_empty_queue(stack)
    known = service_state(stack, service)
    put_service_state(stack, service, change(known))
    lose_notifications(stack, 2)
    endpoint, beside = create_endpoint(stack, ALLOWED, service), create_endpoint(stack, ALLOWED, other)
    assert handed_over(stack, hint(service), hint(other)) == [hint(service)], "its message is delivered again"
    await_state(stack, other, beside, "available", SECONDS)
    assert state(stack, service, endpoint) == "pendingAcceptance" and records(stack, service, endpoint) == {}
    assert service_state(stack, service) == change(known), "nothing is written over"
    put_service_state(stack, service, known)
    sweep(stack)
    await_state(stack, service, endpoint, "available", SECONDS)
