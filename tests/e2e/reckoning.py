"""What became of every single request, and what is wrong with it."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from crowd import Crowd, Request
from inbox import Inbox
from stack import SETTLE_MS, Stack


@dataclass
class Reckoning:
    """Everything that there is to know, read once after the load."""

    states: dict[str, str]
    accepted: dict[str, list[float]]  # by endpoint, when EC2 took an acceptance: seconds of the epoch
    records: dict[str, dict[str, str]]  # by endpoint: verdict, and which kind of trigger it came by
    mails: dict[str, list[tuple[str, float]]]  # by endpoint: decision, and when it reached the queue
    dead: dict[str, int]  # letters by queue
    calls: Counter[str]  # of approve to EC2, by action
    throttled: Counter[str]
    wrong: list[str] = field(default_factory=list)

    def judge(self, crowd: Crowd) -> None:
        """Finds what is wrong."""
        for request in crowd.requests:
            self.wrong += [f"{request.endpoint} ({'allowed' if request.allowed else 'a stranger'}): {what}" for what in self._wrong_with(request)]
        let_in = {request.endpoint for request in crowd.requests if request.allowed}
        self.wrong += [f"{endpoint}: accepted, and nobody asked who may" for endpoint in self.accepted.keys() - let_in]
        self.wrong += [f"{queue}: {letters} dead letters" for queue, letters in self.dead.items() if letters]

    def _wrong_with(self, request: Request) -> list[str]:
        endpoint, verdict = request.endpoint, "accepted" if request.allowed else "referred"
        state, acceptances = self.states.get(endpoint, "absent"), len(self.accepted.get(endpoint, []))
        others = self.records.get(endpoint, {}).keys() - {verdict, "failed"}
        problems = {
            f"is {state}": state != ("available" if request.allowed else "pendingAcceptance"),
            f"was accepted {acceptances} times": acceptances != int(request.allowed),
            f"has no record `{verdict}`": verdict not in self.records.get(endpoint, {}),
            f"has records {sorted(others)}": bool(others),
            f"its owner was not told `{verdict}`": verdict not in dict(self.mails.get(endpoint, [])),
        }
        return [problem for problem, holds in problems.items() if holds]

    def by_trigger(self, requests: list[Request]) -> Counter[str]:
        """Which kind of trigger led to the answer."""
        return Counter(self.records.get(request.endpoint, {}).get("accepted" if request.allowed else "referred", "none") for request in requests)

    def failed_first(self, requests: list[Request]) -> int:
        """Requests that EC2 did not take at first, which is on the record, too."""
        return sum("failed" in self.records.get(request.endpoint, {}) for request in requests)

    def told_again(self) -> int:
        """Messages that said what another had said already."""
        return sum(len(mails) - len({decision for decision, _ in mails}) for mails in self.mails.values())

    def seconds_to_accept(self, requests: list[Request]) -> list[float]:
        return [self.accepted[request.endpoint][0] - request.at for request in requests if request.endpoint in self.accepted]

    def seconds_to_available(self, requests: list[Request]) -> list[float]:
        """The stand-in's own half a second included."""
        return [seconds + SETTLE_MS / 1000 for seconds in self.seconds_to_accept(requests)]

    def seconds_to_tell(self, requests: list[Request], allowed: bool) -> list[float]:
        told = [(request.at, self.mails[request.endpoint][0][1]) for request in requests if request.allowed == allowed and request.endpoint in self.mails]
        return [at - asked for asked, at in told]


def reckon(stack: Stack, crowd: Crowd, inbox: Inbox) -> Reckoning:
    """Reads it all."""
    inbox.read()
    mails: defaultdict[str, list[tuple[str, float]]] = defaultdict(list)
    for mail in inbox.mails:
        endpoint, decision = mail.about
        mails[endpoint].append((decision, mail.sent))
    tally = stack.local("tally")
    approve = next((calls for session, calls in tally["calls"].items() if "ApproveRole" in session), {})
    accepted = {endpoint: [at / 1000 for at in times] for endpoint, times in tally["accepted"].items()}
    return Reckoning(_states(stack, crowd), accepted, _records(stack), mails, dead_letters(stack), Counter(approve), Counter(tally["throttled"]))


def dead_letters(stack: Stack) -> dict[str, int]:
    """The letters in every queue of the stack."""
    sqs, queues = stack.client("sqs"), {name: url for name, url in stack.outputs.items() if name.endswith("Url")}
    return {name.removesuffix("Url"): letters_in(sqs, url) for name, url in queues.items()}


def letters_in(sqs: Any, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return sum(int(number) for number in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values())


def _states(stack: Stack, crowd: Crowd) -> dict[str, str]:
    pages = stack.client("ec2").get_paginator("describe_vpc_endpoint_connections")
    ours = {service.id for service in crowd.services}
    found = (connection for page in pages.paginate(MaxResults=1000) for connection in page["VpcEndpointConnections"])
    return {connection["VpcEndpointId"]: connection["VpcEndpointState"] for connection in found if connection["ServiceId"] in ours}


def _records(stack: Stack) -> dict[str, dict[str, str]]:
    records: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for page in stack.client("dynamodb").get_paginator("scan").paginate(TableName=stack.outputs["LedgerName"], ConsistentRead=True):
        for item in page["Items"]:
            if item["kind"]["S"] == "decision":
                endpoint = item["connection"]["S"].rpartition("/")[2]
                records[endpoint][item["verdict"]["S"]] = str(json.loads(item["record"]["S"])["origin"]["kind"])
    return records
