"""`make load`: requests at a fixed rate through the deployed stack, and a verification of every one.

The status is 0 if no request was lost, failed or accepted twice, each allowed request was accepted in time, and each owner was told.
"""

from __future__ import annotations

import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from harness.actions import await_empty_queue, sweep
from harness.fault_injection import ACCEPT
from harness.inbox import Inbox
from harness.processes import until
from harness.stack import PARAMETERS, Stack
from load.generator import Generator, at_rate
from load.verification import Results, accepted
from tasks.console import Progress, note
from tasks.errors import RunError, run_program
from tasks.paths import E2E

# approve works most: unoptimised it needs more processor time than the emulator.
OPTIMISED = ("approve",)
# The template's own interval.
SETTINGS = PARAMETERS | {"SweepSchedule": "rate(5 minutes)"}
READ_EVERY_SECONDS = 0.2
ANSWERED_SECONDS = 900.0  # at most, after the last request
# EC2's documented buckets (capacity, refill per second); docs/performance.md has the source.
BUCKETS = {ACCEPT: (10, 1), "RejectVpcEndpointConnections": (10, 1), "DescribeVpcEndpointConnections": (100, 20), "DescribeVpcEndpointServiceConfigurations": (100, 20)}


def number(name: str, text: str) -> float:
    """A setting that must be a whole number above 0."""
    if not text.isdecimal() or int(text) == 0:
        raise RunError(f"{name} must be a whole number above 0, not `{text}`.")
    return float(text)


@contextmanager
def read_continuously(inbox: Inbox) -> Iterator[None]:
    """Reads messages as they arrive: the emulator scans the whole queue for each ten messages."""
    over = threading.Event()

    def read() -> None:
        while not over.wait(READ_EVERY_SECONDS):
            inbox.read()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield
    finally:
        over.set()
        reader.join()


def settle(stack: Stack, generator: Generator, inbox: Inbox) -> None:
    """Waits until every allowed request is accepted and every message of the queue is answered, then sweeps."""
    allowed = {request.endpoint for request in generator.requests if request.allowed}
    with suppress(RunError), Progress("waiting for the last acceptances"):
        until("the acceptances", ANSWERED_SECONDS, lambda: allowed <= accepted(stack).keys())
    with suppress(RunError), Progress("waiting for the queue to be empty"):
        await_empty_queue(stack, ANSWERED_SECONDS)
    before = len(accepted(stack))
    sweep(stack)
    note(f"  a sweep accepted {len(accepted(stack)) - before} more")
    with suppress(RunError):
        until("the messages", 30, lambda: len({message.subject for message in inbox.messages}) >= len(generator.requests))


def spread(seconds: list[float]) -> str:
    """The median, the 99th percentile and the maximum."""
    if len(seconds) < 2:
        return "none"
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return f"median {cuts[49]:.2f} s, 99th percentile {cuts[98]:.2f} s, maximum {max(seconds):.2f} s"


def print_results(results: Results, generator: Generator) -> None:
    requests = generator.requests
    calls = ", ".join(f"{action} {count} ({count / len(requests):.2f})" for action, count in sorted(results.calls.items()))
    accepts, throttled = results.calls[ACCEPT], results.throttled[ACCEPT]
    note(f"""
{len(requests)} requests, {sum(request.allowed for request in requests)} by accounts that the policy allows:
  from creation to accepted      {spread(results.seconds_to_accept(requests))}
  last request to last accepted  {results.seconds_after_last(requests):.1f} s
  message to owner, unlisted     {spread(results.seconds_to_message(requests, allowed=False))}
  message to owner, allowed      {spread(results.seconds_to_message(requests, allowed=True))}
  recorded as failed             {sum("failed" in verdicts for verdicts in results.records.values())}
  acceptances                    {sum(map(len, results.accepted.values()))}, in {accepts} calls, of which EC2 throttled {throttled}
  messages to owners             {sum(map(len, results.messages.values()))}, {results.repeated_messages()} of them repeated; {len(results.counted)} requests are told as a number
  messages left in the queues    {sum(results.left.values())}
  approve's calls to EC2         {calls} (per request)
  throttled by EC2               {dict(results.throttled) or "none"}""")


def main() -> None:
    """Runs the load that the arguments describe: rate, seconds, and any text for EC2's throttling."""
    rate_text, seconds_text, throttle = sys.argv[1:4]
    rate, seconds = number("RATE", rate_text), number("SECONDS", seconds_text)
    settings = {"WARDEN_CALLS": "", "LOG_LEVEL": "WARNING"}
    with Stack("load", policies=E2E / "load" / "policies", optimised=OPTIMISED, emulator=settings) as stack:
        with Progress("deploying infra/template.yaml into ministack, with the real binaries"):
            stack.deploy(SETTINGS)
        # The consumers are outside the organization: the provider gets notifications and no events.
        stack.local("forward-events", post=True, to="")
        inbox = Inbox.subscribe(stack, stack.outputs["OwnersTopicArn"])
        generator = Generator.of(stack, round(rate * seconds))
        for action, (capacity, refill) in BUCKETS.items() if throttle else ():
            stack.local("throttle", post=True, action=action, capacity=str(capacity), refill=str(refill))
        with read_continuously(inbox):
            with Progress(f"{rate:.1f} requests/s for {seconds:.0f} s"):
                late = at_rate(rate, seconds, generator.request)
            note(f"  {len(generator.requests)} requests, started {late:.2f} s late at most; {len(generator.requests) - len(inbox.messages)} without a message yet")
            settle(stack, generator, inbox)
        results = Results.read(stack, generator, inbox)
        results.verify(generator.requests)
    print_results(results, generator)
    if results.errors:
        raise RunError("\n".join([f"{len(results.errors)} errors:", *results.errors[:20]]))
    note("\nNo request was lost, failed or accepted twice, each allowed one was accepted in time, and each owner was told.")


if __name__ == "__main__":
    run_program(main, stopped="Stopped; nothing is left running.")
