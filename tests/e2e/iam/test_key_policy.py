"""infra/examples/key-policy.json, the policy of a key that `KmsKeyArn` names: it allows each service that publishes to a topic of the template,
and leaves the roles to their own policies. Needs no running stack."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml
from harness.accounts import PROVIDER, REGION, STRANGER
from iam.deployed_policies import template_policies
from iam.evaluation import VIA_SERVICE, listed
from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from tasks.paths import ROOT, TEMPLATE

DOCUMENT = ROOT / "infra" / "examples" / "key-policy.json"
VALUES = {"PARTITION": "aws", "REGION": REGION, "ACCOUNT": PROVIDER}
KEY = f"arn:aws:kms:{REGION}:{PROVIDER}:key/1b2c3d4e-5f60-7182-93a4-b5c6d7e8f90a"
PRIVATELINK, CLOUDWATCH = "vpce.amazonaws.com", "cloudwatch.amazonaws.com"
ACTIONS = ("kms:GenerateDataKey", "kms:Decrypt")


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    """The template's resources."""
    return dict(cfn_yaml.load(str(TEMPLATE))["Resources"])


def document() -> str:
    """The document with the values of a deployment."""
    text = DOCUMENT.read_text()
    for word, value in VALUES.items():
        text = text.replace(f"${{{word}}}", value)
    assert "${" not in text
    return text


def decision(action: str, principal: str = "*", service: str = "", account: str = PROVIDER) -> str:
    """The policy's decision. A service acts for an endpoint service of an account."""
    source = {"aws:sourceaccount": account, "aws:sourcearn": f"arn:aws:ec2:{REGION}:{account}:vpc-endpoint-service/vpce-svc-0123456789abcdef0"}
    context = EvalContext(
        principal_arn=principal,
        principal_type="Service" if service else "AssumedRole",
        principal_account="" if service else principal.split(":")[4],
        action=action,
        resource_arn=KEY,
        region=REGION,
        service_context=source if service == PRIVATELINK else {},
    )
    return str(evaluate_resource_policy(document(), context, service=service or None).decision)


def topics_in(thing: Any, topics: set[str]) -> set[str]:
    """The topics that a value names, at any depth."""
    if isinstance(thing, dict):
        here = {thing["Ref"]} & topics if isinstance(thing.get("Ref"), str) else set()
        return here.union(*(topics_in(each, topics) for each in thing.values()))
    return set().union(*(topics_in(each, topics) for each in thing)) if isinstance(thing, list) else set()


def publishers(resources: dict[str, Any]) -> set[str]:
    """The services that publish to the template's topics."""
    topics = {name for name, each in resources.items() if each["Type"] == "AWS::SNS::Topic"}
    allowed = {statement["Principal"]["Service"] for each in resources.values() if each["Type"] == "AWS::SNS::TopicPolicy" for statement in each["Properties"]["PolicyDocument"]["Statement"]}
    senders = {"AWS::CloudWatch::Alarm": CLOUDWATCH, "AWS::Events::Rule": "events.amazonaws.com", "AWS::Scheduler::Schedule": "scheduler.amazonaws.com"}
    return allowed | {senders[each["Type"]] for each in resources.values() if each["Type"] in senders and topics_in(each["Properties"], topics)}


def test_publishing_services_may_use_the_key(resources: dict[str, Any]) -> None:
    named = {statement["Principal"]["Service"] for statement in json.loads(document())["Statement"] if "Service" in statement["Principal"]}
    assert named == publishers(resources) == {PRIVATELINK, CLOUDWATCH}
    for service in named:
        assert {decision(action, service=service) for action in ACTIONS} == {"Allow"}, service
        assert {decision(action, service=service) for action in ("kms:CreateGrant", "kms:PutKeyPolicy")} != {"Allow"}, service


def test_key_serves_only_own_endpoint_services() -> None:
    assert {decision(action, service=PRIVATELINK, account=STRANGER) for action in ACTIONS} == {"ImplicitDeny"}
    assert {decision(action, f"arn:aws:iam::{STRANGER}:role/any") for action in ACTIONS} == {"ImplicitDeny"}


def test_own_key_has_the_same_policy(resources: dict[str, Any]) -> None:
    """Of `ConnectionsKey`, which has no alarms to encrypt."""
    own = json.dumps(resources["ConnectionsKey"]["Properties"]["KeyPolicy"])
    for word, value in {"${AWS::Partition}": "aws", "${AWS::Region}": REGION, "${AWS::AccountId}": PROVIDER}.items():
        own = own.replace(word, value)
    own = own.replace('{"Ref": "AWS::AccountId"}', f'"{PROVIDER}"')
    statements = json.loads(own, object_hook=lambda value: value["Fn::Sub"] if list(value) == ["Fn::Sub"] else value)["Statement"]
    assert statements == [each for each in json.loads(document())["Statement"] if each["Sid"] != "Alarms"]


def test_roles_need_no_statement_of_the_key() -> None:
    """Each role's own policy names the key and the service that calls KMS, and the key's policy accepts the account's policies."""
    administer = json.loads(document())["Statement"][0]
    assert (administer["Principal"], administer["Action"]) == ({"AWS": f"arn:aws:iam::{PROVIDER}:root"}, "kms:*")
    using = [(role, each) for role, statements in template_policies().items() for each in statements if each["Resource"] == {"Ref": "KmsKeyArn"}]
    assert {role for role, _ in using} >= {"ApproveRole", "AuditRole", "NotifyRole"}
    for role, each in using:
        assert set(listed(each["Action"])) <= set(ACTIONS) and set(each["Condition"]["StringLike"]) == {VIA_SERVICE}, role
