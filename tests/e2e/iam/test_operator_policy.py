"""infra/policies/operator.json against the calls of the command line: it allows each call of a person who operates the warden, and no action
that no command makes."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from harness.accounts import ALLOWED, PROVIDER, REGION, UNLISTED
from harness.actions import await_state, create_endpoint, create_service, warden
from harness.inbox import Inbox
from harness.stack import NAME, Stack
from iam.deployed_policies import recorded_calls
from iam.evaluation import VIA_SERVICE, Call, Policies, allowed, unused
from tasks.paths import POLICIES, ROOT

DOCUMENT = ROOT / "infra" / "policies" / "operator.json"
OPERATOR = f"arn:aws:sts::{PROVIDER}:assumed-role/operator/kim"
BUCKET = "warden-operator-policies"
KEY = f"arn:aws:kms:{REGION}:{PROVIDER}:key/1b2c3d4e-5f60-7182-93a4-b5c6d7e8f90a"
# Values of a deployment in place of the document's words.
VALUES = {"PARTITION": "aws", "REGION": REGION, "ACCOUNT": PROVIDER, "STACK": NAME, "BUCKET": BUCKET}


def policies() -> Policies:
    """The document's statements with this deployment's values."""
    text = DOCUMENT.read_text()
    for word, value in VALUES.items():
        text = text.replace(f"${{{word}}}", value)
    document = json.loads(text)
    assert "${" not in text and document["Version"] == "2012-10-17"
    return {OPERATOR: document["Statement"]}


@pytest.fixture(scope="module")
def calls(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> set[Call]:
    """The calls of each command that calls AWS, in a role session of its own."""
    service, silent = create_service(stack, [ALLOWED, UNLISTED]), create_service(stack, [], notify=False)
    stack.client("ec2").modify_vpc_endpoint_service_configuration(ServiceId=silent.id, AcceptanceRequired=False)
    inbox = Inbox.subscribe(stack, stack.outputs["OwnersTopicArn"], "operator-policy")
    connected, pending, refused, gone = create_endpoint(stack, ALLOWED, service), *(create_endpoint(stack, UNLISTED, service) for _ in range(3))
    await_state(stack, service, connected, "available")
    for endpoint in (pending, refused, gone):
        inbox.await_message(endpoint, "referred")
    stack.client("s3").create_bucket(Bucket=BUCKET)
    signed, folder = ("--reason", "pilot", "--yes"), tmp_path_factory.mktemp("operator")
    scope = ("--stack", NAME, "--policies", str(POLICIES), "--scope", f"{service.id},{silent.id}")
    pair = ("--account", UNLISTED, "--service", service.id)

    def run(*arguments: str, status: int | tuple[int, ...] = 0) -> None:
        warden(stack, *scope, *arguments, status=status, ledger="", session=OPERATOR)

    run("plan")
    run("explain", pending)
    run("approve", pending, *signed)
    run("reject", refused, *signed)
    run("approve", *pair, *signed)
    run("grants")
    run("revoke", pending, *signed)
    run("revoke", *pair, *signed)
    run("pause", "--service", service.id, "--reason", "incident")
    run("resume", "--service", service.id, "--reason", "over")
    run("pause", "--reason", "incident")
    run("resume", "--reason", "over")
    run("history", UNLISTED)
    run("history", connected)
    run("history")
    run("replay", "--since", "1m")
    run("audit", "--out", str(folder), status=1)
    run("adopt")
    trails = stack.client("cloudtrail")
    trails.create_trail(Name="operator", S3BucketName=BUCKET)
    trails.start_logging(Name="operator")
    run("doctor", "--fix", "notifications", "--fix", "acceptance", "--yes", status=(0, 1))
    trails.delete_trail(Name="operator")
    run("principals", "--apply", "--yes")
    run("policy", "publish", f"s3://{BUCKET}/set/", "--yes")
    warden(stack, "--policies", f"s3://{BUCKET}/set/", "policy", "check", ledger="", session=OPERATOR)
    made = {Call(OPERATOR, each.action, each.resource, frozenset((key, tuple(values)) for key, values in each.context.items())) for each in recorded_calls(stack) if each.session == OPERATOR}
    assert made
    return made | set(calls_to_keys(made))


def calls_to_keys(made: set[Call]) -> Iterator[Call]:
    """The calls to KMS that DynamoDB and S3 make for a person if table and bucket are under customer managed keys."""
    for call in made:
        service, _, action = call.action.partition(":")
        if service == "dynamodb" or action in ("GetObject", "PutObject"):
            via = frozenset({(VIA_SERVICE, (f"{service}.{REGION}.amazonaws.com",))})
            yield Call(OPERATOR, "kms:GenerateDataKey" if action == "PutObject" else "kms:Decrypt", KEY, via)


def denied(calls: set[Call]) -> Iterator[str]:
    """The calls that the document does not allow. STS needs no permission for the caller's identity."""
    yield from sorted(str(call) for call in calls if call.action != "sts:GetCallerIdentity" and not allowed(policies(), call))


def test_operator_may_make_each_call(calls: set[Call]) -> None:
    assert [*denied(calls)] == []


def test_operator_may_do_nothing_else(calls: set[Call]) -> None:
    assert sorted(unused(policies(), calls)) == []
