"""The templates checked by cfn-lint, SAM and checkov, and built by SAM. Part of `make check`, which installs each tool in its environment."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml
from harness.accounts import REGION
from harness.stack import isolated_environment
from tasks import artifacts
from tasks.paths import ROOT, TEMPLATE, TEMPLATES

SAM, CHECKOV = (os.environ.get(name, "") for name in ("WARDEN_SAM", "WARDEN_CHECKOV"))
CHECKOV_CONFIG = ROOT / ".checkov.yaml"
# Without these, checkov asks the package index for its newest version, and ignores a template that it cannot read.
CHECKOV_SETTINGS = {"CKV_SKIP_PACKAGE_UPDATE_CHECK": "true", "CKV_PARSE_ERROR_FAIL": "true"}
POLICY_FILES = ("mine.cedar", "groups.json")
ELF_MACHINES = {"x86_64": 62, "aarch64": 183}
needs_sam = pytest.mark.skipif(not SAM, reason="run `make check`, which installs SAM")
needs_checkov = pytest.mark.skipif(not CHECKOV, reason="run `make check`, which installs checkov")


def run(*command: str | Path, at: Path = ROOT, passes: bool = True, settings: dict[str, str] | None = None) -> str:
    """Runs a command and returns its output. Fails with the output unless its status is as expected."""
    arguments = [str(word) for word in command]
    done = subprocess.run(arguments, cwd=at, env=isolated_environment() | {"SAM_CLI_TELEMETRY": "0"} | (settings or {}), capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is passes, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_cfn_lint_passes(template: Path) -> None:
    run(Path(sys.executable).with_name("cfn-lint"), "--regions", REGION, "--", template)


@needs_sam
def test_sam_validate_passes() -> None:
    run(SAM, "validate", "--lint", "--region", REGION, "--template", TEMPLATE)


@needs_checkov
def test_checkov_passes() -> None:
    run(CHECKOV, "--config-file", CHECKOV_CONFIG, settings=CHECKOV_SETTINGS)


@needs_checkov
def test_checkov_skips_are_needed_and_explained() -> None:
    lines = CHECKOV_CONFIG.read_text().partition("skip-check:\n")[2].splitlines()
    skipped = {line.split()[1] for line in lines if line.startswith("  - ")}
    assert skipped and all(re.fullmatch(r'  - CKV\w+ # ".+": .+|  # .+', line) for line in lines)
    # From another folder: in the root, checkov reads its configuration file by default.
    output = run(CHECKOV, "--directory", ".", "--framework", "cloudformation", "--skip-download", "--output", "json", at=ROOT / "infra", passes=False, settings=CHECKOV_SETTINGS)
    found = json.loads(output)
    assert {check["check_id"] for check in found["results"]["failed_checks"]} == skipped
    assert not found["results"]["parsing_errors"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of `sam build` in the dev profile: another profile would build the SDK again, which takes ten minutes."""
    folder, policies = tmp_path_factory.mktemp("sam"), tmp_path_factory.mktemp("policies")
    for name in POLICY_FILES:
        (policies / name).write_text("{}")
    arguments: list[str | Path] = ["--template", TEMPLATE, "--parameter-overrides", "Architecture=x86_64", "--build-dir", folder, "--region", REGION]
    run(SAM, "build", *arguments, settings={"PROFILE": "dev", "PYTHON": sys.executable, "POLICIES": str(policies)})
    return folder


def functions_in(template: dict[str, Any]) -> dict[str, Any]:
    """A template's functions, by folder."""
    return {name.lower(): each for name, each in template["Resources"].items() if each["Type"] == "AWS::Serverless::Function"}


@needs_sam
def test_sam_build_has_functions_and_policies(built: Path) -> None:
    made = functions_in(cfn_yaml.load(str(built / "template.yaml")))
    assert set(made) == set(artifacts.FUNCTIONS)
    for name, function in made.items():
        folder = built / function["Properties"]["CodeUri"]
        files = {str(file.relative_to(folder)): file for file in folder.rglob("*") if file.is_file()}
        policies = {f"policies/{file}" for file in POLICY_FILES} if name in artifacts.JUDGES else set()
        assert set(files) == {"bootstrap"} | policies
        header = files["bootstrap"].read_bytes()[:20]
        assert (header[:4], header[18]) == (b"\x7fELF", ELF_MACHINES[platform.machine()]) and os.access(files["bootstrap"], os.X_OK)


@needs_sam
def test_sam_build_changes_only_code_uris(built: Path) -> None:
    before, after = cfn_yaml.load(str(TEMPLATE)), cfn_yaml.load(str(built / "template.yaml"))
    for template in (before, after):
        for function in functions_in(template).values():
            del function["Properties"]["CodeUri"], function["Metadata"]
    assert json.loads(json.dumps(before)) == json.loads(json.dumps(after))
