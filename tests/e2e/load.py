"""`make load`: requests at a steady rate through the whole deployed stack, and what became of every one of them.

First what the emulator itself carries (a function that does nothing), then what it carries with the warden in it, then the load, at
the wanted rate or at the highest that was held; said aloud. Status 0 if no request was lost, accepted twice or not told.
"""

from __future__ import annotations

import os
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from carries import caught_up, holds, noop_rate
from console import Progress, note
from cost import processor_seconds
from crowd import Crowd, Request
from inbox import Inbox
from journal import Journal
from pace import at_rate
from places import E2E, RUN
from processes import stop_on_signals
from reckoning import Reckoning, reckon
from scenario import sweep
from stack import PARAMETERS, Stack, forget_the_users_aws
from trouble import Trouble

# More at once than the machine has processors for only makes each slower; but those that EC2 throttles only wait.
ENVIRONMENTS, ENVIRONMENTS_THROTTLED = 8, 100
# Of the functions the one that does most; unoptimised it takes more of the processors than the emulator. The others are as in the tests.
OPTIMISED = ("approve",)
# As the template has it, and not as often as the demo.
SETTINGS = PARAMETERS | {"SweepSchedule": "rate(5 minutes)"}
PROBE_SECONDS = 15.0
STEP_DOWN = 0.8
RETRIES_SECONDS = 240.0  # Lambda's second retry comes after three minutes
SWEEPS_MAX = 20
READ_EVERY_SECONDS = 0.2
# What EC2 documents for the provider's account; docs/performance.md has the source.
DOCUMENTED = {"AcceptVpcEndpointConnections": (10, 1), "RejectVpcEndpointConnections": (10, 1), "DescribeVpcEndpointConnections": (100, 20), "DescribeVpcEndpointServiceConfigurations": (100, 20)}


def number(name: str, text: str) -> float:
    """A setting that must be a number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if value <= 0:
        raise Trouble(f"{name} must be a number above 0, not `{text}`.")
    return value


class Load:
    """One run."""

    def __init__(self, stack: Stack, journal: Journal, rate: float, seconds: float) -> None:
        self.stack, self.journal, self.rate, self.seconds = stack, journal, rate, seconds
        self.inbox = Inbox.subscribe(stack, stack.outputs["OwnersTopicArn"])
        self.approve = stack.outputs["ApproveFunction"]
        # Services for the load and its probes.
        self.crowd = Crowd.of(stack, round(rate * (seconds + 4 * PROBE_SECONDS)))

    def behind(self) -> int:
        """Events that `approve` has not done, or requests that no owner has heard of: whichever are more."""
        return max(self.journal.behind(self.approve), len(self.crowd.requests) - len(self.inbox.mails))

    @contextmanager
    def owner(self) -> Iterator[None]:
        """Reads the messages as they come: the emulator walks through all of a queue for each ten that are taken from it."""
        over = threading.Event()

        def read() -> None:
            while not over.wait(READ_EVERY_SECONDS):
                self.inbox.read()

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            yield
        finally:
            over.set()
            reader.join()

    def carried(self, noop: float) -> float:
        """The wanted rate, or the highest below it at which the backlog does not grow."""
        rate = min(self.rate, noop)
        while True:
            held, what = holds(rate, PROBE_SECONDS, self.ask, self.behind)
            note(f"  the warden, {rate:.1f} requests/s for {PROBE_SECONDS:.0f} s: {what}")
            if held:
                return rate
            rate *= STEP_DOWN

    def ask(self, _: int) -> None:
        self.crowd.ask()

    def run(self, rate: float) -> list[Request]:
        """The load itself; the requests of it."""
        before, asked = processor_seconds(self.stack.processes()), len(self.crowd.requests)
        begun = time.monotonic()
        with Progress(f"{rate:.1f} requests/s for {self.seconds:.0f} s"):
            _, late = at_rate(rate, self.seconds, self.ask)
        sent, left = time.monotonic() - begun, self.behind()
        used = processor_seconds(self.stack.processes())
        requests = self.crowd.requests[asked:]
        note(f"  {len(requests)} requests in {sent:.1f} s, begun {late:.2f} s late at most; {left} behind at the end")
        spent = sorted(((seconds - before.get(name, 0.0), name) for name, seconds in used.items()), reverse=True)
        note("  processor time per request: " + ", ".join(f"{name} {1000 * seconds / len(requests):.1f} ms" for seconds, name in spent if seconds / len(requests) > 1e-4))
        note("  processors in use: " + ", ".join(f"{name} {seconds / sent:.2f}" for seconds, name in spent if seconds / sent > 0.01) + f", of {os.cpu_count()}")
        return requests

    def settle(self) -> None:
        """Waits for what is under way, retries included, then sweeps as the schedule would until nothing is left to do."""
        with Progress("waiting for what is under way"):
            took = caught_up(self.behind, RETRIES_SECONDS)
        note(f"  {self.behind()} behind after {took:.0f} s; events tried again or given up: {dict(self.journal.why) or 'none'}")
        for number in range(1, SWEEPS_MAX + 1):
            summary = sweep(self.stack)
            note(f"  sweep {number}: {len(summary.get('written', []))} newly on the record, {summary.get('known', 0)} known, {summary.get('put_off', 0)} put off {summary.get('errorMessage', '')}")
            if number >= 2 and not summary.get("written") and not summary.get("put_off") and "errorMessage" not in summary:
                break
        caught_up(lambda: len(self.crowd.requests) - len(self.inbox.mails), 30)
        time.sleep(2)


def spread(seconds: list[float]) -> str:
    """Median, 99th percentile and the longest."""
    if len(seconds) < 2:
        return "none"
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return f"median {cuts[49]:.2f} s, 99th percentile {cuts[98]:.2f} s, longest {max(seconds):.2f} s"


def tell(reckoning: Reckoning, crowd: Crowd, requests: list[Request]) -> None:
    """The result, in numbers."""
    allowed = sum(request.allowed for request in requests)
    everything = len(crowd.requests)
    calls = ", ".join(f"{action} {count} ({count / everything:.2f})" for action, count in sorted(reckoning.calls.items()))
    accepts = sum(len(times) for times in reckoning.accepted.values())
    note(f"""
