"""The dependency check of `make check`: licences, sources, bans and known vulnerabilities, by cargo-deny and deny.toml."""

from __future__ import annotations

import subprocess

from tasks.cargo import plugin
from tasks.console import note
from tasks.errors import RunError
from tasks.paths import ROOT


def check_dependencies() -> None:
    """Runs cargo-deny. Prints a note if the advisory database could not be fetched."""
    deny = str(plugin("cargo-deny"))
    _check(deny, "--locked", "check", "--hide-inclusion-graph", "-D", "warnings", "bans", "licenses", "sources")
    fetched = subprocess.run([deny, "fetch", "db"], cwd=ROOT, capture_output=True, text=True, check=False)
    if fetched.returncode:
        note(f"NOT CHECKED for known vulnerabilities: the advisory database could not be fetched.\n{fetched.stderr.rstrip()}")
        return
    _check(deny, "--locked", "check", "--hide-inclusion-graph", "--disable-fetch", "advisories")


def _check(*command: str) -> None:
    if subprocess.call(command, cwd=ROOT):
        raise RunError("cargo-deny rejects a dependency (deny.toml). `cargo tree -i CRATE` shows which crate needs it.")
