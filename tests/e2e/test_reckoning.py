"""Whether `make load` would see what it looks for: each thing that can go wrong, put into an account that is right."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

import pytest
from crowd import Crowd, Request
from pace import at_rate
from reckoning import Reckoning
from scenario import Service

SERVICE = Service("vpce-svc-1", "com.amazonaws.vpce.us-east-1.vpce-svc-1")
FRIEND, STRANGER = Request(SERVICE, "vpce-a", True, 100.0), Request(SERVICE, "vpce-b", False, 100.0)


def crowd() -> Crowd:
    return Crowd(cast(Any, None), [SERVICE], [FRIEND, STRANGER])


def right() -> Reckoning:
    return Reckoning(
        states={"vpce-a": "available", "vpce-b": "pendingAcceptance"},
        accepted={"vpce-a": [100.2]},
        records={"vpce-a": {"accepted": "notification"}, "vpce-b": {"referred": "sweep"}},
        mails={"vpce-a": [("accepted", 100.5)], "vpce-b": [("referred", 101.0)]},
        dead={"ApproveFailures": 0},
        calls=Counter(),
        throttled=Counter(),
    )


def judged(change: Callable[[Reckoning], object]) -> list[str]:
    reckoning = right()
    change(reckoning)
    reckoning.judge(crowd())
    return reckoning.wrong


WRONG: dict[str, Callable[[Reckoning], object]] = {
    "is pendingAcceptance": lambda all: all.states.update({"vpce-a": "pendingAcceptance"}),
    "is absent": lambda all: all.states.pop("vpce-b"),
    "was accepted 0 times": lambda all: all.accepted.pop("vpce-a"),
    "was accepted 2 times": lambda all: all.accepted["vpce-a"].append(100.3),
    "was accepted 1 times": lambda all: all.accepted.update({"vpce-b": [100.3]}),
    "accepted, and nobody asked who may": lambda all: all.accepted.update({"vpce-c": [100.3]}),
    "has no record `accepted`": lambda all: all.records.pop("vpce-a"),
    "has records ['found']": lambda all: all.records["vpce-a"].update({"found": "sweep"}),
    "was not told `referred`": lambda all: all.mails.pop("vpce-b"),
    "ApproveFailures: 1 dead letters": lambda all: all.dead.update({"ApproveFailures": 1}),
}


def test_what_is_right_is_silent() -> None:
    assert judged(lambda all: None) == []


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said(what: str) -> None:
    assert any(what in said for said in judged(WRONG[what]))


def test_numbers_of_the_report() -> None:
    reckoning = right()
    reckoning.mails["vpce-b"].append(("referred", 102.0))
    assert reckoning.told_again() == 1
    assert reckoning.by_trigger([FRIEND, STRANGER]) == {"notification": 1, "sweep": 1}
    assert reckoning.seconds_to_accept([FRIEND, STRANGER]) == [pytest.approx(0.2)]
    assert reckoning.seconds_to_tell([FRIEND, STRANGER], allowed=False) == [pytest.approx(1.0)]


def test_the_pace_waits_for_nobody() -> None:
    """Ten acts of a fifth of a second at fifty a second: one after the other would take two seconds."""
    begun = time.monotonic()
    numbers, late = at_rate(50, 0.2, lambda number: (time.sleep(0.2), number)[1])
    assert numbers == list(range(10))
    assert time.monotonic() - begun < 1.5 and late < 0.5
