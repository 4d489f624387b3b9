"""Every template deployed: created, each resource checked at its own service, updated, deleted. On an emulator of its own."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml
from harness.accounts import ALLOWED, PROVIDER, REGION, root_arn
from harness.actions import audit, await_record, create_endpoint, create_service, records, report, state, sweep
from harness.cloudformation import Deployment
from harness.inbox import Inbox
from harness.sam import package, sam
from harness.stack import Stack
from tasks import artifacts
from tasks.paths import ROOT, TEMPLATE
from templates.resource_checks import Made, exists, resolved

# The parameters without a usable default.
REQUIRED = {"ServiceScope": "all", "Architecture": "x86_64"}
BOUNDARY = f"arn:aws:iam::{PROVIDER}:policy/boundary"
SERVICE = f"com.amazonaws.vpce.{REGION}.vpce-svc-03d5ebb7d9579a2b3"


@pytest.fixture(scope="module")
def platform() -> Iterator[Stack]:
    """An emulator without a deployment."""
    with Stack("deployment") as running:
        yield running


@pytest.fixture(scope="module")
def network(platform: Stack) -> dict[str, str]:
    """A VPC for the templates' parameters, in the emulator: the stand-in has no VPCs."""
    ec2 = platform.emulator_client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"]["SubnetId"] for i, zone in enumerate("ab")]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    group = ec2.create_security_group(GroupName="others", Description="others", VpcId=vpc)["GroupId"]
    return {"vpc": vpc, "subnet": subnets[0], "subnets": ",".join(subnets), "table": table, "group": group}


def made_by(deployment: Deployment) -> dict[str, Made]:
    """The resources that CloudFormation reports."""
    template, listed = deployment.template(), deployment.resources()
    ids = {name: str(resource["PhysicalResourceId"]) for name, resource in listed.items()}
    declared = {name: template["Resources"][name].get("Properties", {}) for name in listed}
    known = deployment.parameters | ids
    return {name: Made(resource["ResourceType"], ids[name], resolved(declared[name], known)) for name, resource in listed.items()}


def absent(platform: Stack, made: dict[str, Made]) -> set[str]:
    """The resources that their services do not know."""
    return {name for name, each in made.items() if not exists(platform.emulator_client, each)}


# The conditions that hold with the parameters' defaults.
BY_DEFAULT = {"EmitsEvents"}


def declared(deployment: Deployment, holding: set[str]) -> set[str]:
    """The resources that the transformed template declares under these conditions."""
    return {name for name, each in deployment.template()["Resources"].items() if each.get("Condition", "") in {"", *BY_DEFAULT, *holding}}


def retained(deployment: Deployment) -> set[str]:
    """The resources that outlive the stack."""
    return {name for name, each in deployment.template()["Resources"].items() if each.get("DeletionPolicy") == "Retain"}


