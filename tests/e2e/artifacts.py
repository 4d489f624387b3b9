"""The folders that become the functions' code, and their zips."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

from places import POLICIES, shown
from trouble import Trouble

FUNCTIONS = ("approve", "audit", "notify")
JUDGES = ("approve", "audit")  # the policy is packaged with these
# Zips of equal contents are equal, so a deployment without a change changes nothing.
EPOCH = (1980, 1, 1, 0, 0, 0)


def lay_out(binaries: Path, destination: Path, policies: Path = POLICIES, optimised: tuple[str, ...] = ()) -> None:
    """Fills a folder for each function from the binaries of one profile; of some, from the optimised ones beside it."""
    for function in FUNCTIONS:
        shutil.rmtree(destination / function, ignore_errors=True)
        lay_out_one(function, binaries.with_name("release") if function in optimised else binaries, destination / function, policies)


def lay_out_one(function: str, binaries: Path, folder: Path, policies: Path = POLICIES) -> None:
    """Fills one function's folder."""
    binary = binaries / function
    if not binary.is_file():
        raise Trouble(f"There is no {shown(binary)}: build it first.")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy2(binary, folder / "bootstrap")
    if binaries.name == "debug":
        _strip(folder / "bootstrap")
    if function in JUDGES:
        _lay_out_policies(policies, folder / "policies")


def _lay_out_policies(policies: Path, folder: Path) -> None:
    files = [*sorted(policies.glob("*.cedar")), policies / "groups.json"]
    folder.mkdir(exist_ok=True)
    for file in files:
        if file.is_file():
            shutil.copy2(file, folder / file.name)


def _strip(binary: Path) -> None:
    """A debug binary is ten times its stripped size, and Lambda has limits; without `strip` it is only slower.

    Never one that rustc has stripped: what this machine's `strip` leaves depends on its version.
    """
    if tool := shutil.which("strip"):
        subprocess.run([tool, str(binary)], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def zip_of(folder: Path, fast: bool = False) -> bytes:
    """The folder as Lambda wants it: everything executable that was, the same bytes for the same contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1 if fast else 9) as archive:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(str(file.relative_to(folder)), EPOCH)
            entry.external_attr = (0o755 if os.access(file, os.X_OK) else 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, file.read_bytes())
    return buffer.getvalue()
