"""What AWS's own services do in the name of the stack's roles: read streams, write logs, hand over failures, start functions.

The emulator does all of this without a call, so nobody sees one. What there would be on AWS follows from how the deployed
stack is set up, and each rule here is the written reason for the actions that it names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from accounts import PROVIDER, REGION
from stack import NAME, Stack

AWS = "https://docs.aws.amazon.com"


@dataclass(frozen=True)
class Reason:
    """Actions that a service takes with somebody's role."""

    what: str
    actions: tuple[str, ...]
    source: str


LOGS = Reason(
    "Lambda writes a function's lines with its role",
    ("logs:CreateLogStream", "logs:PutLogEvents"),
    f"{AWS}/lambda/latest/dg/monitoring-cloudwatchlogs.html",
)
HANDOVER = Reason(
    "Lambda hands over an event that failed for good, with the function's role",
    ("sqs:SendMessage",),
    f"{AWS}/lambda/latest/dg/invocation-async-retain-records.html",
)
STREAM = Reason(
    "Lambda reads a stream with the function's role",
    ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
    f"{AWS}/amazondynamodb/latest/developerguide/iam-policy-example-lamda-process-dynamodb-streams.html",
)
STREAMS = Reason("the same; it knows no narrower resource", ("dynamodb:ListStreams",), f"{AWS}/service-authorization/latest/reference/list_amazondynamodb.html")
UNTOLD = Reason(
    "Lambda hands over what it could not deliver from a stream, with the function's role",
    ("sqs:SendMessage",),
    f"{AWS}/lambda/latest/dg/services-dynamodb-errors.html",
)
INTERFACES = Reason(
    "Lambda makes a function's network interfaces with its role",
    (
        "ec2:CreateNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:DeleteNetworkInterface",
        "ec2:AssignPrivateIpAddresses",
        "ec2:UnassignPrivateIpAddresses",
    ),
    f"{AWS}/lambda/latest/dg/configuration-vpc.html",
)
START = Reason("Scheduler starts the function with the schedule's role", ("lambda:InvokeFunction",), f"{AWS}/scheduler/latest/UserGuide/setting-up.html")
UNSTARTED = Reason(
    "Scheduler hands over what it could not start, with the same role",
    ("sqs:SendMessage",),
    f"{AWS}/scheduler/latest/UserGuide/configuring-schedule-dlq.html",
)
REASONS = (LOGS, HANDOVER, STREAM, STREAMS, UNTOLD, INTERFACES, START, UNSTARTED)

Duty = tuple[Reason, str, str]  # why, in whose name (a role's ARN), on what


def duties(stack: Stack) -> Iterator[Duty]:
    """All of it, for the stack as it is deployed now."""
    aws_lambda, in_a_vpc = stack.client("lambda"), _in_a_vpc(stack)
    roles = {}
    for function in aws_lambda.list_functions()["Functions"]:
        roles[function["FunctionArn"]] = role = function["Role"]
        yield LOGS, role, f"arn:aws:logs:{REGION}:{PROVIDER}:log-group:{function['LoggingConfig']['LogGroup']}:log-stream:any"
        if in_a_vpc:
            yield INTERFACES, role, "*"
        for config in aws_lambda.list_function_event_invoke_configs(FunctionName=function["FunctionName"])["FunctionEventInvokeConfigs"]:
            if queue := _on_failure(config):
                yield HANDOVER, role, queue
    for mapping in aws_lambda.list_event_source_mappings()["EventSourceMappings"]:
        role = roles[mapping["FunctionArn"]]
        yield STREAM, role, mapping["EventSourceArn"]
        yield STREAMS, role, "*"
        if queue := _on_failure(mapping):
            yield UNTOLD, role, queue
    yield from _of_schedules(stack)


def _of_schedules(stack: Stack) -> Iterator[Duty]:
    scheduler = stack.client("scheduler")
    for schedule in scheduler.list_schedules()["Schedules"]:
        target = scheduler.get_schedule(Name=schedule["Name"])["Target"]
        yield START, target["RoleArn"], target["Arn"]
        if queue := target.get("DeadLetterConfig", {}).get("Arn"):
            yield UNSTARTED, target["RoleArn"], queue


def _in_a_vpc(stack: Stack) -> bool:
    """By the parameter: the emulator's CloudFormation drops `VpcConfig`. That it is every function's, `test_template.py` says."""
    (described,) = stack.client("cloudformation").describe_stacks(StackName=NAME)["Stacks"]
    return any(each["ParameterKey"] == "SubnetIds" and each["ParameterValue"] for each in described["Parameters"])


def _on_failure(config: dict[str, Any]) -> str | None:
    queue: str | None = config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    return queue
