"""The template, by its linters and by what two places in it must agree on. Needs no running stack."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from accounts import REGION
from cfnlint.decode import cfn_yaml
from places import ROOT, TEMPLATE, TEMPLATES
from stack import quiet_environment


def run(command: list[str]) -> None:
    """Passes if the command does, and shows its words if not."""
    done = subprocess.run(command, cwd=ROOT, env=quiet_environment() | {"SAM_CLI_TELEMETRY": "0"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    """The template's resources, as written."""
    return dict(cfn_yaml.load(str(TEMPLATE))["Resources"])


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_cfn_lint_passes(template: Path) -> None:
    run([str(Path(sys.executable).with_name("cfn-lint")), "--regions", REGION, "--", str(template)])


@pytest.mark.skipif(not os.environ.get("WARDEN_SAM"), reason="aws-sam-cli could not be installed")
def test_sam_validate_passes() -> None:
    run([os.environ["WARDEN_SAM"], "validate", "--lint", "--region", REGION, "--template", str(TEMPLATE)])


def test_both_rules_pin_the_same_events(resources: dict[str, Any]) -> None:
    """CloudFormation takes no YAML aliases, so the pattern stands there twice."""
    events = resources["Approve"]["Properties"]["Events"]
    assert events["OnDefaultBus"]["Properties"]["Pattern"] == events["OnForwardedEvents"]["Properties"]["Pattern"]


def test_neither_function_may_do_more_than_it_does(resources: dict[str, Any]) -> None:
    allowed = {role: actions_of(resources[role]) for role in ("ApproveRole", "NotifyRole")}
    logs, handing_over = {"logs:CreateLogStream", "logs:PutLogEvents"}, {"sqs:SendMessage"}
    assert allowed["ApproveRole"] - logs - handing_over == {
        "ec2:DescribeVpcEndpointConnections",
        "ec2:DescribeVpcEndpointServiceConfigurations",
        "ec2:DescribeVpcEndpointConnectionNotifications",
        "ec2:AcceptVpcEndpointConnections",
        "ec2:RejectVpcEndpointConnections",
        "dynamodb:PutItem",
        "dynamodb:Query",
    }
    assert actions_of(resources["AuditRole"]) - logs - handing_over == {
        "ec2:DescribeVpcEndpointConnections",
        "ec2:DescribeVpcEndpointServiceConfigurations",
        "ec2:DescribeVpcEndpointServicePermissions",
        "ec2:DescribeVpcEndpointConnectionNotifications",
        "dynamodb:Query",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:DeleteItem",
        "s3:PutObject",
    }, "the audit only looks"
    stream = {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"}
    assert allowed["NotifyRole"] - logs - handing_over - stream == {"sns:Publish"}


def test_what_the_two_that_judge_may_do_besides_depends_on_the_parameters(resources: dict[str, Any]) -> None:
    besides = {name: resource for name, resource in resources.items() if resource["Type"] == "AWS::IAM::Policy"}
    assert {resource["Condition"]: actions_in(resource["Properties"]["PolicyDocument"]) for resource in besides.values()} == {
        "ReadsPolicyFromS3": {"s3:GetObject"},
        "AsksOrganizations": {"organizations:DescribeAccount"},
        "AsksOrganizationsByRole": {"sts:AssumeRole"},
    }
    for resource in besides.values():
        assert resource["Properties"]["Roles"] == [{"Ref": "ApproveRole"}, {"Ref": "AuditRole"}], "they must go by the same facts"
    assert besides["AskOrganizationsByRole"]["Properties"]["PolicyDocument"]["Statement"][0]["Resource"] == {"Ref": "OrganizationAccess"}


def test_the_schedule_sends_what_the_function_reads(resources: dict[str, Any]) -> None:
    sent = json.loads(resources["Approve"]["Properties"]["Events"]["Sweep"]["Properties"]["Input"]["Fn::Sub"])
    assert (sent["source"], sent["detail-type"]) == ("aws.scheduler", "Scheduled Event")
    assert set(sent) == {"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"}


def test_every_way_to_fail_has_a_queue(resources: dict[str, Any]) -> None:
    approve, notify = (resources[name]["Properties"] for name in ("Approve", "Notify"))
    events = approve["Events"]
    for name in ("OnDefaultBus", "OnForwardedEvents", "Sweep"):
        assert "Arn" in events[name]["Properties"]["DeadLetterConfig"], name
    assert "deadLetterTargetArn" in events["Notified"]["Properties"]["RedrivePolicy"]
    assert approve["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Type"] == "SQS"
    audit = resources["Audit"]["Properties"]
    assert "Arn" in audit["Events"]["Daily"]["Properties"]["DeadLetterConfig"]
    assert audit["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Type"] == "SQS"
    assert notify["Events"]["Recorded"]["Properties"]["DestinationConfig"]["OnFailure"]["Type"] == "SQS"


def actions_of(role: dict[str, Any]) -> set[str]:
    """Every action a role's own policies allow."""
    return {action for policy in role["Properties"]["Policies"] for action in actions_in(policy["PolicyDocument"])}


def actions_in(document: dict[str, Any]) -> set[str]:
    """Every action a policy document allows."""
    listed = [statement["Action"] for statement in document["Statement"]]
    return {action for actions in listed for action in ([actions] if isinstance(actions, str) else actions)}


def test_reports_are_private_versioned_and_travel_by_tls_only(resources: dict[str, Any]) -> None:
    bucket = resources["Reports"]["Properties"]
    assert all(bucket["PublicAccessBlockConfiguration"].values()) and len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["VersioningConfiguration"]["Status"] == "Enabled"
    assert bucket["LifecycleConfiguration"]["Rules"][0]["Status"] == "Enabled"
    statement = resources["ReportsPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
