"""What every command over AWS prints, whole, as a person at a terminal gets it. Review a change with `git diff`; take it with `pytest --snapshot-update`."""

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

import pytest
from accounts import A, B, PROVIDER, REGION, root_arn
from inbox import Inbox
from places import E2E, TARGET
from scenario import Service, ask, audit, await_record, await_state, offer
from stack import Stack, quiet_environment
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

SET, WIDER = E2E / "policies" / "set", E2E / "policies" / "wider"
BUCKET = "warden-published"


class Text(SingleFileSnapshotExtension):
    """A file each, to be read as it stands."""

    file_extension = "txt"
    _write_mode = WriteMode.TEXT


@dataclass
class Names:
    """Stand-ins for what differs from run to run, of the same length, so that columns stay where they are."""

    known: dict[str, int] = field(default_factory=dict)

    def settle(self, text: str) -> str:
        """The text with ids numbered in the order in which they first appear, and every time the same."""
        text = re.sub(r"\b(vpce-svc-|vpce-)([0-9a-f]{17})\b", self._numbered, text)
        text = re.sub(r"\b20\d\d-\d\d-\d\d([ T])\d\d:\d\d(:\d\d)?(\.\d+Z|Z)?", lambda time: re.sub(r"\d", "0", time[0]), text)
        text = re.sub(r"\b\d+ findings? (is|are) open\b", "0 findings are open", text)
        # Which of the two events came first.
        text = re.sub(r"\b(cloud-trail|notification)$", "event", text, flags=re.MULTILINE)
        return re.sub(r"(?<![(\d])(\d+ minutes|1 minute)\b", "0 minutes", text)

    def _numbered(self, found: re.Match[str]) -> str:
        kind = found[1]
        number = self.known.setdefault(found[0], sum(known.rpartition("-")[0] + "-" == kind for known in self.known) + 1)
        return f"{kind}{number:017}"


