"""`make try`: the Redis scenario on the deployed template, told as it happens. The status is 0 if every request ends as expected."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.accounts import ALLOWED, PROVIDER, STRANGER, UNLISTED
from harness.actions import audit, await_record, await_state, create_endpoint, create_service, creation_error, creation_event
from harness.actions import findings, plant_drift, put_event, report, state, sweep, undo_drift
from harness.inbox import Inbox
from harness.stack import Stack
from tasks.console import Progress, note
from tasks.errors import RunError, run_program
from tasks.paths import RUN, shown

SECONDS = 20.0  # for an answer, which takes less than one second on an idle machine
PAGE = RUN / "audit.html"


class Demo:
    """The requests and audits, one after the other."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.inbox = Inbox.subscribe(stack, stack.outputs["OwnersTopicArn"])
        self.service = create_service(stack, allowed=[ALLOWED, UNLISTED])
        self.rows: list[tuple[str, str, str, str]] = []
        self._start = time.monotonic()

    def run(self) -> bool:
        """Plays everything. Returns true if each row ended as expected."""
        self.say("provider", f"{PROVIDER} offers the service `redis` ({self.service.id}) to {ALLOWED} and {UNLISTED}; acceptance is required")
        self.allowed_account()
        pending = self.unlisted_account()
        self.stranger()
        self.forged_event(pending)
        self.lost_notification()
        self.audits(pending)
        return self.summary()

    def allowed_account(self) -> None:
        with self.row("the policy allows it", "available, owner told") as result:
            endpoint = create_endpoint(self.stack, ALLOWED, self.service)
            self.say("consumer", f"{ALLOWED}, in the policy's group `redis-consumers`, creates {endpoint}")
            await_state(self.stack, self.service, endpoint, "available", SECONDS)
            record = await_record(self.stack, self.service, endpoint, "accepted", SECONDS)
            policies = ", ".join(self.inbox.await_message(endpoint, "accepted", SECONDS).body["policies"])
            self.say("warden", f"{endpoint} is available, allowed by the policy {policies}; the record is {record['pk']['S']} {record['sk']['S']}")
            result("available, owner told")

    def unlisted_account(self) -> str:
        with self.row("no policy allows it", "pendingAcceptance, owner told") as result:
            endpoint = create_endpoint(self.stack, UNLISTED, self.service)
            self.say("consumer", f"{UNLISTED}, in no policy, creates {endpoint}")
            self.quote(endpoint, "referred")
            result(f"{state(self.stack, self.service, endpoint)}, owner told")
        return endpoint

    def stranger(self) -> None:
        with self.row("no allowed principal", "InvalidServiceName") as result:
            code = creation_error(self.stack, STRANGER, self.service)
            self.say("consumer", f"{STRANGER}, to which the service is not offered, asks for {self.service.name}: {code}")
            result(code)

    def forged_event(self, endpoint: str) -> None:
        with self.row("a forged event", "pendingAcceptance, owner told") as result:
            put_event(self.stack, creation_event(self.service, endpoint, owner=ALLOWED))
            self.say("forger", f"a forged event says that {endpoint} belongs to {ALLOWED}")
            self.quote(endpoint, "disputed")
            result(f"{state(self.stack, self.service, endpoint)}, owner told")

    def lost_notification(self) -> None:
        with self.row("a lost notification", "available") as result:
            self.stack.local("drop-notifications", post=True, next="1")
            endpoint = create_endpoint(self.stack, ALLOWED, self.service)
            self.say("consumer", f"{ALLOWED} creates {endpoint}; its notification and its event are lost")
            self.say("schedule", "starts the sweep, which is due every five minutes by default")
            sweep(self.stack)
            result(await_state(self.stack, self.service, endpoint, "available", SECONDS))
            self.say("warden", f"the sweep found and accepted {endpoint}")

    def audits(self, by_hand: str) -> None:
        planted = {f"missing-permission {ALLOWED}", f"unjustified {by_hand}", "acceptance-disabled"}
        with self.row("drift, audited", f"{len(planted)} findings, owner told once") as result:
            plant_drift(self.stack, self.service, ALLOWED, by_hand)
            self.say("provider", f"removes {ALLOWED}'s permission, accepts {by_hand} by hand, and switches acceptance off")
            first = audit(self.stack)
            PAGE.write_bytes(report(self.stack, first, "report.html"))
            self.quote_digest(1)
            result(f"{len(planted & findings(self.stack, first, self.service))} findings, owner told once")
        with self.row("no change, audited", "nothing told") as result:
            again = audit(self.stack)
            changes = again["opened"] + again["worsened"] + again["resolved"]
            result(f"{changes} changes told" if changes else "nothing told")
        with self.row("drift undone, audited", f"{len(planted)} resolved, owner told once") as result:
            undo_drift(self.stack, self.service, ALLOWED, by_hand)
            self.say("provider", "undoes all three")
            last = audit(self.stack)
            self.quote_digest(2)
            left = planted & findings(self.stack, last, self.service)
            result(f"{last['resolved'] - len(left)} resolved, owner told once")

    def quote(self, endpoint: str, decision: str) -> None:
        """Prints the owner's message about a decision."""
        message = self.inbox.await_message(endpoint, decision, SECONDS)
        self.say("warden", f"`{decision}` is on the record, and the owner gets this message:")
        self.print_quoted(str(message.body["text"]))

    def quote_digest(self, count: int) -> None:
        """Prints the newest message of an audit. Raises an error if there are not exactly so many."""
        digests = self.inbox.await_digests(self.service.id, count, SECONDS)
        if len(digests) != count:
            raise RunError(f"{len(digests)} messages of audits instead of {count}.")
        self.say("audit", "the owner gets this message:")
        self.print_quoted(str(digests[-1]["text"]))

    def print_quoted(self, text: str) -> None:
        for line in text.rstrip().splitlines():
            note(f"{'':12}│ {line}".rstrip())

    def say(self, actor: str, text: str) -> None:
        """Prints a line with the seconds since the start."""
        note(f"{time.monotonic() - self._start:7.1f} s  {actor:<9} {text}")

    @contextmanager
    def row(self, request: str, expected: str) -> Iterator[Callable[[str], None]]:
        """A row of the table. An error in the block is its result."""
        start, results = time.monotonic(), list[str]()
        try:
            yield results.append
        except RunError as error:
            self.say("error", str(error))
        self.rows.append((request, expected, results[-1] if results else "error", f"{time.monotonic() - start:.1f}"))

    def summary(self) -> bool:
        """Prints the table."""
        good = all(expected == result for _, expected, result, _ in self.rows)
        head = ("request", "expected", "result", "seconds")
        rows = [(*row[:2], row[2] if row[1] == row[2] else f"{row[2]}  ✗", row[3]) for row in self.rows]
        widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
        note("")
        for row in [head, tuple("─" * width for width in widths), *rows]:
            note("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
        note(f"\nThe page of the first audit: {shown(PAGE)} (open it in a browser).")
        note("Every request ended as expected." if good else "Not every request ended as expected. The logs are in .run/try/.")
        return good


def main() -> int:
    """Starts the platform, runs the demo, stops the platform."""
    with Stack("try") as stack:
        with Progress("deploying infra/template.yaml into ministack, with the real binaries"):
            stack.deploy()
        return 0 if Demo(stack).run() else 1


if __name__ == "__main__":
    run_program(main, stopped="Stopped; nothing is left running.")
