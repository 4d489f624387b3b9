"""Servers on the loopback interface. Each has a process group of its own and ends with the run."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tasks.errors import RunError
from tasks.paths import ROOT, shown

HOST = "127.0.0.1"
GRACE_SECONDS = 5.0
T = TypeVar("T")


def free_port() -> int:
    """A port that no process listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def require_free(port: int, how_to_choose: str) -> None:
    """Raises an error if a process listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise RunError(f"Port {port} on {HOST} is in use: stop the process that listens there, or choose another port with `{how_to_choose}`.") from error


class Server:
    """A child process and everything that it starts."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], log: Path) -> None:
        self.name = name
        self._log = log
        with log.open("w") as output:
            # A group of its own: Ctrl-C reaches only this process, which then ends the group.
            self._child = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)

    @property
    def group(self) -> int:
        """The process group, which is also the child's process id."""
        return self._child.pid

    def await_health(self, url: str, seconds: float) -> None:
        """Returns once the server answers with status 200."""
        deadline = time.monotonic() + seconds
        while not _answers(url):
            self.check()
            if time.monotonic() > deadline:
                raise RunError(f"{self.name} did not answer within {seconds:.0f} s: its log is {shown(self._log)}.")
            time.sleep(0.1)

    def check(self) -> None:
        """Raises an error if the server has ended."""
        if self._child.poll() is not None:
            raise RunError(f"{self.name} has ended: its log is {shown(self._log)}.")

    def stop(self) -> None:
        """Ends the group: SIGTERM, then SIGKILL after a grace period."""
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < deadline and self._signal(0):
            self._child.poll()
            time.sleep(0.05)
        self._signal(signal.SIGKILL)
        self._child.wait()

    def _signal(self, number: int) -> bool:
        """Sends a signal to the group. Returns false if the group is gone."""
        try:
            os.killpg(self._child.pid, number)
        except ProcessLookupError:
            return False
        return True


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def until(awaited: str, seconds: float, probe: Callable[[], T | None], every: float = 0.2) -> T:
    """Calls `probe` until it returns something true, and returns that. Raises an error after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (answer := probe()):
        if time.monotonic() > deadline:
            raise RunError(f"Waited {seconds:.0f} s in vain for {awaited}.")
        time.sleep(every)
    return answer
