"""Grants of a named person against the deployed stack: given before a request, changed, listed, and ended without an endpoint."""

from __future__ import annotations

import csv
import functools
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.accounts import ALLOWED, UNLISTED
from harness.actions import await_record, await_state, create_endpoint, create_service, state, sweep
from harness.actions import warden as run
from harness.inbox import Inbox
from harness.processes import until
from harness.stack import Stack
from tasks.paths import POLICIES

USAGE = 2
Warden = Callable[..., str]


@pytest.fixture
def warden(stack: Stack) -> Warden:
    """The command line with the packaged policies."""
    return functools.partial(run, stack, "--policies", str(POLICIES))


def test_account_is_granted_before_it_asks(stack: Stack, warden: Warden) -> None:
    service = create_service(stack, [UNLISTED])
    pair = ("--account", UNLISTED, "--service", service.id)
    output = warden("approve", *pair, "--reason", "pilot", "--until", "2999-01-01T00:00:00Z", "--yes")
    assert f"granted: every endpoint of account {UNLISTED} until 2999-01-01 00:00 UTC, by arn:aws:iam::" in output
    rows = json.loads(warden("grants", *pair, "--unused", "--output", "json"))
    assert [(row["grant"], row["state"], row["endpoints"], row["until"]) for row in rows] == [
        (f"{service.id}/{UNLISTED}", "valid", "0", "2999-01-01T00:00:00Z")
    ]
    endpoint = create_endpoint(stack, UNLISTED, service)
    await_state(stack, service, endpoint, "available")
    assert json.loads(warden("grants", *pair, "--unused", "--output", "json")) == []
    assert json.loads(warden("grants", "--account", ALLOWED, "--service", service.id, "--output", "json")) == []

    output = warden("revoke", f"{service.id}/{UNLISTED}", "--grants-only", "--reason", "UNIQUEREVOKE", "--yes")
    assert "approved on" in output and "until 2999-01-01 00:00 UTC" in output
    assert state(stack, service, endpoint) == "available", "only the grant ended"
    (row,) = json.loads(warden("grants", *pair, "--output", "json"))
    assert (row["state"], row["until"]) == ("ended", "2999-01-01T00:00:00Z") and "UNIQUEREVOKE" in row["ended"]
    (event,) = [row for row in csv.DictReader(warden("history", UNLISTED, "--service", service.id, "--output", "csv").splitlines()) if row["verdict"] == "grant ended"]
    assert "UNIQUEREVOKE" in event["by"] and event["until before"] == "2999-01-01T00:00:00Z"
    assert "nothing is changed" in warden("revoke", f"{service.id}/{UNLISTED}", "--grants-only", "--reason", "again", "--yes")
    assert f"{endpoint} is disconnected." in warden("revoke", *pair, "--reason", "over", "--yes")


def test_second_approval_tells_both_ends(stack: Stack, inbox: Inbox, warden: Warden) -> None:
    service = create_service(stack, [UNLISTED])
    endpoint = create_endpoint(stack, UNLISTED, service)
    inbox.await_message(endpoint, "referred")
    warden("approve", endpoint, "--reason", "pilot", "--until", "2999-01-01T00:00:00Z", "--yes")
    output = warden("approve", endpoint, "--reason", "shorter", "--until", "2998-01-01T00:00:00Z", "--yes")
    assert "changed:" in output and "until 2998-01-01" in output and "until 2999-01-01" in output and "already connected" in output
    output = warden("approve", endpoint, "--reason", "once more", "--until", "2998-01-01T00:00:00Z", "--yes")
    assert "already approved on" in output and "shorter" in output
    assert len(json.loads(warden("grants", "--service", service.id, "--output", "json"))) == 1


def test_two_approvals_at_once_leave_one_grant(stack: Stack, inbox: Inbox, warden: Warden) -> None:
    service = create_service(stack, [UNLISTED])
    endpoint = create_endpoint(stack, UNLISTED, service)
    inbox.await_message(endpoint, "referred")
    with ThreadPoolExecutor() as both:
        outputs = list(both.map(lambda reason: warden("approve", endpoint, "--reason", reason, "--yes"), ("first", "second")))
    await_record(stack, service, endpoint, "accepted", 200)
    (row,) = json.loads(warden("grants", "--service", service.id, "--output", "json"))
    winner = "first" if row["by"].endswith("first") else "second"
    (loser,) = [output for output in outputs if "granted:" not in output]
    assert "already approved on" in loser and f": {winner}" in loser


def test_approval_and_rejection_at_once_agree(stack: Stack, inbox: Inbox, warden: Warden) -> None:
    """Whichever comes first, a grant holds if and only if the endpoint is connected, and the other person is told."""
    service = create_service(stack, [UNLISTED])
    endpoint = create_endpoint(stack, UNLISTED, service)
    inbox.await_message(endpoint, "referred")
    with ThreadPoolExecutor() as both:
        approval, rejection = both.map(lambda verb: warden(verb, endpoint, "--reason", verb, "--yes", status=(0, 1, USAGE)), ("approve", "reject"))
    settled = until("the endpoint's end", 30.0, lambda: one if (one := state(stack, service, endpoint)) in ("available", "rejected") else None)
    (row,) = json.loads(warden("grants", "--service", service.id, "--output", "json")) or [{"ended": "never granted"}]
    assert bool(row["ended"]) == (settled == "rejected"), (settled, row, approval, rejection)
    if settled == "available":
        assert "warden revoke" in rejection, rejection
    else:
        assert "rejected" in approval, approval


def test_ungranted_request_is_not_revoked(stack: Stack, inbox: Inbox, warden: Warden) -> None:
    service = create_service(stack, [UNLISTED])
    endpoint = create_endpoint(stack, UNLISTED, service)
    inbox.await_message(endpoint, "referred")
    assert "there is nothing to revoke" in warden("revoke", endpoint, "--reason", "x", "--yes", status=USAGE)
    sweep(stack)
    assert state(stack, service, endpoint) == "pendingAcceptance"


def test_reason_with_control_characters_is_refused(stack: Stack, warden: Warden) -> None:
    endpoint = "vpce-0123456789abcdef0"
    assert "control character" in warden("approve", endpoint, "--reason", "a\x1b[2J", "--yes", status=USAGE)
    assert "at most 500" in warden("approve", endpoint, "--reason", "x" * 501, "--yes", status=USAGE)


def test_names_of_others_are_harmless(stack: Stack, inbox: Inbox, warden: Warden) -> None:
    service = create_service(stack, [UNLISTED], name="rédis\u202e")
    endpoint = create_endpoint(stack, UNLISTED, service)
    inbox.await_message(endpoint, "referred")
    for output in (warden("plan", "--scope", service.id), warden("explain", endpoint)):
        assert "rédis\\u{202e}" in output and "\u202e" not in output
