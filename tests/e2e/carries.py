"""What the emulator itself carries: a function that does nothing, subscribed to a topic as `approve` is."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import artifacts
from accounts import PROVIDER
from console import note
from journal import Journal
from pace import at_rate
from places import RUN, TARGET
from stack import Stack

NAME = "nothing"
RATES = (25.0, 50.0, 75.0, 100.0, 150.0, 200.0, 300.0)
PROBE_SECONDS = 10.0
BEHIND_SECONDS_MAX = 1.0  # longer than this to catch up after the last one: the backlog grew


def noop_rate(stack: Stack, journal: Journal) -> float:
    """The highest of the rates at which its backlog does not grow."""
    sns, topic = stack.client("sns"), _subscribed(stack)

    def publish(number: int) -> None:
        sns.publish(TopicArn=topic, Message=json.dumps({"event": "Connect", "number": number}))

    publish(0)
    caught_up(lambda: journal.behind(NAME), 30)
    carried = 0.0
    for rate in RATES:
        held, what = holds(rate, PROBE_SECONDS, publish, lambda: journal.behind(NAME))
        note(f"  a function that does nothing, {rate:.0f} events/s for {PROBE_SECONDS:.0f} s: {what}")
        if not held:
            break
        carried = rate
    return carried


def holds(rate: float, seconds: float, act: Callable[[int], object], behind: Callable[[], int]) -> tuple[bool, str]:
    """Whether a rate is held without a growing backlog, and in words."""
    begun = time.monotonic()
    _, late = at_rate(rate, seconds, act)
    sent, left = time.monotonic() - begun, behind()
    took = caught_up(behind, 300)
    held = took <= BEHIND_SECONDS_MAX and sent <= seconds + BEHIND_SECONDS_MAX
    return held, f"{'held' if held else 'not held'}; {left} behind at its end, caught up {took:.1f} s later; begun {late:.2f} s late at most"


def caught_up(behind: Callable[[], int], seconds: float) -> float:
    """Waits until nothing is behind, for so long at most, and says how long it took."""
    begun = time.monotonic()
    while behind() > 0 and time.monotonic() - begun < seconds:
        time.sleep(0.1)
    return time.monotonic() - begun


def _subscribed(stack: Stack) -> str:
    """The topic of the function, both made."""
    folder = RUN / "load" / "lambda" / NAME
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bootstrap").write_bytes((TARGET / "release" / "bare").read_bytes())
    (folder / "bootstrap").chmod(0o755)
    functions = stack.client("lambda")
    made = functions.create_function(
        FunctionName=NAME,
        Runtime="provided.al2023",
        Handler="bootstrap",
        Role=f"arn:aws:iam::{PROVIDER}:role/{NAME}",
        Code={"ZipFile": artifacts.zip_of(folder, fast=True)},
        Timeout=120,
        MemorySize=256,
    )
    topic: str = stack.client("sns").create_topic(Name=NAME)["TopicArn"]
    functions.add_permission(FunctionName=NAME, StatementId="topic", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com", SourceArn=topic)
    stack.client("sns").subscribe(TopicArn=topic, Protocol="lambda", Endpoint=made["FunctionArn"])
    return topic
