"""The verification of `make load` reports each error that it looks for. Needs no running stack."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import pytest
from harness.actions import Service
from load.generator import Request, at_rate
from load.verification import Results

SERVICE = Service("vpce-svc-1", "com.amazonaws.vpce.us-east-1.vpce-svc-1")
REQUESTS = [Request(SERVICE, "vpce-a", True, 100.0), Request(SERVICE, "vpce-b", False, 100.0)]


def good_results() -> Results:
    return Results(
        states={"vpce-a": "available", "vpce-b": "pendingAcceptance"},
        accepted={"vpce-a": [100.2]},
        records={"vpce-a": {"accepted": "notification"}, "vpce-b": {"referred": "sweep"}},
        messages={"vpce-a": [("accepted", 100.5)], "vpce-b": [("referred", 101.0)]},
        dead_letters={"ApproveFailures": 0},
        calls=Counter(),
        throttled=Counter(),
    )


def errors_after(change: Callable[[Results], object]) -> list[str]:
    results = good_results()
    change(results)
    results.verify(REQUESTS)
    return results.errors


WRONG: dict[str, Callable[[Results], object]] = {
    "is pendingAcceptance": lambda all: all.states.update({"vpce-a": "pendingAcceptance"}),
    "is absent": lambda all: all.states.pop("vpce-b"),
    "was accepted 0 times": lambda all: all.accepted.pop("vpce-a"),
    "was accepted 2 times": lambda all: all.accepted["vpce-a"].append(100.3),
    "was accepted 1 times": lambda all: all.accepted.update({"vpce-b": [100.3]}),
    "accepted without a request": lambda all: all.accepted.update({"vpce-c": [100.3]}),
    "has no record `accepted`": lambda all: all.records.pop("vpce-a"),
    "has records ['found']": lambda all: all.records["vpce-a"].update({"found": "sweep"}),
    "has no message `referred`": lambda all: all.messages.pop("vpce-b"),
    "ApproveFailures: 1 dead letters": lambda all: all.dead_letters.update({"ApproveFailures": 1}),
}


def test_good_results_have_no_errors() -> None:
    assert errors_after(lambda all: None) == []


@pytest.mark.parametrize("error", WRONG)
def test_each_error_is_reported(error: str) -> None:
    assert any(error in reported for reported in errors_after(WRONG[error]))


def test_open_loop_starts_on_time() -> None:
    """Ten acts of 0.2 s at fifty per second. One after the other they would take two seconds."""
    start = time.monotonic()
    numbers, late = at_rate(50, 0.2, lambda number: (time.sleep(0.2), number)[1])
    assert numbers == list(range(10))
    assert time.monotonic() - start < 1.5 and late < 0.5
