"""infra/policies/deployer.json against what a deployment does: the calls of `sam` to the emulator, and the actions that CloudFormation takes
with the same permissions for each resource type of the template. It allows each of them, and no action that none of them needs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from harness.accounts import PROVIDER, REGION
from harness.sam import package, sam
from harness.stack import Stack
from iam.deployed_policies import recorded_calls
from iam.evaluation import VIA_SERVICE, Call, Policies, allowed, listed
from iam.resource_actions import FEATURES, NEVER, has_resources, needed_actions, transformed
from tasks.paths import ROOT

DOCUMENT = ROOT / "infra" / "policies" / "deployer.json"
DEPLOYER = f"arn:aws:sts::{PROVIDER}:assumed-role/deployer/kim"
STACK, BUCKET = "privatelink-warden", "artifacts"
LOCAL = f"{REGION}:{PROVIDER}"
VALUES = {"PARTITION": "aws", "REGION": REGION, "ACCOUNT": PROVIDER, "STACK": STACK, "BUCKET": BUCKET}
KEY = f"arn:aws:kms:{LOCAL}:key/1b2c3d4e-5f60-7182-93a4-b5c6d7e8f90a"
# The inline policies of a role: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
INLINE_CHARACTERS_MAX = 10_240
# Of the types whose resources have names of their own: the property, and the ARN.
ARNS = {
    "AWS::CloudWatch::Alarm": ("AlarmName", f"arn:aws:cloudwatch:{LOCAL}:alarm:{{}}"),
    "AWS::CloudWatch::Dashboard": ("DashboardName", f"arn:aws:cloudwatch::{PROVIDER}:dashboard/{{}}"),
    "AWS::DynamoDB::Table": ("TableName", f"arn:aws:dynamodb:{LOCAL}:table/{{}}"),
    "AWS::Events::EventBus": ("Name", f"arn:aws:events:{LOCAL}:event-bus/{{}}"),
    "AWS::IAM::Role": ("RoleName", f"arn:aws:iam::{PROVIDER}:role/{{}}"),
    "AWS::Lambda::Function": ("FunctionName", f"arn:aws:lambda:{LOCAL}:function:{{}}"),
    "AWS::Logs::LogGroup": ("LogGroupName", f"arn:aws:logs:{LOCAL}:log-group:{{}}"),
    "AWS::S3::Bucket": ("BucketName", "arn:aws:s3:::{}"),
    "AWS::SNS::Topic": ("TopicName", f"arn:aws:sns:{LOCAL}:{{}}"),
    "AWS::SQS::Queue": ("QueueName", f"arn:aws:sqs:{LOCAL}:{{}}"),
    "AWS::Scheduler::Schedule": ("Name", f"arn:aws:scheduler:{LOCAL}:schedule/default/{{}}"),
}
# Of the types that belong to another resource: the property that names it.
OF_ANOTHER = {
    "AWS::Events::EventBusPolicy": "EventBusName",
    "AWS::IAM::Policy": "Roles",
    "AWS::Lambda::EventInvokeConfig": "FunctionName",
    "AWS::Logs::MetricFilter": "LogGroupName",
    "AWS::S3::BucketPolicy": "Bucket",
    "AWS::SNS::Subscription": "TopicArn",
    "AWS::SNS::TopicPolicy": "Topics",
    "AWS::SQS::QueuePolicy": "Queues",
}


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    """The template's resources after the transform."""
    return transformed()


def policies(stack: str = STACK, bucket: str = BUCKET) -> Policies:
    """The document's statements with the values of a deployment."""
    text = DOCUMENT.read_text()
    for word, value in (VALUES | {"STACK": stack, "BUCKET": bucket}).items():
        text = text.replace(f"${{{word}}}", value)
    assert "${" not in text
    return {DEPLOYER: json.loads(text)["Statement"]}