@dataclass
class Terminal:
    """The command line as the provider, on one service."""

    stack: Stack
    service: Service
    printed: list[str] = field(default_factory=list)
    names: Names = field(default_factory=Names)

    def __call__(self, *arguments: str, status: int = 0) -> None:
        environment = quiet_environment() | {"AWS_ACCESS_KEY_ID": PROVIDER, "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": REGION}
        common = ["--endpoint-url", self.stack.url, "--policies", "set", "--ledger", self.stack.outputs["LedgerName"], "--scope", self.service.id]
        command = [str(TARGET / "debug" / "warden"), *common, *arguments]
        done = subprocess.run(
            command, env=environment, cwd=SET.parent, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False
        )
        assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}"
        self.printed.append(f"$ warden {' '.join(arguments)}{f'   # status {status}' if status else ''}\n{done.stdout}")

    def narrow(self, *arguments: str) -> None:
        """The same on a real terminal of 80 columns."""
        environment = quiet_environment() | {"AWS_ACCESS_KEY_ID": PROVIDER, "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": REGION, "NO_COLOR": "1", "TERM": "xterm"}
        common = ["--endpoint-url", self.stack.url, "--policies", "set", "--ledger", self.stack.outputs["LedgerName"], "--scope", self.service.id]
        mine, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        # A session of its own: whoever runs the tests may have another terminal, of another width.
        child = subprocess.Popen(
            [str(TARGET / "debug" / "warden"), *common, *arguments],
            env=environment, cwd=SET.parent, stdin=subprocess.DEVNULL, stdout=its, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        os.close(its)
        printed = b""
        # Linux says EIO where nobody holds the other end any more.
        with contextlib.suppress(OSError):
            while chunk := os.read(mine, 4096):
                printed += chunk
        os.close(mine)
        assert child.wait(60) == 0
        text = printed.decode().replace("\r\n", "\n")
        assert all(len(line) <= 80 for line in text.splitlines()), text
        self.printed.append(f"$ warden {' '.join(arguments)}   # in 80 columns\n{text}")

    def screen(self) -> str:
        """Everything printed so far."""
        return self.names.settle("\n".join(self.printed))


@pytest.fixture
def screens(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(Text)


@pytest.fixture
def terminal(stack: Stack) -> Callable[..., Terminal]:
    return lambda **offered: Terminal(stack, offer(stack, **offered))


def test_a_request_that_waits(stack: Stack, inbox: Inbox, terminal: Callable[..., Terminal], screens: SnapshotAssertion) -> None:
    """plan, explain, approve, history, replay, audit."""
    began = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    warden = terminal(allowed=[A, B])
    connected = ask(stack, A, warden.service)
    await_state(stack, warden.service, connected, "available", 20)
    await_record(stack, warden.service, connected, "accepted")
    waiting = ask(stack, B, warden.service)
    inbox.await_mail(waiting, "referred")
    warden("plan")
    warden.narrow("plan")
    warden("plan", "--policy", "wider", status=1)
    warden("explain", waiting)
    warden("approve", waiting, "--reason", "pilot", "--yes")
    await_record(stack, warden.service, waiting, "accepted", 200)
    warden("plan")
    warden("history", "--service", warden.service.id)
    warden("replay", "--policies", "wider", "--since", began, status=1)
    warden("audit")
    stack.client("ec2").modify_vpc_endpoint_service_permissions(ServiceId=warden.service.id, RemoveAllowedPrincipals=[root_arn(A)])
    warden("audit", status=1)
    warden.printed = [screen.replace(began, "0" * 23 + "Z") for screen in warden.printed]
    assert warden.screen() == screens


def test_a_request_that_is_turned_away_and_one_that_is_cut_off(
    stack: Stack, inbox: Inbox, terminal: Callable[..., Terminal], screens: SnapshotAssertion
) -> None:
    """reject, revoke."""
    warden = terminal(allowed=[B])
    first, second = ask(stack, B, warden.service), ask(stack, B, warden.service)
    for endpoint in (first, second):
        inbox.await_mail(endpoint, "referred")
    warden("reject", first, "--reason", "not this year", status=2)
    warden("reject", first, "--reason", "not this year", "--yes")
    warden("approve", second, "--reason", "pilot", "--until", "2999-01-01T00:00:00Z", "--yes")
    await_state(stack, warden.service, second, "available", 20)
    warden("revoke", second, "--reason", "the pilot is over", status=2)
    warden("revoke", second, "--reason", "the pilot is over", "--yes")
    warden("history", second)
    assert warden.screen() == screens


def test_what_is_not_in_place(stack: Stack, terminal: Callable[..., Terminal], screens: SnapshotAssertion) -> None:
    """doctor, principals."""
    trails = stack.client("cloudtrail")
    for trail in trails.describe_trails()["trailList"]:
        trails.delete_trail(Name=trail["TrailARN"])
    audit(stack)
    warden = terminal(allowed=[B], notify=False)
    stack.client("ec2").modify_vpc_endpoint_service_configuration(ServiceId=warden.service.id, AcceptanceRequired=False)
    warden("doctor", "--topic", stack.outputs["ConnectionsTopicArn"], status=1)
    warden("principals", status=1)
    warden("principals", "--apply", "--yes")
    warden("principals")
    assert warden.screen() == screens


def test_a_set_is_published(stack: Stack, terminal: Callable[..., Terminal], screens: SnapshotAssertion) -> None:
    stack.client("s3").create_bucket(Bucket=BUCKET)
    warden = terminal(allowed=[])
    warden("policy", "publish", f"s3://{BUCKET}/sets/")
    warden("policy", "publish", f"s3://{BUCKET}/set.json")
    warden("plan", "--policies", f"s3://{BUCKET}/sets/")
    warden("plan", "--policies", f"s3://{BUCKET}/nothing/", status=3)
    assert warden.screen() == screens
