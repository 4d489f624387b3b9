"""The moves of the journeys that make alarms go off: calls, waits, and harm that is undone when its block ends."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accounts import B, PROVIDER, REGION
from places import POLICIES
from processes import until
from ruleset import publish
from scenario import Service, ask, await_record, offer, sweep
from stack import NAME, Stack
from watch import Watch

LONG_SECONDS = 30.0


@dataclass(frozen=True)
class Answer:
    """What an invocation came to."""

    failed: bool
    body: Any


def call(stack: Stack, watch: Watch, function: str, event: Any) -> Answer:
    """Invokes and waits. What a function wrote before it ended at its start, the emulator has in its answer and not in the log."""
    name = stack.outputs[f"{function}Function"]
    answer = stack.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    body = json.loads(answer["Payload"].read())
    failed = "FunctionError" in answer
    said = str(body.get("errorMessage", "")) if failed else ""
    if "exited during init" in said:
        watch.hear(log_group(stack, function), said.partition(": ")[2].splitlines())
    return Answer(failed, body)


def hand_over(stack: Stack, function: str, event: Any) -> None:
    """Invokes as rules, topics and schedules do: Lambda tries it three times."""
    stack.client("lambda").invoke(FunctionName=stack.outputs[f"{function}Function"], Payload=json.dumps(event), InvocationType="Event")


def log_group(stack: Stack, function: str) -> str:
    found: str = stack.client("lambda").get_function_configuration(FunctionName=stack.outputs[f"{function}Function"])["LoggingConfig"]["LogGroup"]
    return found


def await_filled(watch: Watch, queue: str, count: int = 1, seconds: float = LONG_SECONDS) -> None:
    until(f"{count} in {queue}", seconds, lambda: watch.depth(queue) == count or None)


def await_line(watch: Watch, word: str) -> None:
    """Once a function has written something with this word."""

    def heard() -> bool:
        watch.look()
        return any(word in line for line in watch.lines)

    watch.lines.clear()
    until(f"a line with {word}", LONG_SECONDS, heard)


@contextlib.contextmanager
def refusing(stack: Stack, action: str, code: str = "UnauthorizedOperation", status: str = "403") -> Iterator[None]:
    """EC2 refuses an action."""
    stack.local("faults", post=True, action=action, code=code, status=status, next="1000")
    try:
        yield
    finally:
        stack.local("faults", post=True, action=action, code=code, status=status, next="0")


@contextlib.contextmanager
def configured(stack: Stack, function: str, **variables: str) -> Iterator[None]:
    """A function with other settings."""
    client, name = stack.client("lambda"), stack.outputs[f"{function}Function"]
    before = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    client.update_function_configuration(FunctionName=name, Environment={"Variables": before | variables})
    try:
        yield
    finally:
        client.update_function_configuration(FunctionName=name, Environment={"Variables": before})


@contextlib.contextmanager
def held_back(stack: Stack, function: str) -> Iterator[None]:
    """A function that may not run: somebody gave it no concurrency."""
    client, name = stack.client("lambda"), stack.outputs[f"{function}Function"]
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        yield
    finally:
        client.delete_function_concurrency(FunctionName=name)


def await_throttled(stack: Stack, watch: Watch, function: str, after: float) -> float:
    """Once Lambda has held a function back again; how often it has by then."""
    counted = {"FunctionName": stack.outputs[f"{function}Function"]}
    return until(f"{function} to be held back", LONG_SECONDS, lambda: (now if (now := watch.reported("AWS/Lambda", "Throttles", **counted)) > after else None))


def to_be_told(stack: Stack, topic: str = "") -> Service:
    """A request that waits, of which an owner is to hear, on a topic of the service's own if it names one."""
    service = offer(stack, [B])
    if topic:
        arn = f"arn:aws:sns:{REGION}:{PROVIDER}:{NAME}-{topic}"
        stack.client("ec2").create_tags(Resources=[service.id], Tags=[{"Key": "warden:owner-topic", "Value": arn}])
    # By a sweep alone: an event of it might still be under way when the harm is done.
    stack.local("drop-notifications", post=True, next="1")
    endpoint = ask(stack, B, service)
    sweep(stack)
    await_record(stack, service, endpoint, "referred")
    return service


def publish_policies(stack: Stack, folder: Path) -> None:
    """The policies of this repository, where the stack reads them."""
    folder.mkdir(exist_ok=True)
    for file in [*POLICIES.glob("*.cedar"), POLICIES / "groups.json"]:
        (folder / file.name).write_bytes(file.read_bytes())
    publish(stack, folder)