def of_type(resources: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [each for each in resources.values() if each["Type"] == kind]


def text_of(value: Any) -> str:
    """A name in the template, with the stack's name."""
    written = value.get("Fn::Sub", value.get("Ref", "")) if isinstance(value, dict) else str(value)
    return written.replace("${AWS::StackName}", STACK).replace("${AWS::Region}", REGION).replace("AWS::StackName", STACK)


def named(value: Any) -> set[str]:
    """The resources that a value names, at any depth."""
    if isinstance(value, dict):
        if isinstance(value.get("Ref"), str):
            return {value["Ref"]}
        got = value.get("Fn::GetAtt")
        return {got.split(".")[0] if isinstance(got, str) else got[0]} if got else set().union(*(named(each) for each in value.values()))
    return set().union(*(named(each) for each in value)) if isinstance(value, list) else set()


def arns(resources: dict[str, Any], name: str) -> set[str]:
    """The ARNs of a resource. CloudFormation's names are the stack's name, the logical id and a random part."""
    kind, properties = resources[name]["Type"], resources[name]["Properties"]
    generated = f"{STACK}-{name}-1ABCDEFGHIJKL"
    if kind in OF_ANOTHER:
        return set().union(*(arns(resources, other) for other in named(properties[OF_ANOTHER[kind]])))
    if kind == "AWS::KMS::Key":
        return {KEY}
    if kind == "AWS::Lambda::EventSourceMapping":
        return {f"arn:aws:lambda:{LOCAL}:event-source-mapping:1b2c3d4e-5f60-7182-93a4-b5c6d7e8f90a"}
    if kind == "AWS::Events::Rule":
        return {f"arn:aws:events:{LOCAL}:rule/{STACK}/{generated}" if "EventBusName" in properties else f"arn:aws:events:{LOCAL}:rule/{generated}"}
    assert kind in ARNS, f"{kind} needs an ARN here, and its actions in {DOCUMENT.name}"
    name_property, pattern = ARNS[kind]
    given = text_of(properties[name_property]) if name_property in properties else generated
    return {pattern.format(given.lower() if kind == "AWS::S3::Bucket" else given)}


def calls_for(resources: dict[str, Any]) -> Iterator[Call]:
    """What CloudFormation does with the template, as calls of who deploys."""
    for name, each in resources.items():
        for action in needed_actions(each["Type"], of_type(resources, each["Type"])):
            for resource, context in targets(resources, name, action):
                yield Call(DEPLOYER, action, resource if has_resources(action) else "*", frozenset((key, (value,)) for key, value in context.items()))


def targets(resources: dict[str, Any], name: str, action: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The resources of an action for a resource of the template, with the condition keys."""
    kind, properties = resources[name]["Type"], resources[name]["Properties"]
    service = kind.split("::")[1].lower()
    if action == "iam:PassRole":
        roles = [role for role in named(properties) if resources.get(role, {}).get("Type") == "AWS::IAM::Role"]
        yield from ((arn, {"iam:PassedToService": f"{service}.amazonaws.com"}) for role in roles for arn in arns(resources, role))
    elif kind == "AWS::DynamoDB::Table" and action.startswith("kms:"):
        yield KEY, {VIA_SERVICE: f"dynamodb.{REGION}.amazonaws.com"}
    elif kind == "AWS::KMS::Key":
        yield KEY, {"aws:CalledVia": "cloudformation.amazonaws.com", "aws:RequestTag/application": "privatelink-warden"}
    elif kind == "AWS::Lambda::Function" and action.startswith("s3:"):
        yield f"arn:aws:s3:::{BUCKET}/1b2c3d4e5f60", {}
    elif kind == "AWS::Lambda::EventSourceMapping":
        function = next(arn for other in named(properties["FunctionName"]) for arn in arns(resources, other))
        yield from ((arn, {"lambda:FunctionArn": function}) for arn in arns(resources, name))
    else:
        yield from ((arn, {}) for arn in arns(resources, name))


# CloudFormation checks the creator's right to use a transform: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-permissions-cloudformation.html
TRANSFORM = Call(DEPLOYER, "cloudformation:CreateChangeSet", f"arn:aws:cloudformation:{REGION}:aws:transform/Serverless-2016-10-31")
# docs/operations.md has these beside `sam deploy`.
BY_HAND = ("cloudformation:ContinueUpdateRollback",)
STACK_ARN = f"arn:aws:cloudformation:{LOCAL}:stack/{STACK}/1b2c3d4e"


def test_deployer_may_manage_each_resource(resources: dict[str, Any]) -> None:
    denied = sorted({str(call) for call in calls_for(resources) if not allowed(policies(), call)})
    assert denied == []


def test_deployer_cannot_delete_what_is_retained(resources: dict[str, Any]) -> None:
    for action, resource in (("dynamodb:DeleteTable", "Ledger"), ("s3:DeleteBucket", "Reports"), ("s3:DeleteBucketPolicy", "Reports")):
        (arn,) = arns(resources, resource)
        assert not allowed(policies(), Call(DEPLOYER, action, arn))


def test_deployer_reaches_no_other_stack(resources: dict[str, Any]) -> None:
    for call in calls_for(resources):
        if STACK in call.resource:
            assert not allowed(policies(), Call(DEPLOYER, call.action, call.resource.replace(STACK, "billing"), call.context)), call


def test_left_out_actions_are_in_the_schemas(resources: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A reason for an action that no schema lists any more is stale."""
    kinds = {each["Type"] for each in resources.values()}
    assert {*FEATURES, *(kind for kind, _ in NEVER)} <= kinds
    for kind, action in [*NEVER]:
        monkeypatch.delitem(NEVER, (kind, action))
        assert action in needed_actions(kind, of_type(resources, kind))


def test_policy_fits_a_role() -> None:
    assert len("".join(json.dumps(json.loads(DOCUMENT.read_text())).split())) <= INLINE_CHARACTERS_MAX


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> set[Call]:
    """The calls of `sam deploy`, for a new stack and for an update, and of `sam delete`."""
    folder = tmp_path_factory.mktemp("deployer")
    package(folder)
    with Stack("deployer") as platform:
        platform.client("s3").create_bucket(Bucket=BUCKET)
        options = ("--stack-name", STACK, "--s3-bucket", BUCKET, "--capabilities", "CAPABILITY_IAM", "--no-progressbar", "--parameter-overrides", "ServiceScope=all")
        sam(platform, folder, "deploy", *options, session=DEPLOYER)
        sam(platform, folder, "deploy", *options, "Mode=active", session=DEPLOYER)
        sam(platform, folder, "delete", "--stack-name", STACK, "--no-prompts", session=DEPLOYER)
        return {Call(DEPLOYER, each.action, each.resource) for each in recorded_calls(platform) if each.session == DEPLOYER}


@pytest.mark.skipif(not os.environ.get("WARDEN_SAM"), reason="run `make test`, which installs SAM")
def test_deployer_may_make_each_call_of_sam(calls: set[Call]) -> None:
    assert sorted(str(call) for call in calls if not allowed(policies(), call)) == []


@pytest.mark.skipif(not os.environ.get("WARDEN_SAM"), reason="run `make test`, which installs SAM")
def test_deployer_may_do_nothing_else(calls: set[Call], resources: dict[str, Any]) -> None:
    needed = {*calls, *calls_for(resources), TRANSFORM, *(Call(DEPLOYER, action, STACK_ARN) for action in BY_HAND)}
    unused = [
        f"{statement['Sid']}: {action} on {resource}"
        for statement in policies()[DEPLOYER]
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
        if not any(call.action == action and allowed({DEPLOYER: [{**statement, "Action": action, "Resource": resource}]}, call) for call in needed)
    ]
    assert unused == []
