"""The records on the ledger."""

from __future__ import annotations

import json
import time

import pytest
from harness.accounts import ALLOWED
from harness.actions import await_record, create_endpoint, create_service, records, sweep
from harness.fault_injection import ACCEPT, DENIED, fail, retry_now
from harness.stack import Stack

DAY_SECONDS = 86_400


def test_record_is_complete_for_replay(stack: Stack) -> None:
    service = create_service(stack, [ALLOWED])
    endpoint = create_endpoint(stack, ALLOWED, service)
    item = await_record(stack, service, endpoint, "accepted")
    assert (item["pk"], item["sk"]) == ({"S": f"request/{service.id}/{endpoint}"}, {"S": "accepted"})
    assert (item["kind"], item["account"], item["service"]) == ({"S": "decision"}, {"S": ALLOWED}, {"S": service.id})
    assert item["schema"] == {"N": "2"}
    assert abs(int(item["expires"]["N"]) - (time.time() + 400 * DAY_SECONDS)) < DAY_SECONDS
    assert item["at"]["S"].endswith("Z")
    record = json.loads(item["record"]["S"])
    for needed in ("schema", "facts", "judgement", "policy_digest", "origin", "observe", "at", "function_version"):
        assert needed in record, f"a replay needs `{needed}`"
    assert record["observe"] is False
    assert "redis-consumers" in json.dumps(record["judgement"])


def test_ledger_cannot_be_deleted_by_mistake(stack: Stack) -> None:
    dynamodb, ledger = stack.client("dynamodb"), stack.outputs["LedgerName"]
    with pytest.raises(dynamodb.exceptions.ClientError, match="protected against deletion"):
        dynamodb.delete_table(TableName=ledger)
    assert dynamodb.describe_table(TableName=ledger)["Table"]["TableStatus"] == "ACTIVE"


def test_failed_accept_is_recorded_and_retried(stack: Stack) -> None:
    service = create_service(stack, [ALLOWED], notify=False)
    fail(stack, ACCEPT, DENIED, 1)
    endpoint = create_endpoint(stack, ALLOWED, service)
    failure = json.loads(await_record(stack, service, endpoint, "failed")["record"]["S"])["failure"]
    assert failure["code"] == "UnauthorizedOperation"
    sweep(stack)
    assert set(records(stack, service, endpoint)) == {"failed"}, "the next attempt comes minutes later"
    retry_now(stack, service, endpoint)
    sweep(stack)
    assert set(records(stack, service, endpoint)) == {"failed", "accepted"}
