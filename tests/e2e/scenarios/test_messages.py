"""The messages to owners: their attributes and topics, and a message that cannot be published."""

from __future__ import annotations

from typing import Any

from harness.accounts import PROVIDER, REGION, UNLISTED
from harness.actions import await_record, create_endpoint, create_service, invoke, tag
from harness.inbox import Inbox
from harness.stack import NAME, Stack


def test_attributes_serve_subscription_filters(stack: Stack, inbox: Inbox) -> None:
    service = create_service(stack, [UNLISTED])
    message = inbox.await_message(create_endpoint(stack, UNLISTED, service), "referred")
    assert message.attributes == {"decision": "referred", "severity": "warning", "service_id": service.id, "account": UNLISTED}


def test_topic_outside_the_prefix_is_ignored(stack: Stack, inbox: Inbox) -> None:
    elsewhere = stack.client("sns").create_topic(Name="elsewhere")["TopicArn"]
    stranger = Inbox.subscribe(stack, elsewhere, "stranger-inbox")
    service = create_service(stack, [UNLISTED])
    tag(stack, service, "warden:owner-topic", elsewhere)
    endpoint = create_endpoint(stack, UNLISTED, service)
    inbox.await_message(endpoint, "referred")
    assert stranger.find(endpoint, "referred") is None


def test_unpublishable_record_fails_alone(stack: Stack, inbox: Inbox) -> None:
    """Invokes notify with a batch of two, of which one names a missing topic. ministack ignores partial batch responses."""
    good, gone = create_service(stack, [UNLISTED]), create_service(stack, [UNLISTED])
    tag(stack, gone, "warden:owner-topic", f"arn:aws:sns:{REGION}:{PROVIDER}:{NAME}-gone")
    good_endpoint, gone_endpoint = create_endpoint(stack, UNLISTED, good), create_endpoint(stack, UNLISTED, gone)
    items = [await_record(stack, gone, gone_endpoint, "referred"), await_record(stack, good, good_endpoint, "referred")]
    inbox.await_message(good_endpoint, "referred")
    before = inbox.count(good_endpoint)
    answer = invoke(stack, stack.outputs["NotifyFunction"], {"Records": [stream_record(str(number), item) for number, item in enumerate(items, 1)]})
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert inbox.count(good_endpoint) == before + 1


def stream_record(number: str, item: dict[str, Any]) -> dict[str, Any]:
    """An item as DynamoDB's stream delivers it."""
    change = {"Keys": {key: item[key] for key in ("pk", "sk")}, "NewImage": item, "SequenceNumber": number, "StreamViewType": "NEW_IMAGE"}
    return {"eventID": number, "eventName": "INSERT", "eventSource": "aws:dynamodb", "awsRegion": REGION, "dynamodb": change}
