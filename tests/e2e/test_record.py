"""What stands on the ledger, and what it cost to put it there."""

from __future__ import annotations

import json
import time
from collections import Counter

from accounts import A
from scenario import ask, await_record, await_state, offer, records, sweep
from stack import Stack

DAY_SECONDS = 86_400


def test_a_record_has_its_shape(stack: Stack) -> None:
    service = offer(stack, [A])
    endpoint = ask(stack, A, service)
    item = await_record(stack, service, endpoint, "accepted")
    assert item["connection"] == {"S": f"{service.id}/{endpoint}"}
    assert (item["kind"], item["account"], item["service"]) == ({"S": "decision"}, {"S": A}, {"S": service.id})
    assert item["schema"] == {"N": "1"}
    assert abs(int(item["expires"]["N"]) - (time.time() + 400 * DAY_SECONDS)) < DAY_SECONDS
    assert item["at"]["S"].endswith("Z")


def test_a_record_can_be_replayed(stack: Stack) -> None:
    service = offer(stack, [A])
    endpoint = ask(stack, A, service)
    record = json.loads(await_record(stack, service, endpoint, "accepted")["record"]["S"])
    for needed in ("schema", "facts", "judgement", "policy_digest", "origin", "observe", "at", "function_version"):
        assert needed in record, f"a replay needs `{needed}`"
    assert record["observe"] is False
    assert "redis-consumers" in json.dumps(record["judgement"])


def test_a_warm_accept_is_two_describes_and_one_accept(stack: Stack) -> None:
    """With the put on the ledger these are the four calls that an answer may cost."""
    service = offer(stack, [A], notify=False)  # one trigger, the CloudTrail event, so one answer
    first = ask(stack, A, service)
    await_state(stack, service, first, "available", 20)
    seen = len(stack.local("calls"))
    endpoint = ask(stack, A, service)
    await_record(stack, service, endpoint, "accepted")
    calls = Counter(call["action"] for call in stack.local("calls")[seen:] if "aws-sdk-rust" in call["user_agent"])
    assert calls["AcceptVpcEndpointConnections"] == 1
    # A sweep's tick may fall in between; it lists once, and finds nothing to do.
    assert calls["DescribeVpcEndpointConnections"] <= 2
    assert calls.total() <= 4, calls


def test_a_failed_accept_is_recorded_and_tried_again(stack: Stack) -> None:
    service = offer(stack, [A], notify=False)  # one trigger: a second would mend at once what the first could not do
    stack.local("faults", post=True, action="AcceptVpcEndpointConnections", code="UnauthorizedOperation", status="403", next="1")
    endpoint = ask(stack, A, service)
    failure = json.loads(await_record(stack, service, endpoint, "failed")["record"]["S"])["failure"]
    assert failure["code"] == "UnauthorizedOperation"
    sweep(stack)
    assert set(records(stack, service, endpoint)) == {"failed", "accepted"}
