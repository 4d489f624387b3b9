"""A queue subscribed to an owner's topic: the messages that owners get."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from harness.processes import until
from harness.stack import Stack


@dataclass(frozen=True)
class Message:
    """One message as a queue's subscriber gets it."""

    body: dict[str, Any]
    attributes: dict[str, str]
    sent: float  # seconds of the epoch

    @property
    def subject(self) -> tuple[str, str]:
        """The endpoint and the decision."""
        return str(self.body.get("subject")), str(self.body.get("decision"))


@dataclass
class Inbox:
    """Keeps every message that it has read."""

    stack: Stack
    url: str
    messages: list[Message] = field(default_factory=list)

    @classmethod
    def subscribe(cls, stack: Stack, topic: str, name: str = "owner-inbox", **attributes: str) -> Inbox:
        """Subscribes a new queue of the provider to a topic, with these attributes of the subscription."""
        sqs = stack.client("sqs")
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        stack.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"} | attributes, ReturnSubscriptionArn=True)
        return cls(stack, url)

    def await_message(self, endpoint: str, decision: str, seconds: float = 20.0) -> Message:
        """Waits for the message about a decision on an endpoint."""
        return until(f"the owner's message `{decision}` about {endpoint}", seconds, lambda: self.find(endpoint, decision))

    def find(self, endpoint: str, decision: str) -> Message | None:
        """The message about a decision on an endpoint, if it has arrived."""
        self.read()
        return next((message for message in self.messages if message.subject == (endpoint, decision)), None)

    def await_digests(self, service: str, count: int, seconds: float = 30.0) -> list[dict[str, Any]]:
        """Waits for so many messages of audits about a service, and returns them all."""
        return until(f"{count} messages of audits about {service}", seconds, lambda: found if len(found := self.digests(service)) >= count else None)

    def digests(self, service: str) -> list[dict[str, Any]]:
        """The messages of audits about a service so far."""
        self.read()
        return [message.body for message in self.messages if message.body.get("decision") == "audit" and service in json.dumps(message.body)]

    def count(self, endpoint: str, decision: str = "") -> int:
        """The number of messages about an endpoint so far, with any decision or this one."""
        self.read()
        return sum(message.subject == (endpoint, decision or message.subject[1]) for message in self.messages)

    def read(self) -> None:
        """Reads everything in the queue."""
        sqs = self.stack.client("sqs")
        while received := sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], AttributeNames=["SentTimestamp"]).get("Messages"):
            for each in received:
                attributes = {key: value["StringValue"] for key, value in each.get("MessageAttributes", {}).items()}
                self.messages.append(Message(json.loads(each["Body"]), attributes, int(each["Attributes"]["SentTimestamp"]) / 1000))
            done = [{"Id": str(at), "ReceiptHandle": each["ReceiptHandle"]} for at, each in enumerate(received)]
            sqs.delete_message_batch(QueueUrl=self.url, Entries=done)
