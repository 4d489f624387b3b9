"""The records on the ledger, and the calls that one decision needs."""

from __future__ import annotations

import json
import time
from collections import Counter

from harness.accounts import ALLOWED
from harness.actions import await_record, await_state, create_endpoint, create_service, records, sweep
from harness.fault_injection import ACCEPT, DENIED, fail
from harness.stack import Stack

DAY_SECONDS = 86_400


def test_record_is_complete_for_replay(stack: Stack) -> None:
    service = create_service(stack, [ALLOWED])
    endpoint = create_endpoint(stack, ALLOWED, service)
    item = await_record(stack, service, endpoint, "accepted")
    assert item["connection"] == {"S": f"{service.id}/{endpoint}"}
    assert (item["kind"], item["account"], item["service"]) == ({"S": "decision"}, {"S": ALLOWED}, {"S": service.id})
    assert item["schema"] == {"N": "1"}
    assert abs(int(item["expires"]["N"]) - (time.time() + 400 * DAY_SECONDS)) < DAY_SECONDS
    assert item["at"]["S"].endswith("Z")
    record = json.loads(item["record"]["S"])
    for needed in ("schema", "facts", "judgement", "policy_digest", "origin", "observe", "at", "function_version"):
        assert needed in record, f"a replay needs `{needed}`"
    assert record["observe"] is False
    assert "redis-consumers" in json.dumps(record["judgement"])


def test_warm_accept_needs_three_calls(stack: Stack) -> None:
    """With the put on the ledger these are the four calls that a decision may cost."""
    service = create_service(stack, [ALLOWED], notify=False)  # one trigger, the CloudTrail event, so one decision
    first = create_endpoint(stack, ALLOWED, service)
    await_state(stack, service, first, "available")
    earlier = len(stack.local("calls"))
    endpoint = create_endpoint(stack, ALLOWED, service)
    await_record(stack, service, endpoint, "accepted")
    calls = Counter(call["action"] for call in stack.local("calls")[earlier:] if call["session"])
    assert calls["AcceptVpcEndpointConnections"] == 1
    # A scheduled sweep may fall in between. It lists once, and finds nothing to do.
    assert calls["DescribeVpcEndpointConnections"] <= 2
    assert calls.total() <= 4, calls


def test_failed_accept_is_recorded_and_retried(stack: Stack) -> None:
    service = create_service(stack, [ALLOWED], notify=False)  # one trigger: a second would repeat the accept at once
    fail(stack, ACCEPT, DENIED, 1)
    endpoint = create_endpoint(stack, ALLOWED, service)
    failure = json.loads(await_record(stack, service, endpoint, "failed")["record"]["S"])["failure"]
    assert failure["code"] == "UnauthorizedOperation"
    sweep(stack)
    assert set(records(stack, service, endpoint)) == {"failed", "accepted"}
