"""Python environments with pinned packages, made by `uv`, which itself comes from the Python package index."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tasks.console import Progress
from tasks.errors import RunError
from tasks.paths import PACKAGING, ROOT, RUN, shown
from tasks.prerequisites import ensure_venv

UV = "uv==0.13.8"
E2E_REQUIREMENTS = PACKAGING / "requirements" / "e2e.txt"
SAM_REQUIREMENTS = PACKAGING / "requirements" / "sam.txt"
CHECKOV_REQUIREMENTS = PACKAGING / "requirements" / "checkov.txt"
PEER_REQUIREMENTS = ROOT / "tests" / "bench" / "peer" / "requirements.txt"


def ensure(requirements: Path = E2E_REQUIREMENTS, name: str = ".venv") -> Path:
    """Makes the environment `name` hold exactly these packages. Returns its folder of programs."""
    uv, environment = _ensure_uv(), ROOT / name
    if not (environment / "bin" / "python").exists():
        _run(f"making {name}", uv, "venv", "--quiet", "--clear", "--python", sys.executable, environment)
    # Without --quiet, uv lists what it changed; the log has it.
    _run(f"installing {shown(requirements)} into {name}", uv, "pip", "sync", "--python", environment / "bin" / "python", requirements)
    return environment / "bin"


def _ensure_uv() -> Path:
    ensure_venv()
    # The version is in the path, so that a new pin gets a new folder.
    environment = ROOT / ".venv-uv" / UV.partition("==")[2]
    uv = environment / "bin" / "uv"
    if not uv.exists():
        _run("making an environment for uv", Path(sys.executable), "-m", "venv", "--clear", environment)
        _run(f"installing {UV}", environment / "bin" / "python", "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-deps", UV)
    return uv


def _run(step: str, *command: str | Path) -> None:
    RUN.mkdir(exist_ok=True)
    log = RUN / "python-packages.log"
    # The interpreter is the one that runs this task: uv must not download another.
    settings = {"UV_PYTHON_DOWNLOADS": "never", "VIRTUAL_ENV": ""}
    with Progress(step), log.open("a") as output:
        if subprocess.call(command, cwd=ROOT, env=os.environ | settings, stdout=output, stderr=subprocess.STDOUT):
            raise RunError(f"{step[0].upper()}{step[1:]} failed. Is there a network? The log is {shown(log)}.")
