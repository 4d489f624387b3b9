"""The verification of a load: the result of every request, and each error in it."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from harness.inbox import Inbox
from harness.stack import Stack
from load.generator import Generator, Request


@dataclass
class Results:
    """The state of everything after the load."""

    states: dict[str, str]
    accepted: dict[str, list[float]]  # by endpoint: the times of its acceptances, in seconds of the epoch
    records: dict[str, set[str]]  # by endpoint: verdicts
    messages: dict[str, list[tuple[str, float]]]  # by endpoint: decision, and when the message reached the queue
    dead_letters: dict[str, int]  # by queue
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
        accepted = {endpoint: [at / 1000 for at in times] for endpoint, times in tally["accepted"].items()}
        return cls(_states(stack, generator), accepted, _records(stack), messages, _dead_letters(stack), Counter(approve), Counter(tally["throttled"]))

    def verify(self, requests: list[Request]) -> None:
        """Fills `errors`."""
        for request in requests:
            self.errors += [f"{request.endpoint} ({'allowed' if request.allowed else 'unlisted'}): {error}" for error in self._errors_of(request)]
        allowed = {request.endpoint for request in requests if request.allowed}
        self.errors += [f"{endpoint}: accepted without a request of an allowed account" for endpoint in self.accepted.keys() - allowed]
        self.errors += [f"{queue}: {letters} dead letters" for queue, letters in self.dead_letters.items() if letters]

    def _errors_of(self, request: Request) -> list[str]:
        endpoint, verdict = request.endpoint, "accepted" if request.allowed else "referred"
        state, acceptances = self.states.get(endpoint, "absent"), len(self.accepted.get(endpoint, []))
        others = self.records.get(endpoint, set()) - {verdict, "failed"}
        errors = {
            f"is {state}": state != ("available" if request.allowed else "pendingAcceptance"),
            f"was accepted {acceptances} times": acceptances != int(request.allowed),
            f"has no record `{verdict}`": verdict not in self.records.get(endpoint, set()),
            f"has records {sorted(others)}": bool(others),
            f"its owner has no message `{verdict}`": verdict not in dict(self.messages.get(endpoint, [])),
        }
        return [error for error, holds in errors.items() if holds]

    def repeated_messages(self) -> int:
        """The number of messages that repeat another."""
        return sum(len(messages) - len({decision for decision, _ in messages}) for messages in self.messages.values())

    def seconds_to_accept(self, requests: list[Request]) -> list[float]:
        return [self.accepted[request.endpoint][0] - request.at for request in requests if request.endpoint in self.accepted]

    def seconds_to_message(self, requests: list[Request], allowed: bool) -> list[float]:
        return [self.messages[each.endpoint][0][1] - each.at for each in requests if each.allowed == allowed and each.endpoint in self.messages]


def _dead_letters(stack: Stack) -> dict[str, int]:
    sqs, queues = stack.client("sqs"), {name.removesuffix("Url"): url for name, url in stack.outputs.items() if name.endswith("Url")}
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return {name: sum(map(int, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values())) for name, url in queues.items()}


def _states(stack: Stack, generator: Generator) -> dict[str, str]:
    pages = stack.client("ec2").get_paginator("describe_vpc_endpoint_connections")
    ours = {service.id for service in generator.services}
    found = (connection for page in pages.paginate(MaxResults=1000) for connection in page["VpcEndpointConnections"])
    return {connection["VpcEndpointId"]: connection["VpcEndpointState"] for connection in found if connection["ServiceId"] in ours}


def _records(stack: Stack) -> dict[str, set[str]]:
    records: defaultdict[str, set[str]] = defaultdict(set)
    for page in stack.client("dynamodb").get_paginator("scan").paginate(TableName=stack.outputs["LedgerName"], ConsistentRead=True):
        for item in page["Items"]:
            if item["kind"]["S"] == "decision":
                records[item["connection"]["S"].rpartition("/")[2]].add(item["verdict"]["S"])
    return records
