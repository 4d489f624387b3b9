"""The calls that AWS's services make with the stack's roles: read streams and queues, write logs, send failed events, start functions.

The emulator does this without a call. Which calls AWS would make follows from the deployed configuration. Each reason here has its source
in AWS's documentation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from harness.accounts import PROVIDER, REGION
from harness.stack import NAME, Stack

AWS = "https://docs.aws.amazon.com"


@dataclass(frozen=True)
class Reason:
    """Actions that a service takes with a role."""

    text: str
    actions: tuple[str, ...]
    source: str
    by_code_too: bool = False  # the function's own code makes such a call, too, and that one is recorded
    via: str = ""  # the service that calls KMS for the role


LOGS = Reason("Lambda writes a function's log with its role", ("logs:CreateLogStream", "logs:PutLogEvents"), f"{AWS}/lambda/latest/dg/monitoring-cloudwatchlogs.html")
FAILED_EVENT = Reason("Lambda sends a failed event to its destination, with the function's role", ("sqs:SendMessage",), f"{AWS}/lambda/latest/dg/invocation-async-retain-records.html")
STREAM = Reason(
    "Lambda reads a stream with the function's role",
    ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
    f"{AWS}/amazondynamodb/latest/developerguide/iam-policy-example-lamda-process-dynamodb-streams.html",
)
LIST_STREAMS = Reason("as above; ListStreams supports no resource", ("dynamodb:ListStreams",), f"{AWS}/service-authorization/latest/reference/list_amazondynamodb.html")
FAILED_BATCH = Reason("Lambda sends a failed batch of a stream to its destination, with the function's role", ("sqs:SendMessage",), f"{AWS}/lambda/latest/dg/services-dynamodb-errors.html", by_code_too=True)
INTERFACES = Reason(
    "Lambda creates a function's network interfaces with its role",
    ("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"),
    f"{AWS}/lambda/latest/dg/configuration-vpc.html",
)
QUEUE = Reason(
    "Lambda reads a queue with the function's role",
    ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
    f"{AWS}/lambda/latest/dg/services-sqs-configure.html",
)
START = Reason("Scheduler starts the function with the schedule's role", ("lambda:InvokeFunction",), f"{AWS}/scheduler/latest/UserGuide/setting-up.html")
SEND = Reason("Scheduler sends a message with the schedule's role", ("sqs:SendMessage",), f"{AWS}/scheduler/latest/UserGuide/managing-targets-templated.html")
FAILED_START = Reason("Scheduler sends an undelivered event to the dead-letter queue, with the schedule's role", ("sqs:SendMessage",), f"{AWS}/scheduler/latest/UserGuide/configuring-schedule-dlq.html")
DECRYPT = Reason("S3 decrypts an object with the role that reads it", ("kms:Decrypt",), f"{AWS}/AmazonS3/latest/userguide/UsingKMSEncryption.html")
TABLE_KEY = Reason(
    "DynamoDB decrypts the key of a table with the permissions of the caller", ("kms:Decrypt",), f"{AWS}/amazondynamodb/latest/developerguide/encryption.usagenotes.html", via="dynamodb"
)
OBJECT_KEY = Reason("S3 encrypts an object with the role that writes it", ("kms:GenerateDataKey",), f"{AWS}/AmazonS3/latest/userguide/UsingKMSEncryption.html", via="s3")
MESSAGE_KEY = Reason("SNS encrypts a message with the permissions of the publisher", ("kms:GenerateDataKey", "kms:Decrypt"), f"{AWS}/sns/latest/dg/sns-key-management.html", via="sns")
REASONS = (DECRYPT, TABLE_KEY, OBJECT_KEY, MESSAGE_KEY, LOGS, FAILED_EVENT, STREAM, LIST_STREAMS, FAILED_BATCH, QUEUE, INTERFACES, START, SEND, FAILED_START)

# By the setting that names what `KmsKeyArn` encrypts.
ENCRYPTED = {"LEDGER_TABLE": TABLE_KEY, "REPORT_BUCKET": OBJECT_KEY, "OWNER_TOPIC_ARN": MESSAGE_KEY}

ServiceCall = tuple[Reason, str, str]  # reason, role's ARN, resource


def service_calls(stack: Stack) -> Iterator[ServiceCall]:
    """All of them, for the stack as it is deployed now."""
    # The emulator drops `VpcConfig` and the keys of buckets and topics; `test_template.py` checks that the template has them.
    aws_lambda, in_a_vpc, policy_key, key = stack.client("lambda"), *(_parameter(stack, name) for name in ("SubnetIds", "PolicyKeyArn", "KmsKeyArn"))
    roles = {}
    for function in aws_lambda.list_functions()["Functions"]:
        roles[function["FunctionArn"]] = role = function["Role"]
        yield LOGS, role, f"arn:aws:logs:{REGION}:{PROVIDER}:log-group:{function['LoggingConfig']['LogGroup']}:log-stream:any"
        if in_a_vpc:
            yield INTERFACES, role, "*"
        if policy_key and "POLICY_URI" in function["Environment"]["Variables"]:
            yield DECRYPT, role, policy_key
        for setting, reason in ENCRYPTED.items():
            if key and setting in function["Environment"]["Variables"]:
                yield reason, role, key
        for config in aws_lambda.list_function_event_invoke_configs(FunctionName=function["FunctionName"])["FunctionEventInvokeConfigs"]:
            if queue := _on_failure(config):
                yield FAILED_EVENT, role, queue
    for mapping in aws_lambda.list_event_source_mappings()["EventSourceMappings"]:
        role = roles[mapping["FunctionArn"]]
        if ":sqs:" in mapping["EventSourceArn"]:
            yield QUEUE, role, mapping["EventSourceArn"]
            continue
        yield STREAM, role, mapping["EventSourceArn"]
        yield LIST_STREAMS, role, "*"
        if queue := _on_failure(mapping):
            yield FAILED_BATCH, role, queue
    scheduler = stack.client("scheduler")
    for schedule in scheduler.list_schedules()["Schedules"]:
        target = scheduler.get_schedule(Name=schedule["Name"])["Target"]
        yield SEND if ":sqs:" in target["Arn"] else START, target["RoleArn"], target["Arn"]
        if queue := target.get("DeadLetterConfig", {}).get("Arn"):
            yield FAILED_START, target["RoleArn"], queue


def _parameter(stack: Stack, name: str) -> str:
    """The value of a parameter of the stack, or an empty text."""
    (described,) = stack.client("cloudformation").describe_stacks(StackName=NAME)["Stacks"]
    return next((str(each["ParameterValue"]) for each in described["Parameters"] if each["ParameterKey"] == name), "")


def _on_failure(config: dict[str, Any]) -> str | None:
    queue: str | None = config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    return queue
