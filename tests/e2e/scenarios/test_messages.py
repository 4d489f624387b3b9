"""The messages to owners: their attributes and topics, and a record that cannot be told."""

from __future__ import annotations

import json
import re
from typing import Any

from harness.accounts import ALLOWED, PROVIDER, REGION, UNLISTED
from harness.actions import await_record, create_endpoint, create_service, invoke, queue_length, tag, warden
from harness.inbox import Inbox
from harness.processes import until
from harness.stack import NAME, Stack
from tasks.paths import ROOT


def test_attributes_serve_subscription_filters(stack: Stack, inbox: Inbox) -> None:
    service = create_service(stack, [UNLISTED])
    message = inbox.await_message(create_endpoint(stack, UNLISTED, service), "referred")
    assert message.attributes == {"decision": "referred", "severity": "warning", "service_id": service.id, "account": UNLISTED}


def test_documented_filter_passes_what_waits(stack: Stack, inbox: Inbox) -> None:
    """The filter policy of operations.md, for owners who only want what waits for them."""
    found = re.search(r"FilterPolicy \\\n  --attribute-value '(.+)'", (ROOT / "docs" / "operations.md").read_text())
    assert found
    filtered = Inbox.subscribe(stack, stack.outputs["OwnersTopicArn"], "filtered-inbox", FilterPolicy=found.group(1))
    service = create_service(stack, [ALLOWED, UNLISTED])
    accepted = create_endpoint(stack, ALLOWED, service)
    inbox.await_message(accepted, "accepted")
    referred = create_endpoint(stack, UNLISTED, service)
    filtered.await_message(referred, "referred")
    assert filtered.count(accepted) == 0


def test_topic_outside_the_prefix_is_ignored(stack: Stack, inbox: Inbox) -> None:
    elsewhere = stack.client("sns").create_topic(Name="elsewhere")["TopicArn"]
    stranger = Inbox.subscribe(stack, elsewhere, "stranger-inbox")
    service = create_service(stack, [UNLISTED])
    tag(stack, service, "warden:owner-topic", elsewhere)
    endpoint = create_endpoint(stack, UNLISTED, service)
    inbox.await_message(endpoint, "referred")
    assert stranger.find(endpoint, "referred") is None


def test_missing_topic_falls_back_with_a_note(stack: Stack, inbox: Inbox) -> None:
    gone = f"arn:aws:sns:{REGION}:{PROVIDER}:{NAME}-gone"
    service = create_service(stack, [UNLISTED])
    tag(stack, service, "warden:owner-topic", gone)
    text = inbox.await_message(create_endpoint(stack, UNLISTED, service), "referred").body["text"]
    assert f"the service's tag `warden:owner-topic` names `{gone}`: SNS answers NotFound" in text, text


def test_untellable_record_is_set_aside(stack: Stack, inbox: Inbox) -> None:
    """Delivers a record that this version cannot tell, and then one that was told before."""
    service = create_service(stack, [UNLISTED])
    endpoint = create_endpoint(stack, UNLISTED, service)
    inbox.await_message(endpoint, "referred")
    item = await_record(stack, service, endpoint, "referred")
    newer = item | {"record": {"S": json.dumps(json.loads(item["record"]["S"]) | {"schema": 99})}}
    before, untold = inbox.count(endpoint), queue_length(stack, "UntoldRecordsUrl")
    for number, each in enumerate((newer, item), 1):
        assert deliver(stack, stream_record(str(number), each)) is None, "the delivery is over"
    assert inbox.count(endpoint) == before, "neither delivery tells the owner"
    assert queue_length(stack, "UntoldRecordsUrl") == untold + 1
    sqs, queue = stack.client("sqs"), stack.outputs["UntoldRecordsUrl"]
    # Other tests on this stack may have left messages in the queue.
    received = sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["All"], MaxNumberOfMessages=10)["Messages"]
    (message,) = (one for one in received if endpoint in one["Body"])
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert json.loads(message["Body"]) == {"Records": [stream_record("1", newer)]}
    assert "schema 99" in message["MessageAttributes"]["reason"]["StringValue"]


def test_requesters_reason_reaches_the_owner(stack: Stack, inbox: Inbox) -> None:
    """By CloudTrail's event, which may arrive before or after the notification."""
    service = create_service(stack, [UNLISTED])
    tags = [{"Key": "Name", "Value": "redis"}, {"Key": "warden:reason", "Value": "PAY-7 <!channel>"}]
    endpoint = create_endpoint(stack, UNLISTED, service, TagSpecifications=[{"ResourceType": "vpc-endpoint", "Tags": tags}])

    def claimed() -> dict[str, Any] | None:
        inbox.read()
        return next((each.body for each in inbox.messages if each.subject == (endpoint, "referred") and each.body["claimed_reason"]), None)

    message = until("the message with the requester's reason", 30, claimed)
    assert message["claimed_reason"] == r"PAY-7 \u{3c}!channel\u{3e}"
    assert 'The requester claims, and no policy reads it: "PAY-7' in message["text"]
    assert "(claimed by the requester: \"PAY-7" in warden(stack, "history", endpoint)


def deliver(stack: Stack, record: dict[str, Any]) -> Any:
    """Invokes notify with one record, as the mapping of the stream does. Returns its answer."""
    return invoke(stack, stack.outputs["NotifyFunction"], {"Records": [record]})


def stream_record(number: str, item: dict[str, Any]) -> dict[str, Any]:
    """An item as DynamoDB's stream delivers it."""
    change = {"Keys": {key: item[key] for key in ("pk", "sk")}, "NewImage": item, "SequenceNumber": number, "StreamViewType": "NEW_IMAGE"}
    return {"eventID": number, "eventName": "INSERT", "eventSource": "aws:dynamodb", "awsRegion": REGION, "dynamodb": change}
