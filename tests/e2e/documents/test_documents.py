"""Each command of README and docs/*.md is run against the deployed stack, or checked if that is not possible.

A fenced `sh` block is run as it stands, in the order of its document; `blocks.py` finds it. Not run are the commands and the
calls in `exceptions.py`, each with its reason; such calls are validated against the API model. Commands in the text have placeholders:
those of `aws` are validated in the same way, those of `warden` against its help.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore import xform_name
from cfnlint.decode import cfn_yaml
from documents.blocks import DOCUMENTS, Command, blocks, functions, spans
from documents.exceptions import NOT_CALLED, NOT_RUN
from documents.shell import AwsServer, Shell
from harness.accounts import ALLOWED, PROVIDER, REGION, UNLISTED
from harness.actions import await_record, await_state, create_endpoint, create_service
from harness.cloudformation import BUCKET
from harness.processes import until
from harness.stack import NAME, Stack, isolated_environment
from tasks.artifacts import FUNCTIONS
from tasks.paths import E2E, POLICIES, ROOT, TARGET, TEMPLATE

POLICY_BUCKET = "documents-policies"
ENDPOINT = "vpce-0123456789abcdef0"
# Version 1 of the `aws` command line reads the second only.
REGIONS = {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}


@pytest.fixture(scope="module")
def server(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsServer]:
    """The `aws` command line with the provider's credentials."""
    credentials = {"AWS_ACCESS_KEY_ID": PROVIDER, "AWS_SECRET_ACCESS_KEY": "x", "AWS_ENDPOINT_URL": stack.url} | REGIONS
    # The models of the pinned botocore are newer than those inside of the command line.
    models = {"AWS_DATA_PATH": str(Path(botocore.__file__).parent / "data"), "PYTHONPATH": str(E2E)}
    folder = tmp_path_factory.mktemp("aws")
    running = AwsServer(folder / "aws.socket", isolated_environment() | credentials | models)
    try:
        until("the aws command line", 30, running.is_ready)
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def values(stack: Stack) -> dict[str, str]:
    """What stands for each placeholder of the blocks."""
    service = create_service(stack, [ALLOWED, UNLISTED])
    endpoint = create_endpoint(stack, UNLISTED, service)
    await_record(stack, service, endpoint, "referred")
    await_state(stack, service, create_endpoint(stack, ALLOWED, service), "available")
    stack.client("s3").create_bucket(Bucket=POLICY_BUCKET)
    return {
        "STACK=privatelink-warden": f"STACK={NAME}",
        "vpce-svc-…": service.id,
        ENDPOINT: endpoint,
        "BUCKET/PREFIX/": f"{POLICY_BUCKET}/policies/",
        "BUCKET/policies/": f"{POLICY_BUCKET}/policies/",
        **outlived(stack),
        "NAME-FROM-THE-OUTPUTS": stack.outputs["AuditFunction"],
        "subnet-…,subnet-…": "subnet-0a1b2c3d4e5f60718,subnet-0a1b2c3d4e5f60719",
        "subnet-…": "subnet-0a1b2c3d4e5f60718",
        "vpc-…": "vpc-0a1b2c3d4e5f60718",
        "rtb-…": "rtb-0a1b2c3d4e5f60718",
        "arn:…": f"arn:aws:dynamodb:{REGION}:{PROVIDER}:table/x/backup/1",
        # Not older records, which are told again one by one.
        "2026-06-01T00:00:00Z": (datetime.now(timezone.utc) - timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def outlived(stack: Stack) -> dict[str, str]:
    """What a deleted stack leaves, a key, and the role of who deploys."""
    table = {"AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}], "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}]}
    stack.client("dynamodb").create_table(TableName="old-ledger", BillingMode="PAY_PER_REQUEST", DeletionProtectionEnabled=True, **table)
    stack.client("s3").create_bucket(Bucket="old-reports")
    stack.client("iam").create_role(RoleName="deployer", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}))
    key = stack.client("kms").create_key()["KeyMetadata"]["KeyId"]
    return {"--table-name LEDGER": "--table-name old-ledger", "--bucket BUCKET": "--bucket old-reports", "--role-name DEPLOYER": "--role-name deployer", "--key-id KEY": f"--key-id {key}"}


@pytest.fixture(scope="module")
def recovered(stack: Stack) -> None:
    """What the recovery finds: a restored table with a person's decision, and a record that was not told."""
    ledger, dynamodb = stack.outputs["LedgerName"], stack.client("dynamodb")
    schema = dynamodb.describe_table(TableName=ledger)["Table"]
    keys = {name: schema[name] for name in ("AttributeDefinitions", "KeySchema")}
    keys["AttributeDefinitions"] = [each for each in keys["AttributeDefinitions"] if each["AttributeName"] in ("pk", "sk")]
    dynamodb.create_table(TableName=f"{ledger}-restored", BillingMode="PAY_PER_REQUEST", **keys)
    dynamodb.put_item(TableName=f"{ledger}-restored", Item={"pk": {"S": "decisions/vpce-svc-0fffffffffffffff9"}, "sk": {"S": "hold"}, "kind": {"S": "hold"}})
    stack.client("sqs").send_message(QueueUrl=stack.outputs["UntoldRecordsUrl"], MessageBody=json.dumps({"Records": []}))


