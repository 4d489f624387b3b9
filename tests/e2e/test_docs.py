"""What the documents say of the code and the template: names that no longer exist mislead whoever is on call."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml
from places import ROOT, TEMPLATE

OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
RUST = {path: path.read_text() for folder in ("functions", "shared", "cli", "tests", "local") for path in (ROOT / folder).rglob("*.rs")}


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    """The template's resources, as written."""
    return dict(cfn_yaml.load(str(TEMPLATE))["Resources"])


def entries(chapter: str) -> set[str]:
    """The runbook's entries in one of its chapters."""
    text = re.search(rf"^## {chapter}\n(.*?)(?=^## )", OPERATIONS, re.DOTALL | re.MULTILINE)
    assert text
    return set(re.findall(r"^### `(\w+)`$", text.group(1), re.MULTILINE))


def of_type(resources: dict[str, Any], kind: str) -> set[str]:
    return {name for name, resource in resources.items() if resource["Type"] == kind}


def test_every_alarm_and_queue_has_an_entry_in_the_runbook_and_no_entry_is_of_another(resources: dict[str, Any]) -> None:
    assert entries("Alarms") == of_type(resources, "AWS::CloudWatch::Alarm")
    assert entries("Queues") == of_type(resources, "AWS::SQS::Queue")


def test_every_kind_of_error_has_an_entry_and_is_one_that_the_code_names() -> None:
    named = set()
    for function in ("approve", "audit"):
        kinds = re.search(r"fn kind\(&self\).*?\n    }\n", (ROOT / "functions" / function / "src" / "lib.rs").read_text(), re.DOTALL)
        assert kinds
        named |= set(re.findall(r'=> "(\w+)"', kinds.group()))
    assert named <= entries("Errors"), named - entries("Errors")
    code = "".join(text for path, text in RUST.items() if path.parts[len(ROOT.parts)] in ("functions", "shared"))
    missing = {entry for entry in entries("Errors") if f'"{entry}"' not in code}
    assert not missing, missing


def test_the_tests_that_the_threat_model_names_are_there() -> None:
    text = (ROOT / "docs" / "threat-model.md").read_text()
    everything = "".join(RUST.values()) + "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    there = set(re.findall(r"\b(?:fn|def) (\w+)\(", everything))
    # A test's name is a sentence: nothing else in backquotes has so many underscores.
    named = {name for name in re.findall(r"`([a-z0-9_]+)`", text) if name.count("_") >= 3}
    assert named and not named - there, named - there


def test_every_endpoint_of_the_network_is_in_its_table() -> None:
    network = dict(cfn_yaml.load(str(ROOT / "infra" / "network.yaml"))["Parameters"])
    table = (ROOT / "docs" / "network.md").read_text()
    switches = {name for name in network if name.startswith("With")}
    assert switches and not {name for name in switches if f"`{name}`" not in table}
