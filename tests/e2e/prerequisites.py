"""What a machine must have before anything starts: each missing thing is one sentence. Standard library only."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys

from console import note
from trouble import Trouble

PYTHON_AT_LEAST = (3, 11)


def check_python() -> None:
    """Enough Python to make a virtual environment and fill it."""
    if sys.version_info < PYTHON_AT_LEAST:
        wanted, found = (".".join(map(str, v[:2])) for v in (PYTHON_AT_LEAST, tuple(sys.version_info)))
        raise Trouble(f"Python {wanted} or later is needed, and `{sys.executable}` is {found}: run `make PYTHON=/path/to/python{wanted} …`.")
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise Trouble("This Python cannot make virtual environments: install its `venv` module with pip (on Debian and Ubuntu: `apt install python3-venv`).")


def check_cargo() -> None:
    """A Rust build tool on the path."""
    if shutil.which("cargo") is None:
        raise Trouble("`cargo` is not on your PATH: install Rust 1.95 or later from https://rustup.rs.")


def ensure_solver() -> None:
    """An SMT solver for the tests of proofs: installed where that takes no password. Without it they are skipped, aloud."""
    if shutil.which("cvc5") or os.environ.get("CVC5"):
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.call(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "cvc5"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if shutil.which("cvc5") is None:
        note("Going on without the tests of `warden policy compare` and `check --prove`: install cvc5 (on Debian: `apt install cvc5`).")
