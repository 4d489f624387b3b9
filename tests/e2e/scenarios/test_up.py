"""`make up`: every command that it prints works, one after the other."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from harness.accounts import UNLISTED
from harness.processes import free_port, until
from tasks.paths import E2E, PACKAGING, ROOT

END = "Ctrl-C stops everything."
PUBLISHED_SECONDS = 200.0


@pytest.fixture(scope="module")
def printed() -> Iterator[list[str]]:
    """The commands that `make up` prints. It runs meanwhile."""
    environment = os.environ | {"PORT": str(free_port()), "PYTHONPATH": os.pathsep.join(map(str, (E2E, PACKAGING)))}
    child = subprocess.Popen([sys.executable, "-m", "harness.up"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert child.stdout
    lines: list[str] = []
    while (line := child.stdout.readline()) and END not in line:
        lines.append(line)
    assert line, "".join(lines)
    yield [line.strip() for line in lines if line.startswith("  ")]
    child.terminate()
    child.wait(timeout=30)


def test_printed_commands_work(printed: list[str]) -> None:
    preparation = "\n".join(printed[:3])

    def run(command: str, status: int = 0) -> str:
        done = subprocess.run(["bash", "-ec", f"{preparation}\n{command}"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == status, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    allowed, unlisted, connections, messages, plan, history, doctor, copy, compare, publish = printed[3:]
    assert "pendingAcceptance" in run(allowed) and "pendingAcceptance" in run(unlisted)
    until("the message about the request that no policy allows", 30.0, lambda: UNLISTED in run(messages) or None)
    assert "available" in run(connections)
    assert UNLISTED in run(plan)
    assert "referred" in run(history)
    assert "1 confirmed subscriber" in run(doctor, status=1), "there is no trail, and no audit has run"
    run(copy)
    assert "accept" in run(compare, status=1)
    assert "Published" in run(publish)
    state = f"aws ec2 describe-vpc-endpoint-connections --filters Name=vpc-endpoint-owner,Values={UNLISTED} --query 'VpcEndpointConnections[].VpcEndpointState' --output text"
    until("the request that the new set allows", PUBLISHED_SECONDS, lambda: "available" in run(state) or None, every=5.0)
