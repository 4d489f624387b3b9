"""`sam` as README has it: what `make package` writes, deployed to the emulator. With the debug binaries of the other tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from harness.accounts import PROVIDER, REGION
from harness.stack import Stack, isolated_environment
from tasks import artifacts
from tasks.elf import architecture_of
from tasks.paths import POLICIES, TARGET
from tasks.release import write_template, write_zips


def package(folder: Path) -> tuple[Path, str]:
    """Writes the zips and the template that names them. Returns the zips' folder and their architecture."""
    zips = folder / "target" / "lambda"
    artifacts.lay_out(TARGET / "debug", zips, POLICIES)
    write_zips(zips)
    architecture = architecture_of([zips / function / "bootstrap" for function in artifacts.FUNCTIONS])
    write_template(zips, folder / ".aws-sam" / "build" / "template.yaml", architecture)
    return zips, architecture


def sam(platform: Stack, folder: Path, *arguments: str, session: str = "") -> None:
    """Runs a command of `sam` in a packaged folder as the provider, or in a role's session. An error fails the test."""
    credentials = {"AWS_ACCESS_KEY_ID": PROVIDER, "AWS_SECRET_ACCESS_KEY": "on-one-machine"} | ({"AWS_SESSION_TOKEN": session} if session else {})
    settings = credentials | {"AWS_ENDPOINT_URL": platform.url, "SAM_CLI_TELEMETRY": "0"}
    command = [os.environ["WARDEN_SAM"], *arguments, "--region", REGION]
    done = subprocess.run(command, cwd=folder, env=isolated_environment() | settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