@pytest.fixture
def shell(stack: Stack, server: AwsServer, tmp_path: Path) -> Iterator[Shell]:
    """A shell in a folder with the files of the clone that the commands name. Afterwards the stack acts again."""
    clone = tmp_path / "clone"
    for folder in (POLICIES, ROOT / "infra"):
        shutil.copytree(folder, clone / folder.name)
    network = clone / "infra" / "network.yaml"
    # The emulator does not have this type.
    network.write_text(re.sub(r"  FunctionsToEndpoints:\n(?:    .*\n)+", "", network.read_text()))
    shutil.copytree(POLICIES, clone / "policies-new")
    (clone / "policies-new" / "new.cedar").write_text('@id("new")\nforbid (principal, action == PrivateLink::Action::"Accept", resource) when { resource.hasTag("new") };\n')
    sums = clone / "target" / "lambda" / "SHA256SUMS"
    sums.parent.mkdir(parents=True)
    zips = {function: stack.client("s3").get_object(Bucket=BUCKET, Key=f"{function}.zip")["Body"].read() for function in FUNCTIONS}
    sums.write_text("".join(f"{hashlib.sha256(zip).hexdigest()}  {function}.zip\n" for function, zip in zips.items()))
    environment = isolated_environment() | {"AWS_ACCESS_KEY_ID": PROVIDER, "AWS_SECRET_ACCESS_KEY": "x"} | REGIONS | {"AWS_ENDPOINT_URL": stack.url, "WARDEN_STACK": NAME}
    made = Shell(clone, server.path, environment)
    yield made
    made.run("warden resume --reason 'the end of the test' || true")
    functions = stack.client("lambda")
    for mapping in functions.list_event_source_mappings(FunctionName=stack.outputs["ApproveFunction"])["EventSourceMappings"]:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


def filled(command: Command, values: dict[str, str]) -> str:
    """The commands with values for their placeholders."""
    text = command.text
    for old, new in values.items():
        text = text.replace(old, new)
    assert not (left := re.findall(r"\S*…\S*", re.sub(r"#.*", "", text))), f"{command}: no value for {left}"
    return text


def failures(shell: Shell, commands: list[Command], values: dict[str, str], **variables: str) -> list[str]:
    """Runs commands one after the other. Returns what failed, with its output."""
    failed = []
    for command in commands:
        status, output = shell.run(filled(command, values), **variables)
        if status:
            failed.append(f"{command}: status {status}\n{command.text}\n{output}")
    return failed


def calls_function(span: Command, known: dict[str, str]) -> bool:
    """Returns true if the code calls functions of its document. The name of a function that needs an argument is no call."""
    first, *rest = span.text.split()
    return first == "for" or (first in known and (bool(rest) or "$1" not in known[first]))


@pytest.mark.usefixtures("recovered")
@pytest.mark.parametrize("path", [path for path in DOCUMENTS if blocks(path)], ids=lambda path: path.name)
def test_commands_of_document_run(shell: Shell, values: dict[str, str], path: Path) -> None:
    uri = f"s3://{POLICY_BUCKET}/policies/"
    assert shell.run(f"warden policy publish {uri}")[0] == 0
    once = {span.text: span for span in spans(path)}.values()
    calls = [span for span in once if calls_function(span, functions(path))]
    checked = [span for span in once if span.text.startswith("aws ")]
    failed = failures(shell, blocks(path), values) + failures(shell, calls, values)
    failed += failures(shell, checked, values | {"…": "x" * 40}, ONLY_CHECK="yes")
    assert not failed, "\n".join(failed)


def warden_help(*words: str) -> str:
    """The help of a command."""
    return subprocess.run([TARGET / "debug" / "warden", *words, "--help"], capture_output=True, text=True, check=True).stdout


def unknown_words(text: str) -> list[str]:
    """The options and the command of a call of `warden` that its help does not have."""
    words = shlex.split(re.sub(r"[\[\]]|[|&;].*", "", text))[1:]
    path: list[str] = []
    options = [word.partition("=")[0] for word in words if word.startswith("--")]
    for word in words:
        if re.search(rf"^  {re.escape(word)}\b", warden_help(*path).partition("Commands:")[2].partition("\nOptions:")[0], re.MULTILINE):
            path.append(word)
    said = warden_help(*path)
    return [option for option in options if not re.search(rf"{option}\b", said)] + ([] if path or options else [text])


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_warden_commands_exist(path: Path) -> None:
    lines = (Command(block.document, block.line, line.partition(" #")[0]) for block in blocks(path) for line in block.text.replace("\\\n", " ").splitlines())
    calls = [each for each in (*spans(path), *lines) if each.text.startswith("warden ")]
    wrong = {f"{call}: {call.text}": unknown for call in calls if (unknown := unknown_words(call.text))}
    assert not wrong


def test_named_outputs_and_targets_exist() -> None:
    outputs: dict[str, Any] = cfn_yaml.load(str(TEMPLATE))["Outputs"]
    texts = {path: path.read_text() for path in DOCUMENTS}
    named = {word for text in texts.values() for word in re.findall(r"\b(?:output|peek|empty) (?!\$)([A-Z]\w+)", text)}
    assert named and not named - set(outputs), named - set(outputs)
    targets = {word for path in (*DOCUMENTS, ROOT / "CONTRIBUTING.md") for each in (*blocks(path), *spans(path)) for word in re.findall(r"(?:^|[;&] *|\n)make ([a-z]+)", each.text)}
    known = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert targets and not targets - known, targets - known


def test_every_exception_is_needed() -> None:
    """An exception that no document needs any more is removed."""
    texts = [block.text for path in DOCUMENTS for block in blocks(path)]
    commands = [*NOT_RUN, *(f"aws {service} {xform_name(call, '-')}" for service, _, call in (name.partition(".") for name in NOT_CALLED))]
    assert not [command for command in commands if not any(command in text for text in texts)]
