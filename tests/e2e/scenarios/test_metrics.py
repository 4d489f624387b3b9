"""The functions' metrics: lines of the embedded metric format on standard output. The alarms' metrics are tested with the alarms."""

from __future__ import annotations

import base64
import json
from typing import Any

from harness.accounts import ALLOWED, UNLISTED
from harness.actions import await_state, batch_of, create_endpoint, create_service, hint, sweep_event
from harness.fault_injection import THROTTLED, fail, lose_notifications, unscheduled
from harness.stack import Stack


def metrics_of(stack: Stack, function: str, event: Any) -> list[dict[str, Any]]:
    """The metrics of one invocation."""
    answer = stack.client("lambda").invoke(FunctionName=stack.outputs[function], Payload=json.dumps(event), LogType="Tail")
    assert "FunctionError" not in answer, answer["Payload"].read()
    lines = base64.b64decode(answer["LogResult"]).decode().splitlines()
    return [json.loads(line) for line in lines if line.startswith('{"_aws"')]


def value(metrics: list[dict[str, Any]], name: str, **dimensions: str) -> Any:
    """The value of a metric with exactly these dimensions beside `Function`."""
    for line in metrics:
        declared = line["_aws"]["CloudWatchMetrics"][0]
        if name in line and set(declared["Dimensions"][0]) == {"Function", *dimensions} and all(line[key] == text for key, text in dimensions.items()):
            assert declared["Namespace"] == "PrivateLinkWarden" and {"Name": name} in declared["Metrics"]
            return line[name]
    raise AssertionError(f"{name} {dimensions} is not among {metrics}")


def test_approve_reports_decisions_calls_and_age(stack: Stack) -> None:
    service = create_service(stack, [ALLOWED, UNLISTED])
    lose_notifications(stack, 2)
    with unscheduled(stack):
        endpoint = create_endpoint(stack, ALLOWED, service)
        create_endpoint(stack, UNLISTED, service)
        metrics = metrics_of(stack, "ApproveFunction", batch_of(stack, hint(service)))
        await_state(stack, service, endpoint, "available")
        assert value(metrics, "Decisions", Verdict="accepted") == 1
        assert value(metrics, "Decisions", Verdict="referred") == 1
        assert value(metrics, "AwsCalls") >= 5
        assert value(metrics, "RunSeconds")[0] > 0
        swept = metrics_of(stack, "ApproveFunction", batch_of(stack, json.dumps(sweep_event(stack))))
    assert value(swept, "PendingAgeMaxSeconds")[0] >= 0
    assert not any("Verdict" in line for line in swept), "the next invocation counts from zero"


def test_throttles_are_counted(stack: Stack) -> None:
    # Only the audit makes this call: a scheduled sweep at the same time could take another.
    fail(stack, "DescribeVpcEndpointServicePermissions", THROTTLED, 2)
    assert value(metrics_of(stack, "AuditFunction", {}), "AwsThrottles") == 2
