"""The policy of the request queue, as deployed: its senders may send, and no other principal of any account may."""

from __future__ import annotations

import pytest
from harness.accounts import PROVIDER, REGION, STRANGER
from harness.stack import NAME, Stack
from iam.deployed_policies import roles
from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy

SNS, EVENTS = "sns.amazonaws.com", "events.amazonaws.com"


def decision(stack: Stack, principal: str, service: str = "", source: str = "") -> str:
    """The policy's decision about SendMessage: `Allow`, `Deny`, or `ImplicitDeny` if a principal's own policies decide."""
    attributes = stack.client("sqs").get_queue_attributes(QueueUrl=stack.outputs["RequestsUrl"], AttributeNames=["Policy", "QueueArn"])["Attributes"]
    context = EvalContext(
        principal_arn=principal,
        principal_type="Service" if service else "AssumedRole",
        principal_account="" if service else principal.split(":")[4],
        action="sqs:SendMessage",
        resource_arn=attributes["QueueArn"],
        region=REGION,
        service_context={"aws:principalisawsservice": str(bool(service)).lower()} | ({"aws:sourcearn": source} if source else {}),
    )
    return str(evaluate_resource_policy(attributes["Policy"], context, service=service or None).decision)


def test_queue_policy_allows_its_topic_and_rules(stack: Stack) -> None:
    topic = stack.outputs["ConnectionsTopicArn"]
    assert decision(stack, "*", SNS, topic) == "Allow"
    assert decision(stack, "*", SNS, f"{topic}x") != "Allow"
    assert decision(stack, "*", EVENTS, topic) != "Allow"
    events = stack.client("events")
    rules = [rule["Arn"] for bus in (None, NAME) for rule in events.list_rules(**({"EventBusName": bus} if bus else {}))["Rules"]]
    assert len(rules) == 2
    for rule in rules:
        assert decision(stack, "*", EVENTS, rule) == "Allow"
        assert decision(stack, "*", EVENTS, f"{rule}x") != "Allow"
        assert decision(stack, "*", SNS, rule) != "Allow"


@pytest.mark.parametrize("role", ["ApproveRole", "SweepRole"])
def test_queue_policy_leaves_senders_to_their_roles(stack: Stack, role: str) -> None:
    (arn,) = (arn for arn, name in roles(stack).items() if name == role)
    assert decision(stack, arn) == "ImplicitDeny"


def test_queue_policy_denies_every_other_principal(stack: Stack) -> None:
    others = {arn for arn, name in roles(stack).items() if name not in ("ApproveRole", "SweepRole")}
    others |= {f"arn:aws:iam::{account}:{name}" for account in (PROVIDER, STRANGER) for name in ("root", "role/administrator", "user/ana")}
    assert {other for other in others if decision(stack, other) != "Deny"} == set()