def stored(platform: Stack, made: dict[str, Made]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """All records of the ledger and all reports."""
    items = platform.client("dynamodb").scan(TableName=made["Ledger"].id, ConsistentRead=True)["Items"]
    s3, bucket = platform.client("s3"), made["Reports"].id
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    ledger = {f"{item['pk']['S']} {item['sk']['S']}": item for item in items if item["pk"]["S"].startswith("request/")}
    return ledger, {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def settings(platform: Stack, made: dict[str, Made], function: str) -> tuple[str | None, str]:
    """A function's mode and log level in Lambda."""
    found = platform.client("lambda").get_function_configuration(FunctionName=made[function].id)
    return found["Environment"]["Variables"].get("MODE"), found["LoggingConfig"]["ApplicationLogLevel"]


def test_update_and_deletion_keep_the_ledger(platform: Stack) -> None:
    """Also observe mode: it records and tells, and acts only once the mode is active."""
    platform.deploy(REQUIRED)
    made = made_by(platform.deployment)
    assert set(made) == declared(platform.deployment, holding=set())
    assert not absent(platform, made)
    assert settings(platform, made, "Approve") == settings(platform, made, "Audit") == ("observe", "INFO")

    inbox = Inbox.subscribe(platform, platform.outputs["OwnersTopicArn"])
    service = create_service(platform, [ALLOWED])
    endpoint = create_endpoint(platform, ALLOWED, service)
    await_record(platform, service, endpoint, "observed-accept")
    assert inbox.await_message(endpoint, "observed-accept").body["observe"] is True
    assert state(platform, service, endpoint) == "pendingAcceptance"
    page = report(platform, audit(platform), "report.html")
    ledger, reports = stored(platform, made)
    assert page in reports.values()

    platform.deploy(REQUIRED, Mode="active", LogLevel="DEBUG")
    assert made_by(platform.deployment).keys() == made.keys()
    assert {name: each.id for name, each in made_by(platform.deployment).items()} == {name: each.id for name, each in made.items()}, "nothing was replaced"
    assert settings(platform, made, "Approve") == settings(platform, made, "Audit") == ("active", "DEBUG")
    assert settings(platform, made, "Notify") == (None, "DEBUG")
    assert not absent(platform, made)
    after, reports_after = stored(platform, made)
    assert ledger.items() <= after.items() and reports.items() <= reports_after.items()
    sweep(platform)
    # A function that still runs when its log group is deleted would create it again here, where no role forbids that.
    inbox.await_message(endpoint, "accepted")

    kept = retained(platform.deployment) & set(made)
    platform.deployment.delete()
    assert set(made) - absent(platform, made) == kept == {"Ledger", "Reports", "ReportsPolicy"}
    left, reports_left = stored(platform, made)
    assert ledger.items() <= left.items() and reports.items() <= reports_left.items()
    assert set(records(platform, service, endpoint)) == {"observed-accept", "accepted"}


@dataclass(frozen=True)
class Case:
    """A template, its parameters, its conditions that hold then, and the resources and outputs that the emulator refuses."""

    name: str
    template: str
    parameters: dict[str, str]
    holding: set[str] = field(default_factory=set)
    left_out: set[str] = field(default_factory=set)
    outputs_left_out: set[str] = field(default_factory=set)


CASES = [
    Case(
        "warden-with-everything",
        "template.yaml",
        REQUIRED
        | {"PolicyUri": "s3://policies/redis/", "PolicyKeyArn": f"arn:aws:kms:{REGION}:{PROVIDER}:key/1", "OrganizationAccess": "arn:aws:iam::999988887777:role/ask", "OwnerEmail": "owner@example.com"}
        | {"AlarmTopicArn": f"arn:aws:sns:{REGION}:{PROVIDER}:alarms", "RunbookUrl": "https://example.com/operations.md"}
        | {"MaximumConcurrency": "2", "SubnetIds": "{subnets}", "SecurityGroupIds": "{group}", "EncryptConnectionsTopic": "true", "ForwarderOrganizationId": "o-a1b2c3d4e5"},
        {"ReadsPolicyFromS3", "DecryptsPolicySet", "AsksOrganizationsByRole", "TellsByMail", "HasAlarmTopic", "InVpc", "EncryptsConnections", "HearsAnOrganization", "EmitsEvents"},
        {"ForwardedEventsPolicy"},
    ),
    Case("warden-at-the-management-account", "template.yaml", REQUIRED | {"OrganizationAccess": "direct"}, {"AsksOrganizations"}),
    Case("warden-with-a-key", "template.yaml", REQUIRED | {"KmsKeyArn": f"arn:aws:kms:{REGION}:{PROVIDER}:key/1", "PermissionsBoundaryArn": BOUNDARY, "ServiceTagValue": "yes"}),
    Case(
        "organization-role",
        "organization-role.yaml",
        {"WardenRoleArns": f"arn:aws:iam::{PROVIDER}:role/warden-ApproveRole-1,arn:aws:iam::{PROVIDER}:role/warden-AuditRole-1", "PermissionsBoundaryArn": BOUNDARY},
    ),
    Case(
        "forwarder",
        "forwarder.yaml",
        {"WardenBusArn": f"arn:aws:events:{REGION}:{PROVIDER}:event-bus/warden", "AlarmTopicArn": f"arn:aws:sns:{REGION}:{PROVIDER}:alarms"}
        | {"PermissionsBoundaryArn": BOUNDARY},
    ),
    Case(
        "network",
        "network.yaml",
        {"VpcId": "{vpc}", "SubnetIds": "{subnets}", "RouteTableIds": "{table}", "S3PrefixListId": "pl-63a5400a", "DynamoDbPrefixListId": "pl-02cd2c6b"}
        | {"PolicyBucket": "policies", "OrganizationRoleArn": "arn:aws:iam::999988887777:role/ask", "KmsKeyArn": f"arn:aws:kms:{REGION}:{PROVIDER}:key/1"}
        | {"WithS3Interface": "true", "S3InterfaceClients": "10.1.0.0/16"}
        | {f"With{name}": "true" for name in ("Events", "Organizations", "Sqs", "Lambda", "Logs", "Monitoring")},
        {f"Has{name}" for name in ("DynamoDbGateway", "S3Gateway", "S3Interface", "Sns", "Events", "Organizations", "Sts", "Kms", "Sqs", "Lambda", "Logs", "Monitoring")},
        {"FunctionsToEndpoints"},
    ),
    Case(
        "redis-provider",
        "examples/redis-provider.yaml",
        {"VpcId": "{vpc}", "SubnetIds": "{subnets}", "RedisAddress": "10.0.1.20", "RedisSecurityGroupId": "{group}", "PrivateDnsName": "redis.example.com"}
        | {"AllowedPrincipals": root_arn(ALLOWED), "WardenTopicArn": f"arn:aws:sns:{REGION}:{PROVIDER}:warden-connections"},
        {"OpensTheRedis"},
        {"BalancerToRedis", "Service", "Permissions", "Notification"},
        {"ServiceId", "ServiceName"},
    ),
    # The emulator's endpoints have no DNS entries.
    Case(
        "redis-consumer",
        "examples/redis-consumer.yaml",
        {"VpcId": "{vpc}", "SubnetIds": "{subnets}", "ClientsGroupId": "{group}", "ServiceName": SERVICE, "PrivateDns": "true"},
        outputs_left_out={"DnsName"},
    ),
    Case(
        "firewall-provider",
        "examples/firewall-provider.yaml",
        {"VpcId": "{vpc}", "SubnetIds": "{subnets}", "ApplianceAddress": "10.0.1.20", "AllowedPrincipals": root_arn(ALLOWED)},
        left_out={"Service", "Permissions"},
        outputs_left_out={"ServiceId", "ServiceName"},
    ),
    Case(
        "firewall-consumer",
        "examples/firewall-consumer.yaml",
        {"VpcId": "{vpc}", "SubnetId": "{subnet}", "ServiceName": SERVICE, "RouteTableId": "{table}", "WithRoute": "true"},
        {"HasRoute"},
    ),
    # The emulator has no API destinations.
    Case("pagerduty", "examples/pagerduty.yaml", {"RoutingKey": "0" * 32}, left_out={"Connection", "PagerDuty", "Role", "Trigger"}),
    Case("slack", "examples/slack.yaml", {"WebhookUrl": "https://hooks.slack.com/services/T/B/x"}, left_out={"Connection", "Slack", "Role", "Tell"}),
]


def whole(platform: Stack, case: Case) -> dict[str, Any]:
    """The case's template, with the code on S3 and the Region in its conditions."""
    text = platform.packaged if case.template == TEMPLATE.name else (ROOT / "infra" / case.template).read_text()
    body: dict[str, Any] = json.loads(json.dumps(cfn_yaml.loads(text)))
    # The emulator's conditions know no pseudo parameters.
    return body | {"Conditions": resolved(body.get("Conditions", {}), {"AWS::Region": REGION})}


def parameters_of(case: Case, network: dict[str, str]) -> dict[str, str]:
    """The case's parameters, with the ids of this network."""
    return {key: value.format_map(network) for key, value in case.parameters.items()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_template_is_created_and_deleted(platform: Stack, network: dict[str, str], case: Case) -> None:
    body, deployment = whole(platform, case), Deployment(case.name, platform.client)
    expected = {name for name, each in body["Resources"].items() if each.get("Condition", "") in {"", *case.holding}} - case.left_out
    for part, names in (("Resources", case.left_out), ("Outputs", case.outputs_left_out)):
        for name in names:
            del body[part][name]
    deployment.put(json.dumps(body), parameters_of(case, network))
    made = made_by(deployment)
    assert expected <= set(made) == declared(deployment, case.holding)
    assert not absent(platform, made)
    kept = retained(deployment) & set(made)
    deployment.delete()
    assert set(made) - absent(platform, made) == kept


def test_every_template_has_a_case() -> None:
    here = {str(path.relative_to(ROOT / "infra")) for path in (ROOT / "infra").rglob("*.yaml")}
    assert {case.template for case in CASES} == {name for name in here if not name.startswith(".")}


def test_every_condition_holds_in_a_case() -> None:
    """So each resource is created in a case, or is left out by name."""
    for template in {case.template for case in CASES}:
        resources = cfn_yaml.load(str(ROOT / "infra" / template))["Resources"]
        needed = {each["Condition"] for each in resources.values() if "Condition" in each}
        assert needed <= set().union(*(case.holding for case in CASES if case.template == template)), template


@pytest.mark.skipif(not os.environ.get("WARDEN_SAM"), reason="run `make test`, which installs SAM")
def test_sam_deploy_uploads_the_packaged_zips(platform: Stack, tmp_path: Path) -> None:
    zips, architecture = package(tmp_path)
    s3, name = platform.client("s3"), "by-sam"
    s3.create_bucket(Bucket=name)
    # As after Enter for each parameter that has a default.
    parameters = [f"ServiceScope={REQUIRED['ServiceScope']}"]
    sam(platform, tmp_path, "deploy", "--stack-name", name, "--s3-bucket", name, "--capabilities", "CAPABILITY_IAM", "--no-progressbar", "--parameter-overrides", *parameters)
    made = made_by(Deployment(name, platform.client))
    for function in artifacts.FUNCTIONS:
        running = platform.client("lambda").get_function_configuration(FunctionName=made[function.capitalize()].id)
        assert running["Architectures"] == [architecture]
        assert running["CodeSha256"] == base64.b64encode(hashlib.sha256((zips / f"{function}.zip").read_bytes()).digest()).decode()
