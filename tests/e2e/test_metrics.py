"""What the functions count, as embedded metrics on their standard output: the lines that CloudWatch Logs makes metrics of."""

from __future__ import annotations

import base64
import json
from typing import Any

from accounts import A, B
from scenario import ask, await_state, offer, sweep_event
from stack import Stack


def counted(stack: Stack, function: str, event: Any) -> list[dict[str, Any]]:
    """The metrics of one invocation."""
    answer = stack.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event), LogType="Tail")
    assert "FunctionError" not in answer, answer["Payload"].read()
    lines = base64.b64decode(answer["LogResult"]).decode().splitlines()
    return [json.loads(line) for line in lines if line.startswith('{"_aws"')]


def value(metrics: list[dict[str, Any]], name: str, **dimensions: str) -> Any:
    """A metric's value under exactly these dimensions beside `Function`, checked to be declared as CloudWatch wants it."""
    for line in metrics:
        declared = line["_aws"]["CloudWatchMetrics"][0]
        if name in line and set(declared["Dimensions"][0]) == {"Function", *dimensions} and all(line[key] == text for key, text in dimensions.items()):
            assert declared["Namespace"] == "PrivateLinkWarden" and {"Name": name} in declared["Metrics"]
            return line[name]
    raise AssertionError(f"{name} {dimensions} is not among {metrics}")


def test_approve_counts_its_decisions_its_calls_and_the_oldest_request(stack: Stack) -> None:
    service = offer(stack, [A, B])
    stack.local("drop-notifications", post=True, next="2")
    endpoint = ask(stack, A, service)
    ask(stack, B, service)
    metrics = counted(stack, stack.outputs["ApproveFunction"], sweep_event(stack))
    await_state(stack, service, endpoint, "available", 20)
    assert value(metrics, "Decisions", Verdict="accepted") >= 1
    assert value(metrics, "Decisions", Verdict="referred") >= 1
    assert value(metrics, "AwsCalls") >= 5
    assert value(metrics, "PendingAgeMaxSeconds")[0] >= 0
    assert value(metrics, "RunSeconds")[0] > 0
    # A second sweep starts from zero.
    assert not any("accepted" == line.get("Verdict") for line in counted(stack, stack.outputs["ApproveFunction"], sweep_event(stack)))


def test_the_audit_counts_what_its_alarms_look_at(stack: Stack) -> None:
    metrics = counted(stack, stack.outputs["AuditFunction"], {})
    assert value(metrics, "Audits") == 1
    for severity in ("critical", "warning", "info"):
        assert value(metrics, "FindingsOpen", Severity=severity)[0] >= 0


def test_throttles_are_counted(stack: Stack) -> None:
    # Only the audit makes this call: of another, a sweep of the schedule at the same moment would be throttled instead.
    stack.local("faults", post=True, action="DescribeVpcEndpointServicePermissions", code="RequestLimitExceeded", status="503", next="2")
    metrics = counted(stack, stack.outputs["AuditFunction"], {})
    assert value(metrics, "AwsThrottles") == 2


def test_the_alarms_look_at_metrics_that_are_counted(stack: Stack) -> None:
    """An alarm on a metric that nobody writes is a green light painted on a wall."""
    function = stack.outputs["AuditFunction"]
    metrics = counted(stack, function, {})
    every = stack.client("cloudwatch").describe_alarms()["MetricAlarms"]
    # Those of AWS's own metrics, and of the log's, are held in test_template.py.
    alarms = [alarm for alarm in every if {"Name": "Function", "Value": metrics[0]["Function"]} in alarm["Dimensions"]]
    assert {alarm["MetricName"] for alarm in alarms} == {"Audits", "AuditsIncomplete", "FindingsOpen"}
    for alarm in alarms:
        dimensions = {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}
        assert dimensions.pop("Function") == metrics[0]["Function"]
        value(metrics, alarm["MetricName"], **dimensions)
        assert alarm["AlarmActions"] == [stack.outputs["OwnersTopicArn"]]
