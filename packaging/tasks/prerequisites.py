"""Requirements on the machine: Python and cargo for every task, system packages for some tests."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.console import note
from tasks.errors import RunError
from tasks.paths import RUN, shown

PYTHON_MIN = (3, 11)


@dataclass(frozen=True)
class SystemPackage:
    """A program outside of the language registries that some tests need."""

    name: str
    programs: tuple[str, ...]
    debian: tuple[str, ...]

    def found(self) -> str | None:
        """Returns the program's path, or None if it is not installed."""
        return next(filter(None, map(shutil.which, self.programs)), None)

    def __str__(self) -> str:
        """The name, with the command that installs it."""
        return f"{self.name} (Debian, Ubuntu: `apt-get install {' '.join(self.debian)}`)"


CHROMIUM = SystemPackage("Chromium", ("chromium", "chromium-browser", "google-chrome"), ("chromium", "fonts-dejavu-core"))
CVC5 = SystemPackage("cvc5", (os.environ.get("CVC5") or "cvc5",), ("cvc5",))


def in_ci() -> bool:
    """Returns true in continuous integration, where a missing program is an error and no test is skipped."""
    return os.environ.get("CI") == "true"


def check_python() -> None:
    """Raises an error if this Python is too old."""
    if sys.version_info < PYTHON_MIN:
        wanted, found = (".".join(map(str, version[:2])) for version in (PYTHON_MIN, tuple(sys.version_info)))
        raise RunError(f"Python {wanted} or later is needed, and `{sys.executable}` is {found}: run `make PYTHON=/path/to/python{wanted} …`.")


def check_cargo() -> None:
    """Raises an error if cargo is not on the path."""
    if shutil.which("cargo") is None:
        raise RunError("`cargo` is not on your PATH: install Rust 1.95 or later from https://rustup.rs.")


def ensure_venv() -> None:
    """Makes sure that this Python can make virtual environments. Debian has that in a package of its own."""
    if importlib.util.find_spec("ensurepip") is None and not install(["python3-venv"]):
        raise RunError("This Python cannot make virtual environments: install its `venv` module (Debian, Ubuntu: `apt-get install python3-venv`).")


def ensure_installed(*wanted: SystemPackage) -> None:
    """Installs the packages that are missing, where that needs no password. Elsewhere their tests are skipped, or fail in CI."""
    missing = [package for package in wanted if not package.found()]
    if missing:
        install([name for package in missing for name in package.debian])
        missing = [package for package in missing if not package.found()]
    if missing and in_ci():
        raise RunError(f"CI skips no test, but these are missing: {', '.join(map(str, missing))}. The log of apt-get, if it ran, is {shown(RUN / 'apt.log')}.")


def install(packages: Sequence[str]) -> bool:
    """Installs Debian packages as root or by `sudo` without a password. Returns false if that is impossible."""
    apt = _apt()
    if apt is None:
        return False
    RUN.mkdir(exist_ok=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    note(f"installing {' '.join(packages)} by apt-get")
    with (RUN / "apt.log").open("w") as log:
        for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
            if subprocess.call([*apt, "-q", "-o", "DPkg::Lock::Timeout=300", *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT):
                return False
    return True


def _apt() -> list[str] | None:
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return ["apt-get"]
    asks_nothing = shutil.which("sudo") and subprocess.call(["sudo", "-n", "true"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
    return ["sudo", "-n", "apt-get"] if asks_nothing else None
