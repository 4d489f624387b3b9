"""The actions of the alarm scenarios: invocations, waits, and faults that end with their block."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from alarms.cloudwatch import CloudWatch
from harness.accounts import PROVIDER, REGION, UNLISTED
from harness.actions import Service, await_record, batch_of, connections, create_endpoint, create_service, records, sweep, sweep_event, tag
from harness.fault_injection import DENIED, fail, lose_notifications
from harness.processes import until
from harness.stack import NAME, Stack

SECONDS = 30.0
# DynamoDB's errors.
ACCESS_DENIED = {"code": "AccessDeniedException", "status": "400"}
UNAVAILABLE = {"code": "ServiceUnavailable", "status": "503"}


def call(stack: Stack, cloudwatch: CloudWatch, function: str, event: Any) -> dict[str, Any]:
    """Invokes a function synchronously. The emulator has the output of a failed start in its answer, not in the log, so it is added there."""
    client, name = stack.client("lambda"), stack.outputs[f"{function}Function"]
    answer = client.invoke(FunctionName=name, Payload=json.dumps(event))
    body: dict[str, Any] = json.loads(answer["Payload"].read())
    message = str(body.get("errorMessage"))
    if "exited during init" in message:
        group = client.get_function_configuration(FunctionName=name)["LoggingConfig"]["LogGroup"]
        cloudwatch.add_lines(group, message.partition(": ")[2].splitlines())
    return body


def call_async(stack: Stack, function: str, event: Any) -> None:
    """Invokes a function asynchronously, as rules, topics and schedules do: Lambda tries it three times."""
    stack.client("lambda").invoke(FunctionName=stack.outputs[f"{function}Function"], Payload=json.dumps(event), InvocationType="Event")


def await_filled(cloudwatch: CloudWatch, queue: str, count: int = 1, seconds: float = SECONDS) -> None:
    """Waits for so many messages in a queue."""
    until(f"{count} messages in {queue}", seconds, lambda: cloudwatch.depth(queue) == count)


def await_line(cloudwatch: CloudWatch, word: str) -> None:
    """Waits for a new log line with a word."""

    def logged() -> bool:
        cloudwatch.read()
        return any(word in line for line in cloudwatch.lines)

    cloudwatch.lines.clear()
    until(f"a line with {word}", SECONDS, logged)


@contextlib.contextmanager
def failing(stack: Stack, action: str, error: dict[str, str]) -> Iterator[None]:
    """Every call of an action fails."""
    fail(stack, action, error, 1000)
    try:
        yield
    finally:
        fail(stack, action, error, 0)


def denied(stack: Stack, action: str) -> contextlib.AbstractContextManager[None]:
    """EC2 denies an action."""
    return failing(stack, action, DENIED)


@contextlib.contextmanager
def configured(stack: Stack, function: str, **variables: str) -> Iterator[None]:
    """A function has other environment variables."""
    client, name = stack.client("lambda"), stack.outputs[f"{function}Function"]
    before = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    client.update_function_configuration(FunctionName=name, Environment={"Variables": before | variables})
    try:
        yield
    finally:
        client.update_function_configuration(FunctionName=name, Environment={"Variables": before})


@contextlib.contextmanager
def received_twice(stack: Stack) -> Iterator[None]:
    """The request queue delivers a message again after a second, and sets it aside after two deliveries."""
    sqs, url = stack.client("sqs"), stack.outputs["RequestsUrl"]
    before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout", "RedrivePolicy"])["Attributes"]
    redrive = json.dumps(json.loads(before["RedrivePolicy"]) | {"maxReceiveCount": 2})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1", "RedrivePolicy": redrive})
    try:
        yield
    finally:
        sqs.set_queue_attributes(QueueUrl=url, Attributes=before)


def sweep_batch(stack: Stack) -> dict[str, Any]:
    """The event with which Lambda hands the schedule's message over."""
    return batch_of(stack, json.dumps(sweep_event(stack)))


@contextlib.contextmanager
def without_concurrency(stack: Stack, function: str) -> Iterator[None]:
    """A function has a reserved concurrency of 0."""
    client, name = stack.client("lambda"), stack.outputs[f"{function}Function"]
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        yield
    finally:
        client.delete_function_concurrency(FunctionName=name)


def await_throttled(stack: Stack, cloudwatch: CloudWatch, function: str, after: float) -> float:
    """Waits until Lambda has throttled a function once more. Returns the number of times."""
    name = stack.outputs[f"{function}Function"]
    return until(f"{function} to be throttled", SECONDS, lambda: now if (now := cloudwatch.total("AWS/Lambda", "Throttles", FunctionName=name)) > after else None)


def refer_request(stack: Stack, topic: str = "") -> Service:
    """A pending request with a message for its owner, on a topic of the service's own if `topic` names one."""
    service = create_service(stack, [UNLISTED])
    if topic:
        tag(stack, service, "warden:owner-topic", stack_topic(topic))
    # By a sweep alone: an event could still be in progress when the fault begins.
    lose_notifications(stack)
    endpoint = create_endpoint(stack, UNLISTED, service)
    sweep(stack)
    await_record(stack, service, endpoint, "referred")
    return service


def stack_topic(name: str) -> str:
    """The ARN of a topic that a service's tag may name."""
    return f"arn:aws:sns:{REGION}:{PROVIDER}:{NAME}-{name}"


def delivery_of(stack: Stack, service: Service) -> dict[str, Any]:
    """The event with which Lambda delivers the record of a service's only request."""
    (endpoint,) = connections(stack, service)
    item = records(stack, service, endpoint)["referred"]
    change = {"Keys": {key: item[key] for key in ("pk", "sk")}, "NewImage": item, "SequenceNumber": "1", "StreamViewType": "NEW_IMAGE"}
    return {"Records": [{"eventName": "INSERT", "eventSource": "aws:dynamodb", "dynamodb": change}]}
