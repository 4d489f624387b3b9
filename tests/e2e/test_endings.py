"""What becomes of a request: the five endings of the Redis scenario."""

from __future__ import annotations

from accounts import A, B, C
from inbox import Inbox
from scenario import ask, await_record, await_state, creation_event, offer, origin, put_event, records, refusal, state
from stack import Stack

SWEEP_SECONDS = 100.0


def test_a_consumer_in_the_policy_is_accepted(stack: Stack, inbox: Inbox) -> None:
    service = offer(stack, [A])
    endpoint = ask(stack, A, service)
    await_state(stack, service, endpoint, "available", 20)
    await_record(stack, service, endpoint, "accepted")
    assert inbox.await_mail(endpoint, "accepted").body["policies"] == ["redis-consumers"]


def test_a_consumer_in_no_policy_stays_pending_and_its_owner_is_told(stack: Stack, inbox: Inbox) -> None:
    service = offer(stack, [B])
    endpoint = ask(stack, B, service)
    text = inbox.await_mail(endpoint, "referred").body["text"]
    assert state(stack, service, endpoint) == "pendingAcceptance"
    for needed in (B, endpoint, service.id, "accept-vpc-endpoint-connections", "reject-vpc-endpoint-connections", "policies/"):
        assert needed in text, f"the owner should read `{needed}`"


def test_a_consumer_not_allowed_cannot_find_the_service(stack: Stack) -> None:
    assert refusal(stack, C, offer(stack, [A, B])) == "InvalidServiceName"


def test_a_request_nobody_heard_of_is_caught_by_the_sweep(stack: Stack) -> None:
    service = offer(stack, [A])
    stack.local("drop-notifications", post=True, next="1")
    endpoint = ask(stack, A, service)
    await_state(stack, service, endpoint, "available", SWEEP_SECONDS)
    assert origin(await_record(stack, service, endpoint, "accepted")) == "sweep"


def test_a_forged_event_changes_nothing_but_the_record(stack: Stack, inbox: Inbox) -> None:
    service = offer(stack, [A, B])
    endpoint = ask(stack, B, service)
    inbox.await_mail(endpoint, "referred")
    put_event(stack, creation_event(service, endpoint, owner=A))
    mail = inbox.await_mail(endpoint, "disputed")
    assert state(stack, service, endpoint) == "pendingAcceptance"
    assert mail.attributes["severity"] == "critical"
    assert set(records(stack, service, endpoint)) == {"referred", "disputed"}
