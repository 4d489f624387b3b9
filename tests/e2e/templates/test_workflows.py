"""The workflows: they parse, pin their actions, and call commands that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tasks.paths import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
RUST = re.search(r'rust-version = "([\d.]+)"', (ROOT / "Cargo.toml").read_text())


def steps(workflow: Path) -> list[dict[str, Any]]:
    jobs: dict[str, Any] = yaml.safe_load(workflow.read_text())["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_and_commands_exist(workflow: Path) -> None:
    for step in steps(workflow):
        if uses := step.get("uses"):
            assert re.fullmatch(r"actions/[a-z-]+@v\d+\.\d+\.\d+", uses), uses
            continue
        command = step["run"]
        assert set(re.findall(r"^make ([a-z]+)", command)) <= TARGETS, command
        for version in re.findall(r"rustup toolchain install (\S+)", command):
            assert RUST and version.startswith(RUST[1]), f"Cargo.toml asks for Rust {RUST}"


def test_release_publishes_what_the_package_makes() -> None:
    """`make package` writes these files (test_release.py); the release has them for both architectures."""
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text()
    assert "for file in *.zip *.cdx.json LICENSES.txt SHA256SUMS" in text
    assert set(re.findall(r"architecture: (\w+)", text)) == {"x86_64", "arm64"}
