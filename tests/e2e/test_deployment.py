"""Every template in a real deployment engine: made, every resource asked for at its own service, changed, deleted. On an emulator of its own."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import artifacts
import pytest
from accounts import A, PROVIDER, REGION, root_arn
from botocore.exceptions import ClientError
from cfnlint.decode import cfn_yaml
from deployment import Deployment
from existence import Made, exists, resolved
from inbox import Inbox
from places import ROOT, TARGET, TEMPLATE
from processes import stop_on_signals
from release import write_template, write_zips
from scenario import ask, audit, await_record, offer, records, report, sweep
from stack import Stack, forget_the_users_aws, quiet_environment

# What no default could answer; all else is as the template has it.
AS_IT_COMES = {"ServiceScope": "all", "Architecture": "x86_64"}
SERVICE = f"com.amazonaws.vpce.{REGION}.vpce-svc-03d5ebb7d9579a2b3"


@pytest.fixture(scope="module")
def platform() -> Iterator[Stack]:
    """An emulator in which nothing is deployed yet."""
    forget_the_users_aws()
    stop_on_signals()
    with Stack("deployment") as running:
        yield running


@pytest.fixture(scope="module")
def network(platform: Stack) -> dict[str, str]:
    """A VPC with what the templates want to be told of one. The emulator's own: the stand-in has no VPCs."""
    ec2 = platform.beneath("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"]["SubnetId"] for i, zone in enumerate("ab")]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    group = ec2.create_security_group(GroupName="others", Description="somebody else's", VpcId=vpc)["GroupId"]
    return {"vpc": vpc, "subnet": subnets[0], "subnets": ",".join(subnets), "table": table, "group": group}


def made_by(deployment: Deployment) -> dict[str, Made]:
    """What CloudFormation says that it made, ready to be asked for."""
    template, listed = deployment.template(), deployment.resources()
    ids = {name: str(resource["PhysicalResourceId"]) for name, resource in listed.items()}
    declared = {name: template["Resources"][name].get("Properties", {}) for name in listed}
    return {name: Made(resource["ResourceType"], ids[name], resolved(declared[name], ids)) for name, resource in listed.items()}


def absent(platform: Stack, made: dict[str, Made]) -> set[str]:
    """Those of them that their services do not know."""
    return {name for name, each in made.items() if not exists(platform.beneath, each)}


def declared(deployment: Deployment, holding: set[str]) -> set[str]:
    """What the transformed template declares under these conditions."""
    return {name for name, each in deployment.template()["Resources"].items() if each.get("Condition", "") in {"", *holding}}


def retained(deployment: Deployment) -> set[str]:
    """What shall outlive the stack."""
    return {name for name, each in deployment.template()["Resources"].items() if each.get("DeletionPolicy") == "Retain"}


