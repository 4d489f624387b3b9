"""The policy of the bus for forwarded events: rules of the organization may put EC2's events on it. Needs no running stack."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml
from harness.accounts import ALLOWED, REGION
from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from tasks.paths import TEMPLATE

BUS = f"arn:aws:events:{REGION}:123456789012:event-bus/privatelink-warden"
FORWARDED: dict[str, Any] = {
    "aws:principalorgid": "o-a1b2c3d4e5",
    "events:source": ["aws.ec2"],
    "events:detail-type": "AWS API Call via CloudTrail",
    "events:eventbusinvocation": "true",
}


def decision(**changes: Any) -> str:
    """The decision about PutEvents by a consumer's role. A change of None leaves a key out."""
    statement = cfn_yaml.load(str(TEMPLATE))["Resources"]["ForwardedEventsPolicy"]["Properties"]["Statement"]
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement | {"Resource": BUS}]}).replace('{"Ref": "ForwarderOrganizationId"}', '"o-a1b2c3d4e5"')
    keys = {key: value for key, value in (FORWARDED | changes).items() if value is not None}
    context = EvalContext(f"arn:aws:sts::{ALLOWED}:assumed-role/forward/1", "AssumedRole", ALLOWED, "events:PutEvents", BUS, REGION, service_context=keys)
    return str(evaluate_resource_policy(document, context, service=None).decision)


def test_rules_of_the_organization_may_forward() -> None:
    assert decision() == "Allow"


@pytest.mark.parametrize(
    "changes",
    [
        {"aws:principalorgid": "o-ffffffffff"},
        {"aws:principalorgid": None},
        {"events:source": ["acme.ec2"]},
        {"events:source": ["aws.ec2", "acme.ec2"]},
        {"events:source": None},
        {"events:detail-type": "EC2 Instance State-change Notification"},
        {"events:eventbusinvocation": "false"},
    ],
    ids=str,
)
def test_no_other_event_may_be_put(changes: dict[str, Any]) -> None:
    assert decision(**changes) != "Allow"
