"""Rules about keys, permissions boundaries and the ledger's protection in the templates. Needs no running stack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml
from tasks.paths import ROOT, TEMPLATE

KEY, NONE = {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}
BOUNDARY = {"Fn::If": ["HasBoundary", {"Ref": "PermissionsBoundaryArn"}, NONE]}
TEMPLATES = sorted((ROOT / "infra").glob("*.yaml"))


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    """The template's resources."""
    return dict(cfn_yaml.load(str(TEMPLATE))["Resources"])


def properties(resources: dict[str, Any], kind: str) -> dict[str, Any]:
    """The properties of the resources of a type, by logical id."""
    return {name: resource["Properties"] for name, resource in resources.items() if resource["Type"] == kind}


def with_key(value: Any, name: str = "HasKey") -> tuple[Any, Any]:
    """A value with the key and without it."""
    condition, inside, outside = value["Fn::If"]
    assert condition == name
    return inside, outside


def test_key_encrypts_ledger_reports_and_topics(resources: dict[str, Any]) -> None:
    (ledger,) = properties(resources, "AWS::DynamoDB::Table").values()
    assert with_key(ledger["SSESpecification"]) == ({"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY}, {"SSEEnabled": True})
    (bucket,) = properties(resources, "AWS::S3::Bucket").values()
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert with_key(rule["ServerSideEncryptionByDefault"]) == ({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}, {"SSEAlgorithm": "AES256"})
    assert with_key(rule["BucketKeyEnabled"]) == (True, NONE)
    topics = properties(resources, "AWS::SNS::Topic")
    assert {name: with_key(topic["KmsMasterKeyId"])[0] for name, topic in topics.items()} == {"ConnectionsTopic": KEY, "OwnersTopic": KEY}


def test_queues_need_no_key(resources: dict[str, Any]) -> None:
    """SNS, EventBridge and Scheduler send to the queues, and would need statements in a key's policy."""
    for name, queue in properties(resources, "AWS::SQS::Queue").items():
        assert queue["SqsManagedSseEnabled"] is True and "KmsMasterKeyId" not in queue, name


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_role_has_the_boundary(template: Path) -> None:
    text = cfn_yaml.load(str(template))
    roles = properties(text["Resources"], "AWS::IAM::Role")
    assert all(role["PermissionsBoundary"] == BOUNDARY for role in roles.values())
    if roles:
        assert text["Conditions"]["HasBoundary"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "PermissionsBoundaryArn"}, ""]}]}
        assert text["Parameters"]["PermissionsBoundaryArn"]["Default"] == ""


def test_ledger_is_protected_and_retained(resources: dict[str, Any]) -> None:
    """A protected table that CloudFormation should delete would fail the deletion of the stack."""
    for table in (each for each in resources.values() if each["Type"] == "AWS::DynamoDB::Table"):
        assert table["Properties"]["DeletionProtectionEnabled"] is True
        assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
