"""What goes wrong over the wire, played by the stand-in (`local --control`) on the real functions: calls refused for a time, calls
that hang until whoever made them is killed, announcements that are lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accounts import PROVIDER
from processes import until
from scenario import Service
from stack import NAME, Stack

ACCEPT = "AcceptVpcEndpointConnections"
PUT = "PutItem"
PUBLISH = "Publish"
SECONDS = 20.0  # for whatever must happen at once; this machine may be busy
THROTTLED = {"code": "RequestLimitExceeded", "status": "503"}
OVERLOADED = {"code": "ProvisionedThroughputExceededException", "status": "400", "message": "The level of configured provisioned throughput for the table was exceeded."}
CONFLICT = {"code": "TransactionConflictException", "status": "400", "message": "Transaction is ongoing for the item"}


@dataclass(frozen=True)
class Held:
    """A call that hangs, and the function that waits for its answer."""

    stack: Stack
    process: int

    def kill(self) -> None:
        """Ends the function here, and returns once the stand-in has seen it gone."""
        before = len(hanging(self.stack))
        os.kill(self.process, signal.SIGKILL)
        until("the killed function's call to be gone", SECONDS, lambda: len(hanging(self.stack)) < before)


def throttle(stack: Stack, seconds: float) -> None:
    """EC2 throttles the provider's account, whatever it calls. Everybody else's goes on."""
    stack.local("faults", post=True, account=PROVIDER, **THROTTLED, **{"for-ms": str(round(seconds * 1000))})


def refuse(stack: Stack, action: str, error: dict[str, str], calls: int) -> None:
    """The next so many calls of this name are refused."""
    stack.local("faults", post=True, action=action, **error, next=str(calls))


def met(stack: Stack, code: str) -> int:
    """How many calls were refused with this code."""
    return sum(fault["met"] for fault in stack.local("faults") if fault["code"] == code)


def lose_next(stack: Stack, count: int = 1) -> None:
    """Neither notification nor event of the next endpoints arrives."""
    stack.local("drop-notifications", post=True, next=str(count))


def lose_every(stack: Stack, nth: int) -> None:
    """The same for every so many-th."""
    stack.local("drop-notifications", post=True, every=str(nth))


def hold(stack: Stack, action: str, when: str, service: Service | None = None, calls: int = 1) -> None:
    """The next such calls hang, `before` their effect or `after` it."""
    about = {"service": service.id} if service else {}
    stack.local("hold", post=True, action=action, when=when, next=str(calls), **about)


def hanging(stack: Stack) -> list[dict[str, Any]]:
    """The calls that hang now."""
    found: list[dict[str, Any]] = stack.local("hold")
    return found


def await_held(stack: Stack, function: str, count: int = 1) -> list[Held]:
    """So many functions of this name, each in the midst of a call that hangs."""
    calls = until(f"{count} of {function}'s calls to hang", SECONDS, lambda: found if len(found := hanging(stack)) >= count else None)
    return [Held(stack, _caller(stack, call["peer"], function)) for call in calls]


def release(stack: Stack) -> None:
    """Whatever hangs goes on."""
    stack.local("release", post=True)


def calm(stack: Stack) -> None:
    """The faults stop."""
    stack.local("calm", post=True)


def make_older(stack: Stack, endpoint: str, minutes: int) -> None:
    """As if it had been created so much earlier, so that nobody has to wait."""
    stack.local("age", post=True, endpoint=endpoint, seconds=str(minutes * 60))


@contextmanager
def unscheduled(stack: Stack) -> Iterator[None]:
    """No sweep but those that a test makes."""
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
    """The processes of this stack's functions, each with its function's name."""
    for process in map(int, filter(str.isdigit, os.listdir("/proc"))):
        try:
            variables = Path(f"/proc/{process}/environ").read_bytes().split(b"\0") if os.getpgid(process) == stack.group else []
        except OSError:  # it ended meanwhile
            continue
        yield from ((process, each.partition(b"=")[2].decode()) for each in variables if each.startswith(b"AWS_LAMBDA_FUNCTION_NAME="))


def _caller(stack: Stack, peer: str, function: str) -> int:
    """The process at the caller's end of a connection: Linux tells whose socket it is. It must be this function's, of this stack."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    # By both ends: one port may have connections to several others.
    ends = [f"{int(peer.rpartition(':')[2]):04X}", f"{stack.port:04X}"]
    (inode,) = (line[9] for line in lines if [line[1][-4:], line[2][-4:]] == ends)
    ((process, name),) = (each for each in _functions(stack) if _has_open(each[0], f"socket:[{inode}]"))
    assert name == stack.outputs[f"{function.capitalize()}Function"], f"{name} hangs, not {function}"
    return process


def _has_open(process: int, what: str) -> bool:
    try:
        return any(os.readlink(each) == what for each in Path(f"/proc/{process}/fd").iterdir())
    except OSError:  # it ended meanwhile, or a file of its own did
        return False