def stored(platform: Stack, made: dict[str, Made]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Everything in the ledger and in the bucket of reports."""
    items = platform.client("dynamodb").scan(TableName=made["Ledger"].id, ConsistentRead=True)["Items"]
    s3, bucket = platform.client("s3"), made["Reports"].id
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    ledger = {f"{item['connection']['S']} {item['verdict']['S']}": item for item in items}
    return ledger, {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def settings(platform: Stack, made: dict[str, Made], function: str) -> tuple[str | None, str]:
    """A function's mode and log level, as Lambda has them."""
    found = platform.client("lambda").get_function_configuration(FunctionName=made[function].id)
    return found["Environment"]["Variables"].get("MODE"), found["LoggingConfig"]["ApplicationLogLevel"]


def test_the_warden_is_made_changed_and_deleted_and_nothing_it_keeps_is_lost(platform: Stack) -> None:
    platform.deploy(AS_IT_COMES)
    made = made_by(platform.deployment)
    assert set(made) == declared(platform.deployment, holding=set())
    assert not absent(platform, made)
    assert settings(platform, made, "Approve") == settings(platform, made, "Audit") == ("observe", "INFO")

    service = offer(platform, [A])
    endpoint = ask(platform, A, service)
    await_record(platform, service, endpoint, "observed-accept")
    page = report(platform, audit(platform), "report.html")
    ledger, reports = stored(platform, made)
    assert page in reports.values()

    platform.deploy(AS_IT_COMES, Mode="active", LogLevel="DEBUG")
    assert made_by(platform.deployment).keys() == made.keys()
    assert {name: each.id for name, each in made_by(platform.deployment).items()} == {name: each.id for name, each in made.items()}, "nothing was replaced"
    assert settings(platform, made, "Approve") == settings(platform, made, "Audit") == ("active", "DEBUG")
    assert settings(platform, made, "Notify") == (None, "DEBUG")
    assert not absent(platform, made)
    after, reports_after = stored(platform, made)
    assert ledger.items() <= after.items() and reports.items() <= reports_after.items()
    inbox = Inbox.subscribe(platform, platform.outputs["OwnersTopicArn"])
    sweep(platform)
    # Not the record alone: a function that is still at work when its log group is deleted would make it anew here, where no role forbids it.
    inbox.await_mail(endpoint, "accepted")

    kept = retained(platform.deployment) & set(made)
    platform.deployment.delete()
    assert set(made) - absent(platform, made) == kept == {"Ledger", "Reports", "ReportsPolicy"}
    left, reports_left = stored(platform, made)
    assert ledger.items() <= left.items() and reports.items() <= reports_left.items()
    assert set(records(platform, service, endpoint)) == {"observed-accept", "accepted"}


@dataclass(frozen=True)
class Case:
    """A template, what it is told, which of its conditions hold then, and what of it the emulator cannot take."""

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
        AS_IT_COMES
        | {"PolicyUri": "s3://policies/redis/", "OrganizationAccess": "arn:aws:iam::999988887777:role/ask", "OwnerEmail": "owner@example.com"}
        | {"ReservedConcurrency": "5", "SubnetIds": "{subnets}", "SecurityGroupIds": "{group}", "EncryptConnectionsTopic": "true", "ForwarderOrganizationId": "o-a1b2c3d4e5"},
        {"ReadsPolicyFromS3", "AsksOrganizationsByRole", "TellsByMail", "InVpc", "EncryptsConnections", "HearsAnOrganization"},
        {"ForwardedEventsPolicy"},
    ),
    Case("warden-at-the-management-account", "template.yaml", AS_IT_COMES | {"OrganizationAccess": "direct"}, {"AsksOrganizations"}),
    Case(
        "forwarder",
        "forwarder.yaml",
        {"WardenBusArn": f"arn:aws:events:{REGION}:{PROVIDER}:event-bus/warden", "AlarmTopicArn": f"arn:aws:sns:{REGION}:{PROVIDER}:alarms"},
    ),
    Case(
        "network",
        "network.yaml",
        {"VpcId": "{vpc}", "SubnetIds": "{subnets}", "RouteTableIds": "{table}", "S3PrefixListId": "pl-63a5400a", "DynamoDbPrefixListId": "pl-02cd2c6b"}
        | {"PolicyBucket": "policies", "OrganizationRoleArn": "arn:aws:iam::999988887777:role/ask", "KmsKeyArn": f"arn:aws:kms:{REGION}:{PROVIDER}:key/1"}
        | {"WithS3Interface": "true", "S3InterfaceClients": "10.1.0.0/16"}
        | {f"With{name}": "true" for name in ("Organizations", "Sqs", "Lambda", "Logs", "Monitoring")},
        {f"Has{name}" for name in ("DynamoDbGateway", "S3Gateway", "S3Interface", "Sns", "Organizations", "Sts", "Kms", "Sqs", "Lambda", "Logs", "Monitoring")},
        {"FunctionsToEndpoints"},
    ),
    Case(
        "redis-provider",
        "examples/redis-provider.yaml",
        {"VpcId": "{vpc}", "SubnetIds": "{subnets}", "RedisAddress": "10.0.1.20", "RedisSecurityGroupId": "{group}", "PrivateDnsName": "redis.example.com"}
        | {"AllowedPrincipals": root_arn(A), "WardenTopicArn": f"arn:aws:sns:{REGION}:{PROVIDER}:warden-connections"},
        {"OpensTheRedis"},
        {"BalancerToRedis", "Service", "Permissions", "Notification"},
        {"ServiceId", "ServiceName"},
    ),
    # Its endpoints have no DNS entries.
    Case(
        "redis-consumer",
        "examples/redis-consumer.yaml",
        {"VpcId": "{vpc}", "SubnetIds": "{subnets}", "ClientsGroupId": "{group}", "ServiceName": SERVICE, "PrivateDns": "true"},
        outputs_left_out={"DnsName"},
    ),
    Case(
        "firewall-provider",
        "examples/firewall-provider.yaml",
        {"VpcId": "{vpc}", "SubnetIds": "{subnets}", "ApplianceAddress": "10.0.1.20", "AllowedPrincipals": root_arn(A)},
        left_out={"Service", "Permissions"},
        outputs_left_out={"ServiceId", "ServiceName"},
    ),
    Case(
        "firewall-consumer",
        "examples/firewall-consumer.yaml",
        {"VpcId": "{vpc}", "SubnetId": "{subnet}", "ServiceName": SERVICE, "RouteTableId": "{table}", "WithRoute": "true"},
        {"HasRoute"},
    ),
]


