"""The names in the documents exist in the code and the templates: a stale name misleads the person on call."""

from __future__ import annotations

import fnmatch
import json
import re
import subprocess
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml
from harness import diagram
from tasks.paths import E2E, ROOT, TEMPLATE

OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
RUST = {path: path.read_text() for folder in ("functions", "shared", "cli", "tests", "local") for path in (ROOT / folder).rglob("*.rs")}


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    """The template's resources."""
    return dict(cfn_yaml.load(str(TEMPLATE))["Resources"])


def entries(chapter: str) -> set[str]:
    """The runbook's entries in a chapter."""
    text = re.search(rf"^## {chapter}\n(.*?)(?=^## )", OPERATIONS, re.DOTALL | re.MULTILINE)
    assert text
    return set(re.findall(r"^### `(\w+)`$", text.group(1), re.MULTILINE))


def of_type(resources: dict[str, Any], kind: str) -> set[str]:
    return {name for name, resource in resources.items() if resource["Type"] == kind}


def test_runbook_covers_every_alarm_and_queue(resources: dict[str, Any]) -> None:
    assert entries("Alarms") == of_type(resources, "AWS::CloudWatch::Alarm")
    alarms = OPERATIONS.partition("\n## Alarms\n")[2].partition("\n## ")[0].split("\n### ")[1:]
    assert all("\n| cause | command |\n" in entry for entry in alarms)
    assert entries("Queues") == of_type(resources, "AWS::SQS::Queue")


def test_runbook_covers_every_error_type() -> None:
    named = set()
    for function in ("approve", "audit"):
        source = "".join(path.read_text() for path in sorted((ROOT / "functions" / function / "src").glob("*.rs")))
        kinds = re.search(r"fn kind\(&self\) -> &'static str.*?\n    }\n", source, re.DOTALL)
        assert kinds
        named |= set(re.findall(r'=> "(\w+)"', kinds.group()))
    assert named <= entries("Errors"), named - entries("Errors")
    code = "".join(text for path, text in RUST.items() if path.parts[len(ROOT.parts)] in ("functions", "shared"))
    missing = {entry for entry in entries("Errors") if f'"{entry}"' not in code}
    assert not missing, missing


@pytest.mark.parametrize("document", ["threat-model.md", "comparison.md"])
def test_document_names_existing_tests(document: str) -> None:
    text = (ROOT / "docs" / document).read_text()
    everything = "".join(RUST.values()) + "".join(path.read_text() for path in E2E.rglob("*.py"))
    existing = set(re.findall(r"\b(?:fn|def) (\w+)\(", everything))
    # Of the names in backquotes, only tests have two underscores or more.
    named = {name for name in re.findall(r"`([a-z0-9_]+)`", text) if name.count("_") >= 2}
    assert named and not named - existing, named - existing


def test_diagram_shows_deployed_resources() -> None:
    """Each box that names a resource is in its template, and each arrow between two of them is an entry that names both."""
    assert (ROOT / "docs" / "images" / "overview.svg").read_text() == diagram.drawn(), "python -m harness.pictures"
    templates = {name: dict(cfn_yaml.load(str(ROOT / "infra" / name))["Resources"]) for name in ("template.yaml", "forwarder.yaml")}
    missing = {box.resource for box in diagram.BOXES.values() if box.resource} - {name for each in templates.values() for name in each}
    assert not missing, missing
    entries = [{name, *re.findall(r"\w+", json.dumps(entry))} for name, entry in templates["template.yaml"].items()]
    inside = {name: box.resource for name, box in diagram.BOXES.items() if box.resource and box.template == "template.yaml"}
    arrows = {(inside[start], inside[end]) for start, end, _ in diagram.ARROWS if start in inside and end in inside}
    wrong = {arrow for arrow in arrows if not any(entry >= set(arrow) for entry in entries)}
    assert len(arrows) > 8 and not wrong, wrong


def test_documents_name_existing_files() -> None:
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    rooms = {name.partition("/")[0] for name in listed if "/" in name}
    missing = {
        f"{document.name}: {path}"
        for document in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "tests").rglob("*.md"), ROOT / "CONTRIBUTING.md")
        for path in re.findall(r"`([\w-]+(?:/[\w.-]+)+)`", document.read_text())
        if path.partition("/")[0] in rooms and not (ROOT / path).exists()
    }
    assert not missing, missing


def test_threat_model_names_existing_code() -> None:
    """Of a name in a file, such as "`ids_in` in `shared/src/trigger/parse.rs`"."""
    text = (ROOT / "docs" / "threat-model.md").read_text()
    placed = [(name.rpartition("::")[2], path) for name, path in re.findall(r"`([\w:]+)`(?:, `[\w:]+`)* in `([\w/]+\.rs)`", text)]
    wrong = {f"{name} in {path}" for name, path in placed if not any(re.search(rf"\b{name}\b", code) for file, code in RUST.items() if str(file).endswith(f"/{path}"))}
    assert len(placed) > 5 and not wrong, wrong


def test_endpoint_policy_allows_a_recovered_ledger() -> None:
    """The recovery of the ledger gives it another logical id, and so another name."""
    replaced = re.search(r"sed -i 's/\\bLedger\\b/(\w+)/g' infra/template.yaml", OPERATIONS)
    assert replaced
    statements = cfn_yaml.load(str(ROOT / "infra" / "network.yaml"))["Resources"]["DynamoDb"]["Properties"]["PolicyDocument"]["Statement"]
    for statement in statements:
        pattern = statement["Resource"]["Fn::Sub"].partition(":table/")[2].replace("${WardenStack}", "warden")
        for ledger in ("Ledger", replaced.group(1)):
            table = f"warden-{ledger}-1ABCDEFGHIJKL"
            assert all(fnmatch.fnmatchcase(name, pattern) for name in (table, f"{table}/index/open")), (statement["Sid"], ledger)


def test_network_document_covers_every_endpoint() -> None:
    network = dict(cfn_yaml.load(str(ROOT / "infra" / "network.yaml"))["Parameters"])
    table = (ROOT / "docs" / "network.md").read_text()
    switches = {name for name in network if name.startswith("With")}
    assert switches and not {name for name in switches if f"`{name}`" not in table}
