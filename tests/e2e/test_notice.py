"""What the owners read, and that one unpublishable message holds up no other."""

from __future__ import annotations

from typing import Any

from accounts import B, PROVIDER, REGION
from inbox import Inbox
from scenario import ask, await_record, invoke, offer
from stack import NAME, Stack


def test_attributes_let_subscribers_filter(stack: Stack, inbox: Inbox) -> None:
    service = offer(stack, [B])
    mail = inbox.await_mail(ask(stack, B, service), "referred")
    assert mail.attributes == {"decision": "referred", "severity": "warning", "service_id": service.id, "account": B}


def test_a_service_may_name_its_owners_topic(stack: Stack) -> None:
    topic = stack.client("sns").create_topic(Name=f"{NAME}-redis-team")["TopicArn"]
    team = Inbox.subscribe(stack, topic, "redis-team-inbox")
    service = offer(stack, [B])
    tag(stack, service.id, "warden:owner-topic", topic)
    team.await_mail(ask(stack, B, service), "referred")


def test_a_topic_outside_the_prefix_is_not_used(stack: Stack, inbox: Inbox) -> None:
    elsewhere = stack.client("sns").create_topic(Name="elsewhere")["TopicArn"]
    stranger = Inbox.subscribe(stack, elsewhere, "stranger-inbox")
    service = offer(stack, [B])
    tag(stack, service.id, "warden:owner-topic", elsewhere)
    endpoint = ask(stack, B, service)
    inbox.await_mail(endpoint, "referred")
    assert stranger.find(endpoint, "referred") is None


def test_an_unpublishable_record_fails_alone(stack: Stack, inbox: Inbox) -> None:
    """A batch of two, handed to notify as the stream would: one names a topic that is gone. (ministack ignores partial batch
    responses, so the response itself is what can be looked at.)"""
    good, gone = offer(stack, [B]), offer(stack, [B])
    tag(stack, gone.id, "warden:owner-topic", f"arn:aws:sns:{REGION}:{PROVIDER}:{NAME}-gone")
    good_endpoint, gone_endpoint = ask(stack, B, good), ask(stack, B, gone)
    items = [await_record(stack, gone, gone_endpoint, "referred"), await_record(stack, good, good_endpoint, "referred")]
    inbox.await_mail(good_endpoint, "referred")
    before = inbox.count(good_endpoint)
    answer = invoke(stack, stack.outputs["NotifyFunction"], {"Records": [entry(str(number), item) for number, item in enumerate(items, 1)]})
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert inbox.count(good_endpoint) == before + 1


def entry(number: str, item: dict[str, Any]) -> dict[str, Any]:
    """An item as the stream hands it over."""
    change = {"Keys": {key: item[key] for key in ("connection", "verdict")}, "NewImage": item, "SequenceNumber": number, "StreamViewType": "NEW_IMAGE"}
    return {"eventID": number, "eventName": "INSERT", "eventSource": "aws:dynamodb", "awsRegion": REGION, "dynamodb": change}


def tag(stack: Stack, service: str, key: str, value: str) -> None:
    """The provider tags its service."""
    stack.client("ec2").create_tags(Resources=[service], Tags=[{"Key": key, "Value": value}])
