"""Faults that the stand-in (`local --control`) injects: calls that fail for a time, calls that hang, notifications that are lost."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from harness.accounts import PROVIDER
from harness.actions import Service, put_service_state, service_state
from harness.processes import until
from harness.stack import NAME, Stack

ACCEPT = "AcceptVpcEndpointConnections"
REJECT = "RejectVpcEndpointConnections"
WRITE = "TransactWriteItems"
PUBLISH = "Publish"
INTENT_SECONDS = 60  # shared/src/ledger/service_state.rs: INTENT_AGE_MAX
SECONDS = 20.0  # for an effect that is immediate on an idle machine
THROTTLED = {"code": "RequestLimitExceeded", "status": "503"}
OVERLOADED = {"code": "ProvisionedThroughputExceededException", "status": "400", "message": "The level of configured provisioned throughput for the table was exceeded."}
DENIED = {"code": "UnauthorizedOperation", "status": "403"}


@dataclass(frozen=True)
class Held:
    """A function that waits for the answer to a call that hangs."""

    stack: Stack
    process: int

    def kill(self) -> None:
        """Kills the function, and returns once the stand-in has noticed."""
        before = len(hanging(self.stack))
        os.kill(self.process, signal.SIGKILL)
        until("the killed function's call to end", SECONDS, lambda: len(hanging(self.stack)) < before)


def throttle(stack: Stack, seconds: float) -> None:
    """Throttles all EC2 calls of the provider's account, and of no other account."""
    stack.local("faults", post=True, account=PROVIDER, **THROTTLED, **{"for-ms": str(round(seconds * 1000))})


def fail(stack: Stack, action: str, error: dict[str, str], calls: int) -> None:
    """Makes the next calls of an action fail."""
    stack.local("faults", post=True, action=action, **error, next=str(calls))


def failed_calls(stack: Stack, code: str) -> int:
    """The number of calls that failed with an injected code."""
    return sum(fault["met"] for fault in stack.local("faults") if fault["code"] == code)


def lose_notifications(stack: Stack, count: int = 1) -> None:
    """Loses the notifications and events of the next endpoints."""
    stack.local("drop-notifications", post=True, next=str(count))


def hold(stack: Stack, action: str, when: str, service: Service | None = None, calls: int = 1) -> None:
    """Makes the next calls of an action hang, `before` or `after` their effect."""
    about = {"service": service.id} if service else {}
    stack.local("hold", post=True, action=action, when=when, next=str(calls), **about)


def hanging(stack: Stack) -> list[dict[str, Any]]:
    """The calls that hang now."""
    found: list[dict[str, Any]] = stack.local("hold")
    return found


def await_held(stack: Stack, function: str, count: int = 1) -> list[Held]:
    """Waits until so many calls of a function hang."""
    calls = until(f"{count} of {function}'s calls to hang", SECONDS, lambda: found if len(found := hanging(stack)) >= count else None)
    return [Held(stack, _caller(stack, call["peer"], function)) for call in calls]


def release(stack: Stack) -> None:
    """Lets every call that hangs continue."""
    stack.local("release", post=True)


def stop_faults(stack: Stack) -> None:
    """Removes all faults."""
    stack.local("calm", post=True)


def make_older(stack: Stack, endpoint: str, minutes: int) -> None:
    """Moves an endpoint's creation time into the past, so that a test need not wait."""
    stack.local("age", post=True, endpoint=endpoint, seconds=str(minutes * 60))


def abandon_intent(stack: Stack, service: Service) -> None:
    """Moves a service's intent into the past, so that a test need not wait until its worker is taken for gone."""
    state = service_state(stack, service)
    at = datetime.fromisoformat(state["intent"]["at"]) - timedelta(seconds=INTENT_SECONDS)
    put_service_state(stack, service, state | {"intent": state["intent"] | {"at": at.isoformat().replace("+00:00", "Z")}})


def retry_now(stack: Stack, service: Service, endpoint: str) -> None:
    """Lets the next sweep repeat an act that EC2 refused, so that a test need not wait."""
    stack.client("dynamodb").update_item(
        TableName=stack.outputs["LedgerName"],
        Key={"pk": {"S": f"service/{service.id}"}, "sk": {"S": f"pending/{endpoint}"}},
        UpdateExpression="SET pending = :pending",
        ConditionExpression="contains(pending, :refused)",
        ExpressionAttributeValues={":pending": {"S": json.dumps({"told": "failed/accept", "at": "2026-01-01T00:00:00Z"})}, ":refused": {"S": "not_before"}},
    )


@contextmanager
def redelivered_after(stack: Stack, seconds: int) -> Iterator[None]:
    """The request queue delivers a message again after so many seconds, instead of the template's three minutes."""
    sqs, url = stack.client("sqs"), stack.outputs["RequestsUrl"]
    before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(seconds)})
    try:
        yield
    finally:
        sqs.set_queue_attributes(QueueUrl=url, Attributes=before)


@contextmanager
def unscheduled(stack: Stack) -> Iterator[None]:
    """Disables the sweep's schedule."""
    _switch(stack, "DISABLED")
    try:
        yield
    finally:
        _switch(stack, "ENABLED")


def _switch(stack: Stack, state: str) -> None:
    scheduler = stack.client("scheduler")
    now = scheduler.get_schedule(Name=f"{NAME}-sweep")
    kept = {key: now[key] for key in ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")}
    scheduler.update_schedule(**kept, State=state)


def _functions(stack: Stack) -> Iterator[tuple[int, str]]:
    """The processes of this stack's functions, with the functions' names."""
    for process in map(int, filter(str.isdigit, os.listdir("/proc"))):
        try:
            variables = Path(f"/proc/{process}/environ").read_bytes().split(b"\0") if os.getpgid(process) == stack.group else []
        except OSError:  # it has ended meanwhile
            continue
        yield from ((process, each.partition(b"=")[2].decode()) for each in variables if each.startswith(b"AWS_LAMBDA_FUNCTION_NAME="))


def _caller(stack: Stack, peer: str, function: str) -> int:
    """The function's process at the caller's end of a connection, by the owner of the socket in /proc."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    # By both ends: one port may have connections to several others.
    ends = [f"{int(peer.rpartition(':')[2]):04X}", f"{stack.port:04X}"]
    (inode,) = (line[9] for line in lines if [line[1][-4:], line[2][-4:]] == ends)
    ((process, name),) = (each for each in _functions(stack) if _has_open(each[0], f"socket:[{inode}]"))
    assert name == stack.outputs[f"{function.capitalize()}Function"], f"{name} hangs, not {function}"
    return process


def _has_open(process: int, file: str) -> bool:
    try:
        return any(os.readlink(each) == file for each in Path(f"/proc/{process}/fd").iterdir())
    except OSError:  # it has ended meanwhile, or one of its files was closed
        return False
