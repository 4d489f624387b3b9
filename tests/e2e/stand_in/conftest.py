"""The stand-in `local` alone: its binary on a free port. No emulator runs behind it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.processes import HOST, Server, free_port
from stand_in.running import Local
from tasks.paths import TARGET

SETTLE_MS = 100
START_SECONDS = 30.0

Start = Callable[..., Local]


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts stand-ins with further options. They end with the session."""
    servers: list[Server] = []

    def run(*options: str) -> Local:
        port = free_port()
        # Port 1 has no listener: a call that is not PrivateLink's fails.
        command = [str(TARGET / "debug" / "local"), "--listen", f"{HOST}:{port}", "--settle-ms", str(SETTLE_MS), "--control", *options]
        if "--emulator" not in options:
            command += ["--emulator", f"http://{HOST}:1"]
        log: Path = tmp_path_factory.mktemp("local") / "local.log"
        server = Server("local", command, dict(os.environ), log)
        servers.append(server)
        server.await_health(f"http://{HOST}:{port}/_local/health", START_SECONDS)
        return Local(port)

    yield run
    for server in servers:
        server.stop()


@pytest.fixture(scope="module")
def local(start: Start) -> Local:
    """A stand-in for the tests of one file."""
    return start()