def whole(platform: Stack, case: Case) -> dict[str, Any]:
    """The case's template as it is in the repository, but for where the code lies and what the Region is."""
    text = platform.packaged() if case.template == TEMPLATE.name else (ROOT / "infra" / case.template).read_text()
    body: dict[str, Any] = json.loads(json.dumps(cfn_yaml.loads(text)))
    # Its conditions know no pseudo parameters.
    return body | {"Conditions": resolved(body.get("Conditions", {}), {"AWS::Region": REGION})}


def told(case: Case, network: dict[str, str]) -> dict[str, str]:
    """Its parameters, with the ids of this network."""
    return {key: value.format_map(network) for key, value in case.parameters.items()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_other_template_is_made_and_deleted(platform: Stack, network: dict[str, str], case: Case) -> None:
    body, deployment = whole(platform, case), Deployment(case.name, platform.client)
    expected = {name for name, each in body["Resources"].items() if each.get("Condition", "") in {"", *case.holding}} - case.left_out
    for part, names in (("Resources", case.left_out), ("Outputs", case.outputs_left_out)):
        for name in names:
            del body[part][name]
    deployment.put(json.dumps(body), told(case, network))
    made = made_by(deployment)
    assert expected <= set(made) == declared(deployment, case.holding)
    assert not absent(platform, made)
    kept = retained(deployment) & set(made)
    deployment.delete()
    assert set(made) - absent(platform, made) == kept


@pytest.mark.parametrize("case", [case for case in CASES if case.left_out], ids=lambda case: case.name)
def test_what_is_left_out_is_what_the_emulator_refuses_and_no_more(platform: Stack, network: dict[str, str], case: Case) -> None:
    """It refuses a whole template aloud. Once it can take these kinds, this test says so."""
    body = whole(platform, case)
    with pytest.raises(ClientError) as refused:
        Deployment(case.name, platform.client).put(json.dumps(body), told(case, network))
    named = refused.value.response["Error"]["Message"].partition("Unrecognized resource types: ")[2].strip("[]").split(", ")
    assert set(named) == {body["Resources"][name]["Type"] for name in case.left_out}


def test_no_template_is_forgotten() -> None:
    here = {str(path.relative_to(ROOT / "infra")) for path in (ROOT / "infra").rglob("*.yaml")}
    assert {case.template for case in CASES} == {name for name in here if not name.startswith(".")}


def test_every_condition_of_every_template_holds_once() -> None:
    """So that every resource of the templates is made in some case, or is left out by name."""
    for template in {case.template for case in CASES}:
        resources = cfn_yaml.load(str(ROOT / "infra" / template))["Resources"]
        needed = {each["Condition"] for each in resources.values() if "Condition" in each}
        assert needed <= set().union(*(case.holding for case in CASES if case.template == template)), template


@pytest.mark.skipif(not os.environ.get("WARDEN_SAM"), reason="aws-sam-cli could not be installed")
def test_sam_deploys_what_make_package_leaves_and_lambda_has_those_very_bytes(platform: Stack, tmp_path: Path) -> None:
    """By a plain `sam deploy`, as README says; with the binaries of the other tests, for the size of the real ones is `make package`'s to judge."""
    zips = tmp_path / "target" / "lambda"
    artifacts.lay_out(TARGET / "debug", zips)
    write_zips(zips)
    write_template(zips, tmp_path / ".aws-sam" / "build" / "template.yaml")
    s3, name = platform.client("s3"), "by-sam"
    s3.create_bucket(Bucket=name)
    parameters = [f"{key}={value}" for key, value in AS_IT_COMES.items()]
    options = ["--stack-name", name, "--s3-bucket", name, "--region", REGION, "--capabilities", "CAPABILITY_IAM", "--no-progressbar"]
    credentials = {"AWS_ACCESS_KEY_ID": PROVIDER, "AWS_SECRET_ACCESS_KEY": "on-one-machine", "AWS_ENDPOINT_URL": platform.url, "SAM_CLI_TELEMETRY": "0"}
    command = [os.environ["WARDEN_SAM"], "deploy", *options, "--parameter-overrides", *parameters]
    done = subprocess.run(command, cwd=tmp_path, env=quiet_environment() | credentials, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    made = made_by(Deployment(name, platform.client))
    for function in artifacts.FUNCTIONS:
        running = platform.client("lambda").get_function_configuration(FunctionName=made[function.capitalize()].id)["CodeSha256"]
        assert running == base64.b64encode(hashlib.sha256((zips / f"{function}.zip").read_bytes()).digest()).decode()
