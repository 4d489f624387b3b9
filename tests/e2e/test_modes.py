"""Observe first, then act. Runs on the shared stack and leaves it active."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from accounts import A
from inbox import Inbox
from scenario import ask, await_state, offer, records, state, sweep
from stack import Stack


@pytest.fixture
def observing(stack: Stack) -> Iterator[Stack]:
    """The stack in observe mode; active again afterwards."""
    stack.deploy(Mode="observe")
    yield stack
    stack.deploy(Mode="active")


def test_observe_says_so_and_active_acts_and_records_anew(observing: Stack, inbox: Inbox) -> None:
    service = offer(observing, [A])
    endpoint = ask(observing, A, service)
    mail = inbox.await_mail(endpoint, "observed-accept")
    assert mail.body["observe"] is True
    assert state(observing, service, endpoint) == "pendingAcceptance"
    assert set(records(observing, service, endpoint)) == {"observed-accept"}

    observing.deploy(Mode="active")
    sweep(observing)
    await_state(observing, service, endpoint, "available", 20)
    assert set(records(observing, service, endpoint)) == {"observed-accept", "accepted"}
    inbox.await_mail(endpoint, "accepted")
