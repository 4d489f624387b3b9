"""The verification of a load: the result of every request, and each error in it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.actions import queue_length
from harness.fault_injection import ACCEPT
from harness.inbox import Inbox
from harness.stack import Stack
from load.generator import Generator, Request

ACCEPTED_SECONDS = 60.0
# EC2's bucket refills one accept a second, and each service is paced to one in five seconds.
SERVICES_IN_TIME = 5


@dataclass
class Results:
    """The state of everything after the load."""

    states: dict[str, str]
    accepted: dict[str, list[float]]  # by endpoint: the times of its acceptances, in seconds of the epoch
    records: dict[str, set[str]]  # by endpoint: verdicts
    messages: dict[str, list[tuple[str, float]]]  # by endpoint: decision, and when the message reached the queue
    counted: set[str]  # the endpoints whose records are told as a number by the audit
    left: dict[str, int]  # messages, by queue
    calls: Counter[str]  # of approve to EC2, by action
    throttled: Counter[str]
    errors: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, stack: Stack, generator: Generator, inbox: Inbox) -> Results:
        """Reads the stand-in, the ledger, the inbox and the queues."""
        inbox.read()
        messages: defaultdict[str, list[tuple[str, float]]] = defaultdict(list)
        for message in inbox.messages:
            endpoint, decision = message.subject
            messages[endpoint].append((decision, message.sent))
        tally = stack.local("tally")
        approve: dict[str, int] = next((calls for session, calls in tally["calls"].items() if "ApproveRole" in session), {})
        records, counted = _records(stack)
        left = {name.removesuffix("Url"): queue_length(stack, name) for name in stack.outputs if name.endswith("Url")}
        return cls(_states(stack, generator), accepted(stack), records, messages, counted, left, Counter(approve), Counter(tally["throttled"]))

    def verify(self, requests: list[Request]) -> None:
        """Fills `errors`."""
        for request in requests:
            self.errors += [f"{request.endpoint} ({'allowed' if request.allowed else 'unlisted'}): {error}" for error in self._errors_of(request)]
        allowed = {request.endpoint for request in requests if request.allowed}
        self.errors += [f"{endpoint}: accepted without a request of an allowed account" for endpoint in self.accepted.keys() - allowed]
        self.errors += [f"{queue}: {count} messages are left" for queue, count in self.left.items() if count]
        if len({request.service for request in requests}) <= SERVICES_IN_TIME:
            self.errors += self._delays(requests)

    def _delays(self, requests: list[Request]) -> Iterator[str]:
        """The acceptances that came late, and the calls that accept too often."""
        seconds, calls, throttled = self.seconds_after_last(requests), self.calls[ACCEPT], self.throttled[ACCEPT]
        if seconds > ACCEPTED_SECONDS:
            yield f"the last acceptance came {seconds:.0f} s after the last request, not within {ACCEPTED_SECONDS:.0f} s"
        if throttled * 10 > calls:
            yield f"EC2 throttled {throttled} of {calls} calls that accept, more than one in ten"

    def _errors_of(self, request: Request) -> list[str]:
        endpoint, verdict = request.endpoint, "accepted" if request.allowed else "referred"
        state, acceptances = self.states.get(endpoint, "absent"), len(self.accepted.get(endpoint, []))
        others = self.records.get(endpoint, set()) - {verdict}
        errors = {
            f"is {state}": state != ("available" if request.allowed else "pendingAcceptance"),
            f"was accepted {acceptances} times": acceptances != int(request.allowed),
            f"has no record `{verdict}`": verdict not in self.records.get(endpoint, set()),
            f"has records {sorted(others)}": bool(others),
            f"its owner has no message `{verdict}`": endpoint not in self.counted and verdict not in dict(self.messages.get(endpoint, [])),
        }
        return [error for error, holds in errors.items() if holds]

    def repeated_messages(self) -> int:
        """The number of messages that repeat another."""
        return sum(len(messages) - len({decision for decision, _ in messages}) for messages in self.messages.values())

    def seconds_after_last(self, requests: list[Request]) -> float:
        """The seconds from the last request to the last acceptance."""
        return max((times[0] for times in self.accepted.values()), default=0.0) - max(request.at for request in requests)

    def seconds_to_accept(self, requests: list[Request]) -> list[float]:
        return [self.accepted[request.endpoint][0] - request.at for request in requests if request.endpoint in self.accepted]

    def seconds_to_message(self, requests: list[Request], allowed: bool) -> list[float]:
        return [self.messages[each.endpoint][0][1] - each.at for each in requests if each.allowed == allowed and each.endpoint in self.messages]


def accepted(stack: Stack) -> dict[str, list[float]]:
    """The times of each endpoint's acceptances, in seconds of the epoch."""
    return {endpoint: [at / 1000 for at in times] for endpoint, times in stack.local("tally")["accepted"].items()}


def _states(stack: Stack, generator: Generator) -> dict[str, str]:
    pages = stack.client("ec2").get_paginator("describe_vpc_endpoint_connections")
    ours = {service.id for service in generator.services}
    found = (connection for page in pages.paginate(MaxResults=1000) for connection in page["VpcEndpointConnections"])
    return {connection["VpcEndpointId"]: connection["VpcEndpointState"] for connection in found if connection["ServiceId"] in ours}


def _records(stack: Stack) -> tuple[dict[str, set[str]], set[str]]:
    """The verdicts by endpoint, and the endpoints that are told as a number."""
    records: defaultdict[str, set[str]] = defaultdict(set)
    counted = set()
    for page in stack.client("dynamodb").get_paginator("scan").paginate(TableName=stack.outputs["LedgerName"], ConsistentRead=True):
        for item in page["Items"]:
            if item["pk"]["S"].startswith("request/"):
                endpoint = item["pk"]["S"].rpartition("/")[2]
                records[endpoint].add(item["sk"]["S"].partition("/")[0])
                if item["kind"]["S"] == "counted":
                    counted.add(endpoint)
    return records, counted
