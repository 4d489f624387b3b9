"""The cause of each alarm, made on the deployed stack and undone.

A scenario injects its fault, advances the clock, and yields the exact set of alarms that must be in ALARM then. Afterwards it undoes the fault.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from alarms.cloudwatch import HOUR, PERIOD, CloudWatch
from alarms.fault_actions import ACCESS_DENIED, UNAVAILABLE, await_filled, await_line, await_throttled, call, call_async, configured, delivery_of
from alarms.fault_actions import denied, failing, received_twice, refer_request, stack_topic, sweep_batch, without_concurrency
from harness.accounts import ALLOWED, UNLISTED
from harness.actions import audit, await_record, await_state, batch_of, create_endpoint, create_service, hint, put_service_state, send, service_state
from harness.actions import sweep_event
from harness.fault_injection import redelivered_after
from harness.policy_store import BUCKET, PREFIX, put_broken_manifest
from harness.processes import until
from harness.stack import Stack

RELOADED_SECONDS = 100.0  # approve reads the set once a minute
AGED_SECONDS = 120.0  # the emulator sends a record to the queue when it is a minute old

Steps = Iterator[set[str]]


@dataclass(frozen=True)
class Scenario:
    """A cause, all alarms that it sets off, and all queues that it fills."""

    run: Callable[[Stack, CloudWatch], Steps]
    alarms: set[str]
    fills: set[str]
    slow: bool


SCENARIOS: list[Scenario] = []


def scenario(*alarms: str, fills: tuple[str, ...] = (), slow: bool = False) -> Callable[[Callable[[Stack, CloudWatch], Steps]], Callable[[Stack, CloudWatch], Steps]]:
    """Registers a scenario."""

    def register(run: Callable[[Stack, CloudWatch], Steps]) -> Callable[[Stack, CloudWatch], Steps]:
        SCENARIOS.append(Scenario(run, set(alarms), set(fills), slow))
        return run

    return register


@scenario("PolicyNotRenewed", slow=True)
def policy_set_is_half_uploaded(stack: Stack, cloudwatch: CloudWatch) -> Steps:
    s3, manifest = stack.client("s3"), f"{PREFIX}manifest.json"
    before = s3.get_object(Bucket=BUCKET, Key=manifest)["Body"].read()
    put_broken_manifest(stack)

    def not_reloaded() -> bool:
        call(stack, cloudwatch, "Approve", sweep_batch(stack))
        cloudwatch.read()
        return any('"PolicyNotRead"' in line for line in cloudwatch.lines)

    try:
        for _ in range(2):
            assert cloudwatch.alarming() == set(), "one failure may be an upload in progress"
            cloudwatch.lines.clear()
            until("approve to read the set again", RELOADED_SECONDS, not_reloaded, every=5)
            cloudwatch.advance()
        yield {"PolicyNotRenewed"}
        service = create_service(stack, [ALLOWED])
        # The last good set stays in force, except in an environment that starts now: its messages are delivered again.
        with redelivered_after(stack, 1):
            await_state(stack, service, create_endpoint(stack, ALLOWED, service), "available")
    finally:
        s3.put_object(Bucket=BUCKET, Key=manifest, Body=before)


@scenario("ErrorsToActOn")
def ledger_is_missing(stack: Stack, cloudwatch: CloudWatch) -> Steps:
    service = refer_request(stack)
    with configured(stack, "Approve", LEDGER_TABLE="gone"):
        assert call(stack, cloudwatch, "Approve", batch_of(stack, hint(service)))["batchItemFailures"], "its message is delivered again"
        cloudwatch.advance()
        yield {"ErrorsToActOn"}


@scenario("ErrorsToActOn")
def ec2_denies_approves_call(stack: Stack, cloudwatch: CloudWatch) -> Steps:
    service = refer_request(stack)
    with denied(stack, "DescribeVpcEndpointConnections"):
        assert call(stack, cloudwatch, "Approve", batch_of(stack, hint(service)))["batchItemFailures"]
        cloudwatch.advance()
        yield {"ErrorsToActOn"}


@scenario("ErrorsToActOn")
def service_has_the_state_of_a_newer_version(stack: Stack, cloudwatch: CloudWatch) -> Steps:
    service = refer_request(stack)
    known = service_state(stack, service)
    put_service_state(stack, service, known | {"schema": known["schema"] + 1})
    try:
        assert call(stack, cloudwatch, "Approve", batch_of(stack, hint(service)))["batchItemFailures"]
        cloudwatch.advance()
        yield {"ErrorsToActOn"}
    finally:
        put_service_state(stack, service, known)


@scenario("AuditIncomplete")
def grant_is_unreadable(stack: Stack, cloudwatch: CloudWatch) -> Steps:
    """Nothing is rejected then, and each owner of a pending request is told: tests/scenarios."""
    service = refer_request(stack)
    key = {"pk": {"S": f"decisions/{service.id}"}, "sk": {"S": f"grant/{UNLISTED}"}}
    stack.client("dynamodb").put_item(TableName=stack.outputs["LedgerName"], Item=key | {"kind": {"S": "grant"}, "service": {"S": service.id}, "grant": {"S": "{}"}})
    try:
        assert audit(stack)["unseen"]
        cloudwatch.advance(HOUR)
        yield {"AuditIncomplete"}
    finally:
        stack.client("dynamodb").delete_item(TableName=stack.outputs["LedgerName"], Key=key)


@scenario("RequestsFailed", fills=("DeadLetters",))
def message_is_unreadable(stack: Stack, cloudwatch: CloudWatch) -> Steps:
    send(stack, "not readable")
    await_filled(cloudwatch, "DeadLetters")
    cloudwatch.advance()
    yield {"RequestsFailed"}


@scenario("RequestsFailed", "ApproveErrors", "ErrorsToActOn", fills=("DeadLetters",))
def approve_cannot_start(stack: Stack, cloudwatch: CloudWatch) -> Steps:
    """Its messages are delivered again until they were received too often. On AWS, 30 times in 90 minutes."""
    with configured(stack, "Approve", SERVICE_SCOPE=""), received_twice(stack):
        send(stack, json.dumps(sweep_event(stack)))
        await_filled(cloudwatch, "DeadLetters")
        for _ in range(3):
            assert "ApproveErrors" not in cloudwatch.alarming(), "one failure may be transient"
            assert "errorType" in call(stack, cloudwatch, "Approve", sweep_batch(stack))
            cloudwatch.advance()
        yield {"RequestsFailed", "ApproveErrors", "ErrorsToActOn"}


@scenario("ErrorsToActOn")
def approve_gets_an_unknown_event(stack: Stack, cloudwatch: CloudWatch) -> Steps:
    assert call(stack, cloudwatch, "Approve", {"hello": "approve"})["errorType"] == "UnreadableEvent"
    cloudwatch.advance()
    yield {"ErrorsToActOn"}


@scenario("ApproveThrottles")
def approve_has_no_concurrency(stack: Stack, cloudwatch: CloudWatch) -> Steps:
    with without_concurrency(stack, "Approve"):
        held = 0.0
        for _ in range(3):
            assert cloudwatch.alarming() == set(), "one throttled invocation may be transient"
            call_async(stack, "Approve", sweep_batch(stack))
            held = await_throttled(stack, cloudwatch, "Approve", held)
            cloudwatch.advance()
        yield {"ApproveThrottles"}


@scenario("RequestsDelayed", fills=("Requests",))
def approve_is_not_invoked(stack: Stack, cloudwatch: CloudWatch) -> Steps:
    client, name = stack.client("lambda"), stack.outputs["ApproveFunction"]
    (mapping,) = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        send(stack, json.dumps(sweep_event(stack)))
        await_filled(cloudwatch, "Requests")
        cloudwatch.advance(4 * PERIOD)
        assert cloudwatch.alarming() == set(), "a burst may take minutes"
        cloudwatch.advance(2 * PERIOD)
        yield {"RequestsDelayed"}
    finally:
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


@scenario("AuditMissed")
def no_audit_runs(stack: Stack, cloudwatch: CloudWatch) -> Steps:
    cloudwatch.advance(25 * HOUR)
    assert cloudwatch.alarming() == set(), "a daily audit may be an hour late"
    cloudwatch.advance(6 * HOUR)
    yield {"AuditMissed"}


@scenario("AuditIncomplete")
def ec2_denies_an_audits_call(stack: Stack, cloudwatch: CloudWatch) -> Steps:
    create_service(stack, [ALLOWED])
    with denied(stack, "DescribeVpcEndpointServicePermissions"):
        assert audit(stack)["unseen"]
    cloudwatch.advance()
    yield {"AuditIncomplete"}
    cloudwatch.advance(6 * HOUR)
    yield {"AuditIncomplete"}  # until an audit is complete


@scenario("CriticalFindings")
def unlisted_account_is_accepted_by_hand(stack: Stack, cloudwatch: CloudWatch) -> Steps:
    service = create_service(stack, [UNLISTED])
    endpoint = create_endpoint(stack, UNLISTED, service)
    await_record(stack, service, endpoint, "referred")
    stack.client("ec2").accept_vpc_endpoint_connections(ServiceId=service.id, VpcEndpointIds=[endpoint])
    try:
        audit(stack)
        cloudwatch.advance()
        yield {"CriticalFindings"}
        cloudwatch.advance(6 * HOUR)
        yield {"CriticalFindings"}  # until the connection is gone
    finally:
        stack.client("ec2").reject_vpc_endpoint_connections(ServiceId=service.id, VpcEndpointIds=[endpoint])


@scenario("AuditErrors", "AuditsFailed", "ErrorsToActOn", fills=("AuditFailures",))
def report_bucket_is_missing(stack: Stack, cloudwatch: CloudWatch) -> Steps:
    with configured(stack, "Audit", REPORT_BUCKET="gone"):
        assert call(stack, cloudwatch, "Audit", {})["errorType"] == "ReportNotKept"
        cloudwatch.advance()
        yield {"AuditErrors", "ErrorsToActOn"}
        call_async(stack, "Audit", {})
        await_filled(cloudwatch, "AuditFailures")
        cloudwatch.advance(HOUR)
        yield {"AuditsFailed"}


@scenario("AuditErrors", "AuditsFailed", "ErrorsToActOn", fills=("AuditFailures",))
def audit_cannot_start(stack: Stack, cloudwatch: CloudWatch) -> Steps:
    with configured(stack, "Audit", SERVICE_SCOPE=""):
        assert "errorType" in call(stack, cloudwatch, "Audit", {})
        call_async(stack, "Audit", {})
        await_filled(cloudwatch, "AuditFailures")
        cloudwatch.advance()
        yield {"AuditErrors", "AuditsFailed", "ErrorsToActOn"}


@scenario("AuditThrottles", "AuditsFailed", fills=("AuditFailures",))
def audit_has_no_concurrency(stack: Stack, cloudwatch: CloudWatch) -> Steps:
    _throttle_for_a_quarter_of_an_hour(stack, cloudwatch, "Audit", "AuditFailures", {})
    yield {"AuditThrottles", "AuditsFailed"}


@scenario("RecordsUntold", fills=("UntoldRecords",))
def topics_are_missing(stack: Stack, cloudwatch: CloudWatch) -> Steps:
    """The stack's topic takes the messages of an owner's topic. If it is missing, too, the record is set aside."""
    service = refer_request(stack, topic="gone")
    await_line(cloudwatch, f'"message":"told","partition":"request/{service.id}/')
    cloudwatch.advance()
    assert cloudwatch.alarming() == set(), "the message was told"
    with configured(stack, "Notify", OWNER_TOPIC_ARN=stack_topic("gone")):
        refer_request(stack)
        await_filled(cloudwatch, "UntoldRecords")
    cloudwatch.advance()
    yield {"RecordsUntold"}


@scenario("NotifyErrors", "ErrorsToActOn")
def notify_gets_an_unknown_event(stack: Stack, cloudwatch: CloudWatch) -> Steps:
    for _ in range(3):
        assert "NotifyErrors" not in cloudwatch.alarming(), "one failure may be transient"
        assert call(stack, cloudwatch, "Notify", {"hello": "notify"})["errorType"] == "UnreadableEvent"
        cloudwatch.advance()
    yield {"NotifyErrors", "ErrorsToActOn"}


@scenario("NotifyErrors")
def dynamodb_is_down_for_notify(stack: Stack, cloudwatch: CloudWatch) -> Steps:
    service = refer_request(stack)
    with failing(stack, "GetItem", UNAVAILABLE):
        for _ in range(3):
            assert cloudwatch.alarming() == set(), "one failure may be transient"
            assert call(stack, cloudwatch, "Notify", delivery_of(stack, service))["errorType"] == "AwsTransient"
            cloudwatch.advance()
        yield {"NotifyErrors"}


@scenario("ErrorsToActOn")
def notify_has_no_ledger(stack: Stack, cloudwatch: CloudWatch) -> Steps:
    service = refer_request(stack)
    with configured(stack, "Notify", LEDGER_TABLE="gone"):
        assert call(stack, cloudwatch, "Notify", delivery_of(stack, service))["errorType"] == "AwsCallFailed"
        cloudwatch.advance()
        yield {"ErrorsToActOn"}


@scenario("ErrorsToActOn")
def dynamodb_denies_notifys_mark(stack: Stack, cloudwatch: CloudWatch) -> Steps:
    with failing(stack, "PutItem", ACCESS_DENIED):
        refer_request(stack)
        await_line(cloudwatch, '"NotMarked"')
        cloudwatch.advance()
        yield {"ErrorsToActOn"}


@scenario("NotifyErrors", "ErrorsToActOn", "RecordsUntold", fills=("UntoldRecords",))
def notify_cannot_start(stack: Stack, cloudwatch: CloudWatch) -> Steps:
    """Lambda gives a record up after a day, here after a minute. The message and the queue are the same."""
    client, name = stack.client("lambda"), stack.outputs["NotifyFunction"]
    (mapping,) = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    with configured(stack, "Notify", OWNER_TOPIC_ARN=""):
        client.update_event_source_mapping(UUID=mapping["UUID"], MaximumRecordAgeInSeconds=60)
        try:
            refer_request(stack)
            for _ in range(3):
                assert "NotifyErrors" not in cloudwatch.alarming(), "one failure may be transient"
                assert "errorType" in call(stack, cloudwatch, "Notify", {"Records": []})
                cloudwatch.advance()
            await_filled(cloudwatch, "UntoldRecords", seconds=AGED_SECONDS)
        finally:
            client.update_event_source_mapping(UUID=mapping["UUID"], MaximumRecordAgeInSeconds=mapping["MaximumRecordAgeInSeconds"])
        assert "errorType" in call(stack, cloudwatch, "Notify", {"Records": []})
        cloudwatch.advance()
        yield {"NotifyErrors", "ErrorsToActOn", "RecordsUntold"}
    cloudwatch.advance(HOUR)
    yield {"RecordsUntold"}  # until the queue is empty


@scenario("NotifyThrottles")
def notify_has_no_concurrency(stack: Stack, cloudwatch: CloudWatch) -> Steps:
    with without_concurrency(stack, "Notify"):
        refer_request(stack)
        held = 0.0
        for _ in range(3):
            assert cloudwatch.alarming() == set(), "one throttled invocation may be transient"
            held = await_throttled(stack, cloudwatch, "Notify", held)
            cloudwatch.advance()
        yield {"NotifyThrottles"}


def _throttle_for_a_quarter_of_an_hour(stack: Stack, cloudwatch: CloudWatch, function: str, queue: str, event: Any) -> None:
    """Lambda keeps the event for hours, the emulator for three attempts. The queue is the same."""
    with without_concurrency(stack, function):
        held = 0.0
        for count in range(1, 4):
            assert f"{function}Throttles" not in cloudwatch.alarming(), "one throttled invocation may be transient"
            call_async(stack, function, event)
            held = await_throttled(stack, cloudwatch, function, held)
            await_filled(cloudwatch, queue, count)
            cloudwatch.advance()