Of the load's {len(requests)} requests, {allowed} by accounts that the policy allows (with the probes: {everything}):
  from creation to accepted    {spread(reckoning.seconds_to_accept(requests))}
  from creation to available   {spread(reckoning.seconds_to_available(requests))} (0.5 s of it the stand-in's)
  stranger's owner told        {spread(reckoning.seconds_to_tell(requests, allowed=False))}
  others' owner told           {spread(reckoning.seconds_to_tell(requests, allowed=True))}
  answered after               {dict(reckoning.by_trigger(requests))}
  recorded as failed first     {reckoning.failed_first(requests)}
With the probes:
  acceptances that EC2 took    {accepts}, of {reckoning.calls["AcceptVpcEndpointConnections"]} calls to accept
  messages to owners           {sum(map(len, reckoning.mails.values()))}, {reckoning.told_again()} of them repeated
  dead letters                 {sum(reckoning.dead.values())}
  approve's calls to EC2       {calls} (per request)
  throttled by EC2             {dict(reckoning.throttled) or "none"}""")


def main(rate_text: str = "50", seconds_text: str = "600", throttle: str = "") -> None:
    """Starts, measures, loads, reckons."""
    stop_on_signals()
    forget_the_users_aws()
    rate, seconds = number("RATE", rate_text), number("SECONDS", seconds_text)
    home = RUN / "load"
    home.mkdir(parents=True, exist_ok=True)
    events = home / "events.jsonl"
    quiet = {"WARDEN_CALLS": "", "LOG_LEVEL": "WARNING", "WARDEN_EVENTS": str(events), "WARDEN_ENVIRONMENTS": str(ENVIRONMENTS_THROTTLED if throttle else ENVIRONMENTS)}
    with Stack("load", policies=E2E / "policies" / "load", optimised=OPTIMISED, emulator=quiet) as stack:
        with Progress("deploying infra/template.yaml into ministack, with the real binaries"):
            stack.deploy(SETTINGS)
        # Consumers outside the organization, of whom a provider hears by notification only.
        stack.local("forward-events", post=True, to="")
        journal = Journal(events)
        noop = rate if throttle else noop_rate(stack, journal)
        load = Load(stack, journal, rate, seconds)
        with load.owner():
            held = rate if throttle else load.carried(noop)
            if throttle:
                for action, (capacity, refill) in DOCUMENTED.items():
                    stack.local("throttle", post=True, action=action, capacity=str(capacity), refill=str(refill))
            elif held < rate:
                note(f"{rate:.0f} requests/s are more than this machine carries (nothing at all: {noop:.0f} events/s); the load runs at {held:.1f}.")
            requests = load.run(held)
            load.settle()
        with Progress("reckoning"):
            reckoning = reckon(stack, load.crowd, load.inbox)
            reckoning.judge(load.crowd)
    tell(reckoning, load.crowd, requests)
    if reckoning.wrong:
        raise Trouble("\n".join([f"{len(reckoning.wrong)} things are wrong:", *reckoning.wrong[:20]]))
    note("\nNothing lost, nothing accepted twice, every owner told.")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Trouble as trouble:
        sys.exit(f"\n{trouble}")
    except KeyboardInterrupt:
        sys.exit("\nStopped; nothing is left running.")
