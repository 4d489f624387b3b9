"""Dependency rules that cargo-deny cannot check, because it reads the workspace with every feature. Needs no running stack."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest
from tasks.paths import ROOT

RUNTIMES = re.compile(r"aws-(config|sdk-\w+|smithy-.+|runtime|types)|lambda_runtime|tokio|hyper|reqwest|axum|tracing-subscriber")


def crates_of(package: str) -> set[str]:
    """The crates of a package with its default features."""
    command = ["cargo", "tree", "--locked", "--edges", "normal", "--prefix", "none", "--package", package]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return {line.split()[0] for line in done.stdout.splitlines() if line}


@pytest.mark.parametrize("package", ["warden", "scenarios", "properties"])
def test_domain_has_no_aws_and_no_runtime(package: str) -> None:
    assert "cedar-policy" in crates_of(package)
    assert not {crate for crate in crates_of(package) if RUNTIMES.fullmatch(crate)}


def test_every_sdk_has_a_ban_with_wrappers() -> None:
    """A ban in deny.toml names one crate: it has no pattern for a client that is added later."""
    locked = {package["name"] for package in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]}
    banned = {ban["crate"] for ban in tomllib.loads((ROOT / "deny.toml").read_text())["bans"]["deny"] if "wrappers" in ban}
    sdks = {name for name in locked if name.startswith("aws-sdk-")}
    assert sdks and sdks <= banned
