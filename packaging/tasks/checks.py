"""`make check`, beyond cargo's own lints: modules, dependencies, prose, commit subjects, and every test that needs no running stack."""

from __future__ import annotations

import os
import subprocess

from tasks.cargo import EVERYTHING, build, plugin
from tasks.console import note
from tasks.environments import CHECKOV_REQUIREMENTS, SAM_REQUIREMENTS, ensure
from tasks.errors import RunError
from tasks.modules import check_modules
from tasks.paths import E2E, ROOT
from tasks.prose import check_commits, check_prose

WITHOUT_STACK = ("templates", "load", "iam/test_port_actions.py", "iam/test_bus_policy.py", "iam/test_key_policy.py")


def check() -> int:
    """Runs all checks. Returns the status of the tests."""
    check_modules()
    check_prose()
    check_commits()
    check_dependencies()
    python, sam, checkov = ensure() / "python", ensure(SAM_REQUIREMENTS, ".venv-sam") / "sam", ensure(CHECKOV_REQUIREMENTS, ".venv-checkov") / "checkov"
    # For `sam build`, which shows no progress while it waits for cargo.
    build("building everything with its tests", EVERYTHING)
    command = [str(python), "-m", "pytest", *(str(E2E / path) for path in WITHOUT_STACK), f"--ignore={E2E / 'templates' / 'test_deployment.py'}"]
    return subprocess.call(command, cwd=ROOT, env=os.environ | {"WARDEN_SAM": str(sam), "WARDEN_CHECKOV": str(checkov)})


def check_dependencies() -> None:
    """Checks licences, sources, bans and known vulnerabilities by cargo-deny and deny.toml. Prints a note if the database is unreachable."""
    deny = str(plugin("cargo-deny"))
    _deny(deny, "--locked", "check", "--hide-inclusion-graph", "-D", "warnings", "bans", "licenses", "sources")
    fetched = subprocess.run([deny, "fetch", "db"], cwd=ROOT, capture_output=True, text=True, check=False)
    if fetched.returncode:
        note(f"NOT CHECKED for known vulnerabilities: the advisory database could not be fetched.\n{fetched.stderr.rstrip()}")
        return
    _deny(deny, "--locked", "check", "--hide-inclusion-graph", "--disable-fetch", "advisories")


def _deny(*command: str) -> None:
    if subprocess.call(command, cwd=ROOT):
        raise RunError("cargo-deny rejects a dependency (deny.toml). `cargo tree -i CRATE` shows which crate needs it.")
