"""What the functions are made of: who may depend on whom, and under which licences; for `make check`. Standard library only."""

from __future__ import annotations

import subprocess

from building import tool
from console import note
from places import ROOT
from trouble import Trouble


def check_dependencies() -> None:
    """Asks cargo-deny, by deny.toml. What it could not look at is said aloud."""
    deny = str(tool("cargo-deny"))
    _ask(deny, "--locked", "check", "--hide-inclusion-graph", "-D", "warnings", "bans", "licenses", "sources")
    fetched = subprocess.run([deny, "fetch", "db"], cwd=ROOT, capture_output=True, text=True, check=False)
    if fetched.returncode:
        note(f"NOT CHECKED for known vulnerabilities, as the advisory database could not be fetched:\n{fetched.stderr.rstrip()}")
        return
    _ask(deny, "--locked", "check", "--hide-inclusion-graph", "--disable-fetch", "advisories")


def _ask(*command: str) -> None:
    if subprocess.call(command, cwd=ROOT):
        raise Trouble("cargo-deny has something against the dependencies (deny.toml); `cargo tree -i CRATE` shows who brings it.")
