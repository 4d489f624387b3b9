"""A queue on the owners' topic: what the owners of services get to read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from processes import until
from stack import Stack


@dataclass(frozen=True)
class Mail:
    """One message, as a queue's subscriber sees it."""

    body: dict[str, Any]
    attributes: dict[str, str]
    sent: float  # seconds of the epoch

    @property
    def about(self) -> tuple[str, str]:
        return str(self.body.get("endpoint_id")), str(self.body.get("decision"))


@dataclass
class Inbox:
    """Reads everything that comes, and keeps it."""

    stack: Stack
    url: str
    mails: list[Mail] = field(default_factory=list)

    @classmethod
    def subscribe(cls, stack: Stack, topic: str, name: str = "owner-inbox") -> Inbox:
        """A queue of the provider's own on a topic."""
        sqs = stack.client("sqs")
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        stack.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"}, ReturnSubscriptionArn=True)
        return cls(stack, url)

    def await_mail(self, endpoint: str, decision: str, seconds: float = 20.0) -> Mail:
        """The mail about one verdict on one endpoint."""
        return until(f"the owner's message `{decision}` about {endpoint}", seconds, lambda: self.find(endpoint, decision))

    def find(self, endpoint: str, decision: str) -> Mail | None:
        """It, if it has come."""
        self.read()
        return next((mail for mail in self.mails if mail.about == (endpoint, decision)), None)

    def digests(self, service: str) -> list[Mail]:
        """The audits' messages so far that speak of a service."""
        self.read()
        return [mail for mail in self.mails if mail.body.get("decision") == "audit" and service in json.dumps(mail.body)]

    def count(self, endpoint: str) -> int:
        """How many mails there are about an endpoint."""
        self.read()
        return sum(mail.about[0] == endpoint for mail in self.mails)

    def read(self) -> None:
        """Takes in whatever waits."""
        sqs = self.stack.client("sqs")
        while messages := sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], AttributeNames=["SentTimestamp"]).get("Messages"):
            for message in messages:
                attributes = {key: value["StringValue"] for key, value in message.get("MessageAttributes", {}).items()}
                self.mails.append(Mail(json.loads(message["Body"]), attributes, int(message["Attributes"]["SentTimestamp"]) / 1000))
            done = [{"Id": str(at), "ReceiptHandle": message["ReceiptHandle"]} for at, message in enumerate(messages)]
            sqs.delete_message_batch(QueueUrl=self.url, Entries=done)
