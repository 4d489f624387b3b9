"""The whole output of each command that calls AWS. Review a change by `git diff`; accept it by `pytest --snapshot-update`."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from harness.accounts import ALLOWED, PROVIDER, REGION, UNLISTED, root_arn
from harness.actions import Service, audit, await_record, await_state, create_endpoint, create_service, warden
from harness.inbox import Inbox
from harness.stack import Stack
from tasks.paths import TARGET

POLICIES = Path(__file__).with_name("policies")  # with the sets `set` and `wider`
BUCKET = "warden-published"


class Text(SingleFileSnapshotExtension):
    """One readable file for each snapshot."""

    file_extension = "txt"
    _write_mode = WriteMode.TEXT


@dataclass
class Names:
    """Replacements for the parts of the output that differ between runs. They have the same length, so that columns stay aligned."""

    known: dict[str, int] = field(default_factory=dict)

    def replace(self, text: str) -> str:
        """The text with ids numbered by their first occurrence, and all times equal."""
        text = re.sub(r"\b(vpce-svc-|vpce-)([0-9a-f]{17})\b", self._numbered, text)
        text = re.sub(r"\b20\d\d-\d\d-\d\d([ T])\d\d:\d\d(:\d\d)?(\.\d+Z|Z)?", lambda time: re.sub(r"\d", "0", time[0]), text)
        text = re.sub(r"\b\d+ findings? (is|are) open\b", "0 findings are open", text)
        # Either of the two triggers may arrive first.
        text = re.sub(r"\b(cloud-trail|notification)$", "event", text, flags=re.MULTILINE)
        return re.sub(r"(?<![(\d])(\d+ minutes|1 minute)\b", "0 minutes", text)

    def _numbered(self, found: re.Match[str]) -> str:
        kind = found[1]
        number = self.known.setdefault(found[0], sum(known.rpartition("-")[0] + "-" == kind for known in self.known) + 1)
        return f"{kind}{number:017}"


@dataclass
class Terminal:
    """The command line as the provider, with one service in scope."""

    stack: Stack
    service: Service
    printed: list[str] = field(default_factory=list)
    names: Names = field(default_factory=Names)

    def __call__(self, *arguments: str, status: int = 0) -> None:
        output = warden(self.stack, "--policies", "set", "--scope", self.service.id, *arguments, status=status, folder=POLICIES)
        self.printed.append(f"$ warden {' '.join(arguments)}{f'   # status {status}' if status else ''}\n{output}")

    def narrow(self, *arguments: str) -> None:
        """Runs a command on a terminal of 80 columns."""
        environment = os.environ | {"AWS_ACCESS_KEY_ID": PROVIDER, "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": REGION, "NO_COLOR": "1", "TERM": "xterm"}
        common = ["--endpoint-url", self.stack.url, "--policies", "set", "--ledger", self.stack.outputs["LedgerName"], "--scope", self.service.id]
        mine, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        # A session of its own, without the terminal of the test run, which may have another width.
        child = subprocess.Popen(
            [str(TARGET / "debug" / "warden"), *common, *arguments],
            env=environment, cwd=POLICIES, stdin=subprocess.DEVNULL, stdout=its, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        os.close(its)
        printed = b""
        # Linux reports EIO once the other end is closed.
        with contextlib.suppress(OSError):
            while chunk := os.read(mine, 4096):
                printed += chunk
        os.close(mine)
        assert child.wait(60) == 0
        text = printed.decode().replace("\r\n", "\n")
        assert all(len(line) <= 80 for line in text.splitlines()), text
        self.printed.append(f"$ warden {' '.join(arguments)}   # in 80 columns\n{text}")

    def screen(self) -> str:
        """The output so far."""
        return self.names.replace("\n".join(self.printed))


@pytest.fixture
def screens(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(Text)


@pytest.fixture
def terminal(stack: Stack) -> Callable[..., Terminal]:
    return lambda **service: Terminal(stack, create_service(stack, **service))


def test_pending_request(stack: Stack, inbox: Inbox, terminal: Callable[..., Terminal], screens: SnapshotAssertion) -> None:
    """plan, explain, approve, history, replay, audit."""
    began = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    warden = terminal(allowed=[ALLOWED, UNLISTED])
    connected = create_endpoint(stack, ALLOWED, warden.service)
    await_state(stack, warden.service, connected, "available")
    await_record(stack, warden.service, connected, "accepted")
    pending = create_endpoint(stack, UNLISTED, warden.service)
    inbox.await_message(pending, "referred")
    warden("plan")
    warden.narrow("plan")
    warden("plan", "--policy", "wider", status=1)
    warden("explain", pending)
    warden("approve", pending, "--reason", "pilot", "--yes")
    await_record(stack, warden.service, pending, "accepted", 200)
    warden("plan")
    warden("history", "--service", warden.service.id)
    warden("replay", "--policies", "wider", "--since", began, status=1)
    warden("audit")
    stack.client("ec2").modify_vpc_endpoint_service_permissions(ServiceId=warden.service.id, RemoveAllowedPrincipals=[root_arn(ALLOWED)])
    warden("audit", status=1)
    warden.printed = [screen.replace(began, "0" * 23 + "Z") for screen in warden.printed]
    assert warden.screen() == screens


def test_rejected_and_revoked_requests(stack: Stack, inbox: Inbox, terminal: Callable[..., Terminal], screens: SnapshotAssertion) -> None:
    """reject, revoke."""
    warden = terminal(allowed=[UNLISTED])
    first, second = create_endpoint(stack, UNLISTED, warden.service), create_endpoint(stack, UNLISTED, warden.service)
    for endpoint in (first, second):
        inbox.await_message(endpoint, "referred")
    warden("reject", first, "--reason", "not this year", status=2)
    warden("reject", first, "--reason", "not this year", "--yes")
    warden("approve", second, "--reason", "pilot", "--until", "2999-01-01T00:00:00Z", "--yes")
    await_state(stack, warden.service, second, "available")
    warden("revoke", second, "--reason", "the pilot is over", status=2)
    warden("revoke", second, "--reason", "the pilot is over", "--yes")
    warden("history", second)
    assert warden.screen() == screens


def test_incomplete_installation(stack: Stack, terminal: Callable[..., Terminal], screens: SnapshotAssertion) -> None:
    """doctor, principals."""
    trails = stack.client("cloudtrail")
    for trail in trails.describe_trails()["trailList"]:
        trails.delete_trail(Name=trail["TrailARN"])
    audit(stack)
    warden = terminal(allowed=[UNLISTED], notify=False)
    stack.client("ec2").modify_vpc_endpoint_service_configuration(ServiceId=warden.service.id, AcceptanceRequired=False)
    warden("doctor", "--topic", stack.outputs["ConnectionsTopicArn"], status=1)
    warden("principals", status=1)
    warden("principals", "--apply", "--yes")
    warden("principals")
    assert warden.screen() == screens


def test_published_set(stack: Stack, terminal: Callable[..., Terminal], screens: SnapshotAssertion) -> None:
    stack.client("s3").create_bucket(Bucket=BUCKET)
    warden = terminal(allowed=[])
    warden("policy", "publish", f"s3://{BUCKET}/sets/", "--yes")
    warden("policy", "publish", f"s3://{BUCKET}/set.json", "--yes")
    warden("plan", "--policies", f"s3://{BUCKET}/sets/")
    warden("plan", "--policies", f"s3://{BUCKET}/nothing/", status=3)
    assert warden.screen() == screens
