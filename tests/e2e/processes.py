"""Servers that the run starts, each in a process group of its own, and that end with it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from places import ROOT, shown
from trouble import Trouble

GRACE_SECONDS = 5.0
T = TypeVar("T")


class Server:
    """One child and everything it starts."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        with log.open("w") as output:
            # A group of its own: Ctrl-C reaches us alone, and we end the group.
            self._child = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)

    @property
    def pid(self) -> int:
        return self._child.pid

    def await_health(self, url: str, seconds: float) -> None:
        """Returns once it answers."""
        deadline = time.monotonic() + seconds
        while not _answers(url):
            if self._child.poll() is not None:
                raise Trouble(f"{self.name} ended as soon as it was started: its own words are in {shown(self.log)}.")
            if time.monotonic() > deadline:
                raise Trouble(f"{self.name} did not answer within {seconds:.0f} s: its own words are in {shown(self.log)}.")
            time.sleep(0.1)

    def check(self) -> None:
        """Complains if it has ended."""
        if self._child.poll() is not None:
            raise Trouble(f"{self.name} has ended: its own words are in {shown(self.log)}.")

    @property
    def group(self) -> int:
        """The process group of the child and everything it starts."""
        return self._child.pid

    def stop(self) -> None:
        """Ends the group: asks first, then insists."""
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < deadline and self._group_lives():
            self._child.poll()
            time.sleep(0.05)
        self._signal(signal.SIGKILL)
        self._child.wait()

    def _group_lives(self) -> bool:
        try:
            os.killpg(self._child.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._child.pid, number)
        except ProcessLookupError:
            pass


def stop_on_signals() -> None:
    """A closed terminal or a `kill` ends a run as Ctrl-C does, even where a shell made the process ignore that."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def until(what: str, seconds: float, probe: Callable[[], T | None], every: float = 0.2) -> T:
    """Asks until the answer is something, for so long at most."""
    deadline = time.monotonic() + seconds
    while not (answer := probe()):
        if time.monotonic() > deadline:
            raise Trouble(f"Waited {seconds:.0f} s in vain for {what}.")
        time.sleep(every)
    return answer
