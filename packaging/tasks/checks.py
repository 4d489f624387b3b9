"""`make check`, beyond cargo's own lints: dependencies, prose, commit subjects, and every test that needs no running stack."""

from __future__ import annotations

import os
import subprocess

from tasks.cargo import EVERYTHING, build
from tasks.dependencies import check_dependencies
from tasks.environments import CHECKOV_REQUIREMENTS, SAM_REQUIREMENTS, ensure
from tasks.paths import E2E, ROOT
from tasks.prose import check_commits, check_prose

WITHOUT_STACK = ("templates", "load", "iam/test_port_actions.py")


def check() -> int:
    """Runs all checks. Returns the status of the tests."""
    check_prose()
    check_commits()
    check_dependencies()
    python, sam, checkov = ensure() / "python", ensure(SAM_REQUIREMENTS, ".venv-sam") / "sam", ensure(CHECKOV_REQUIREMENTS, ".venv-checkov") / "checkov"
    # For `sam build`, which shows no progress while it waits for cargo.
    build("building everything with its tests", EVERYTHING)
    command = [str(python), "-m", "pytest", *(str(E2E / path) for path in WITHOUT_STACK), f"--ignore={E2E / 'templates' / 'test_deployment.py'}"]
    return subprocess.call(command, cwd=ROOT, env=os.environ | {"WARDEN_SAM": str(sam), "WARDEN_CHECKOV": str(checkov)})
