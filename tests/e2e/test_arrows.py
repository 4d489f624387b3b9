"""The arrows that must never exist, where cargo-deny cannot be asked: it sees the workspace with every feature. Needs no running stack."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest
from places import ROOT

RUNTIMES = re.compile(r"aws-(config|sdk-\w+|smithy-.+|runtime|types)|lambda_runtime|tokio|hyper|reqwest|axum|tracing-subscriber")


def crates_of(package: str) -> set[str]:
    """What a package is made of by itself, with the features that it has by default."""
    command = ["cargo", "tree", "--locked", "--edges", "normal", "--prefix", "none", "--package", package]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return {line.split()[0] for line in done.stdout.splitlines() if line}


@pytest.mark.parametrize("package", ["warden", "journeys"])
def test_the_domain_and_its_journeys_know_no_aws_and_no_runtime(package: str) -> None:
    assert "cedar-policy" in crates_of(package)
    assert not {crate for crate in crates_of(package) if RUNTIMES.fullmatch(crate)}


def test_every_sdk_says_who_may_use_it() -> None:
    """A list has no pattern for a client that somebody adds."""
    locked = {package["name"] for package in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]}
    said = {ban["crate"] for ban in tomllib.loads((ROOT / "deny.toml").read_text())["bans"]["deny"] if "wrappers" in ban}
    sdks = {name for name in locked if name.startswith("aws-sdk-")}
    assert sdks and sdks <= said
