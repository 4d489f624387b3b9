"""Virtual environments with pinned contents. Standard library only: this runs before anything is installed.

A stamp, written last and keyed on the requirements and the interpreter, tells a finished environment from a half-finished one.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

from console import Progress
from places import E2E, ROOT, RUN, shown
from trouble import Trouble

REQUIREMENTS = E2E / "requirements.txt"
SAM_REQUIREMENTS = E2E / "requirements-sam.txt"
CHECKOV_REQUIREMENTS = E2E / "requirements-checkov.txt"
PEER_REQUIREMENTS = ROOT / "tests" / "bench" / "peer" / "requirements.txt"


def python_of(environment: Path) -> Path:
    """Its interpreter."""
    return environment / "bin" / "python"


def ensure(requirements: Path = REQUIREMENTS, name: str = ".venv") -> Path:
    """Makes or reuses the environment with exactly these packages, and returns its interpreter."""
    environment = ROOT / name
    stamp = environment / ".complete"
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted and python_of(environment).exists():
        return python_of(environment)
    RUN.mkdir(exist_ok=True)
    log = RUN / f"pip{name.removeprefix('.venv')}.log"
    with Progress(f"installing {shown(requirements)} into {name}") as progress:
        _make(environment)
        _fill(environment, requirements, log, progress)
    stamp.write_text(wanted)
    return python_of(environment)


def _make(environment: Path) -> None:
    try:
        venv.create(environment, clear=True, with_pip=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Trouble(f"No virtual environment could be made in {shown(environment)}: {error}.") from error


def _fill(environment: Path, requirements: Path, log: Path, progress: Progress) -> None:
    command = [python_of(environment), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-deps", "--progress-bar", "off", "-r", requirements]
    with log.open("w") as output:
        child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert child.stdout is not None
        try:
            for line in child.stdout:
                output.write(line)
                progress.say(" ".join(line.split()[:2]))
            status = child.wait()
        finally:
            child.kill()
    if status != 0:
        raise Trouble(f"The Python packages could not be installed (is there a network?): pip's own words are in {shown(log)}.")
