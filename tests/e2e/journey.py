"""What makes each alarm go off: the real thing done to the deployed stack, and undone.

A journey does its harm, lets time pass on the watch, and yields the exact set of alarms that must be on then; afterwards it
mends what it broke. A queue that it fills is said beside them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from accounts import A, B
from harm import await_filled, await_line, await_throttled, call, configured, hand_over, held_back, refusing, to_be_told
from processes import until
from ruleset import BUCKET, PREFIX
from scenario import ask, audit, await_record, creation_event, offer, sweep, sweep_event
from stack import Stack
from watch import HOUR, Watch

RENEWED_SECONDS = 100.0  # a set is looked at once a minute
AGED_SECONDS = 120.0  # a record must be a minute old before the emulator hands it over

Steps = Iterator[set[str]]


@dataclass(frozen=True)
class Journey:
    """One way to go wrong."""

    go: Callable[[Stack, Watch], Steps]
    fires: set[str]
    fills: set[str]

    @property
    def name(self) -> str:
        return self.go.__name__


JOURNEYS: list[Journey] = []


def journey(*fires: str, fills: tuple[str, ...] = ()) -> Callable[[Callable[[Stack, Watch], Steps]], Callable[[Stack, Watch], Steps]]:
    """Registers one, with all alarms that it makes go off and all queues that it fills on the way."""

    def register(go: Callable[[Stack, Watch], Steps]) -> Callable[[Stack, Watch], Steps]:
        JOURNEYS.append(Journey(go, set(fires), set(fills)))
        return go

    return register


# ---- approve ---------------------------------------------------------------------------------------------------------


@journey("PolicyNotRenewed")
def the_policy_set_is_half_uploaded(stack: Stack, watch: Watch) -> Steps:
    s3, manifest = stack.client("s3"), f"{PREFIX}manifest.json"
    before = s3.get_object(Bucket=BUCKET, Key=manifest)["Body"].read()
    s3.put_object(Bucket=BUCKET, Key=manifest, Body=json.dumps({"schema": 1, "sha256": {"missing.cedar": "0" * 64}}).encode())

    def said_so() -> bool:
        call(stack, watch, "Approve", sweep_event(stack))
        watch.look()
        return any('"PolicyNotRead"' in line for line in watch.lines)

    try:
        for _ in range(2):
            assert watch.firing() == set(), "once may be an upload under way"
            watch.lines.clear()
            until("approve to look at the set again", RENEWED_SECONDS, said_so, every=2)
            watch.rest()
        yield {"PolicyNotRenewed"}
    finally:
        s3.put_object(Bucket=BUCKET, Key=manifest, Body=before)


@journey("ApproveErrors")
def the_ledger_is_lost(stack: Stack, watch: Watch) -> Steps:
    to_be_told(stack)
    with configured(stack, "Approve", LEDGER_TABLE="gone"):
        for _ in range(3):
            assert watch.firing() == set(), "one failure passes by itself"
            assert call(stack, watch, "Approve", sweep_event(stack)).body["errorType"] == "SweepIncomplete"
            watch.rest()
        yield {"ApproveErrors"}


@journey("ErrorsToActOn", "AuditIncomplete")
def a_grant_cannot_be_read(stack: Stack, watch: Watch) -> Steps:
    service = to_be_told(stack)
    key = {"connection": {"S": f"grants/{service.id}"}, "verdict": {"S": f"{B}#2026-01-01T00:00:00Z"}}
    stack.client("dynamodb").put_item(TableName=stack.outputs["LedgerName"], Item=key | {"kind": {"S": "grant"}, "service": {"S": service.id}, "grant": {"S": "{}"}})
    try:
        sweep(stack)
        watch.rest()
        yield {"ErrorsToActOn"}
        assert audit(stack)["unseen"]
        watch.rest(HOUR)
        yield {"AuditIncomplete"}
    finally:
        stack.client("dynamodb").delete_item(TableName=stack.outputs["LedgerName"], Key=key)


@journey("RequestsFailed", "ErrorsToActOn", fills=("ApproveFailures",))
def ec2_refuses_what_an_event_needs(stack: Stack, watch: Watch) -> Steps:
    service = offer(stack, [A])
    stack.local("drop-notifications", post=True, next="1")
    asked = ask(stack, A, service)
    event = sweep_event(stack) | {"source": "aws.ec2", "detail-type": "AWS API Call via CloudTrail", "detail": creation_event(service, asked, A)}
    with refusing(stack, "DescribeVpcEndpointConnections"):
        hand_over(stack, "Approve", event)
        await_filled(watch, "ApproveFailures")
        watch.rest()
        yield {"RequestsFailed", "ErrorsToActOn"}


@journey("RequestsFailed", "ErrorsToActOn", fills=("ApproveFailures",))
def approve_is_sent_nonsense(stack: Stack, watch: Watch) -> Steps:
    hand_over(stack, "Approve", {"hello": "approve"})
    await_filled(watch, "ApproveFailures")
    watch.rest()
    yield {"RequestsFailed", "ErrorsToActOn"}


@journey("ApproveErrors", "RequestsFailed", "ErrorsToActOn", fills=("ApproveFailures",))
def approve_cannot_start(stack: Stack, watch: Watch) -> Steps:
    with configured(stack, "Approve", SERVICE_SCOPE=""):
        hand_over(stack, "Approve", sweep_event(stack))
        await_filled(watch, "ApproveFailures")
        for _ in range(3):
            assert call(stack, watch, "Approve", sweep_event(stack)).failed
            watch.rest()
        yield {"ApproveErrors", "RequestsFailed", "ErrorsToActOn"}


@journey("ApproveThrottles", "RequestsFailed", fills=("ApproveFailures",))
def approve_is_not_let_run(stack: Stack, watch: Watch) -> Steps:
    _hold_back_for_a_quarter_of_an_hour(stack, watch, "Approve", "ApproveFailures", sweep_event(stack))
    yield {"ApproveThrottles", "RequestsFailed"}


# ---- audit -----------------------------------------------------------------------------------------------------------


@journey("AuditMissed")
def nobody_audits(stack: Stack, watch: Watch) -> Steps:
    watch.rest(25 * HOUR)
    assert watch.firing() == set(), "a daily audit may be an hour late"
    watch.rest(6 * HOUR)
    yield {"AuditMissed"}


@journey("AuditIncomplete")
def the_audit_is_denied_a_look(stack: Stack, watch: Watch) -> Steps:
    offer(stack, [A])
    with refusing(stack, "DescribeVpcEndpointServicePermissions"):
        assert audit(stack)["unseen"]
    watch.rest()
    yield {"AuditIncomplete"}
    watch.rest(6 * HOUR)
    yield {"AuditIncomplete"}  # until an audit sees everything


@journey("CriticalFindings")
def a_stranger_is_accepted_by_hand(stack: Stack, watch: Watch) -> Steps:
    service = offer(stack, [B])
    asked = ask(stack, B, service)
    await_record(stack, service, asked, "referred")
    stack.client("ec2").accept_vpc_endpoint_connections(ServiceId=service.id, VpcEndpointIds=[asked])
    try:
        audit(stack)
        watch.rest()
        yield {"CriticalFindings"}
        watch.rest(6 * HOUR)
        yield {"CriticalFindings"}  # until it is gone
    finally:
        stack.client("ec2").reject_vpc_endpoint_connections(ServiceId=service.id, VpcEndpointIds=[asked])


@journey("AuditErrors", "AuditsFailed", "ErrorsToActOn", fills=("AuditFailures",))
def the_bucket_of_reports_is_gone(stack: Stack, watch: Watch) -> Steps:
    with configured(stack, "Audit", REPORT_BUCKET="gone"):
        assert call(stack, watch, "Audit", {}).body["errorType"] == "ReportNotKept"
        watch.rest()
        yield {"AuditErrors", "ErrorsToActOn"}
        hand_over(stack, "Audit", {})
        await_filled(watch, "AuditFailures")
        watch.rest(HOUR)
        yield {"AuditsFailed"}


@journey("AuditErrors", "AuditsFailed", "ErrorsToActOn", fills=("AuditFailures",))
def the_audit_cannot_start(stack: Stack, watch: Watch) -> Steps:
    with configured(stack, "Audit", SERVICE_SCOPE=""):
        assert call(stack, watch, "Audit", {}).failed
        hand_over(stack, "Audit", {})
        await_filled(watch, "AuditFailures")
        watch.rest()
        yield {"AuditErrors", "AuditsFailed", "ErrorsToActOn"}


@journey("AuditThrottles", "AuditsFailed", fills=("AuditFailures",))
def the_audit_is_not_let_run(stack: Stack, watch: Watch) -> Steps:
    _hold_back_for_a_quarter_of_an_hour(stack, watch, "Audit", "AuditFailures", {})
    yield {"AuditThrottles", "AuditsFailed"}


# ---- notify ----------------------------------------------------------------------------------------------------------


@journey("MessagesNotTold")
def an_owners_topic_is_gone(stack: Stack, watch: Watch) -> Steps:
    to_be_told(stack, topic="gone")
    await_line(watch, '"NotTold"')
    watch.rest()
    yield {"MessagesNotTold"}


@journey("NotifyErrors", "ErrorsToActOn")
def notify_is_sent_nonsense(stack: Stack, watch: Watch) -> Steps:
    assert call(stack, watch, "Notify", {"hello": "notify"}).body["errorType"] == "UnreadableEvent"
    watch.rest()
    yield {"NotifyErrors", "ErrorsToActOn"}


@journey("NotifyErrors", "ErrorsToActOn", "RecordsUntold", "RecordsUntoldForLong", fills=("UntoldRecords",))
def notify_cannot_start(stack: Stack, watch: Watch) -> Steps:
    """The emulator counts no attempts at a batch, so here the age limit ends them; what it hands over, and where, is the same."""
    client, name = stack.client("lambda"), stack.outputs["NotifyFunction"]
    (mapping,) = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    with configured(stack, "Notify", OWNER_TOPIC_ARN=""):
        client.update_event_source_mapping(UUID=mapping["UUID"], MaximumRecordAgeInSeconds=60)
        to_be_told(stack)
        assert call(stack, watch, "Notify", {"Records": []}).failed
        await_filled(watch, "UntoldRecords", seconds=AGED_SECONDS)
        client.update_event_source_mapping(UUID=mapping["UUID"], MaximumRecordAgeInSeconds=-1)
        watch.rest()
        yield {"NotifyErrors", "ErrorsToActOn", "RecordsUntold"}
    watch.rest(11 * HOUR)
    yield {"RecordsUntold"}
    watch.rest(2 * HOUR)
    yield {"RecordsUntold", "RecordsUntoldForLong"}


@journey("NotifyThrottles")
def notify_is_not_let_run(stack: Stack, watch: Watch) -> Steps:
    with held_back(stack, "Notify"):
        to_be_told(stack)
        held = 0.0
        for _ in range(3):
            assert watch.firing() == set(), "a moment is no harm"
            held = await_throttled(stack, watch, "Notify", held)
            watch.rest()
        yield {"NotifyThrottles"}


def _hold_back_for_a_quarter_of_an_hour(stack: Stack, watch: Watch, function: str, queue: str, event: Any) -> None:
    """Lambda keeps the event for an hour or six, the emulator for three tries; the queue is the same."""
    with held_back(stack, function):
        held = 0.0
        for count in range(1, 4):
            assert f"{function}Throttles" not in watch.firing(), "a moment is no harm"
            hand_over(stack, function, event)
            held = await_throttled(stack, watch, function, held)
            await_filled(watch, queue, count)
            watch.rest()
