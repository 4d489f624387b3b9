"""The folders that become the functions' code, and their zips."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from places import POLICIES, ROOT, TARGET, shown
from trouble import Trouble

FUNCTIONS = ("approve", "audit", "notify")
JUDGES = ("approve", "audit")  # the policy is packaged with these
# Zips of equal contents are equal, so a deployment without a change changes nothing.
EPOCH = (1980, 1, 1, 0, 0, 0)


def lay_out(binaries: Path, destination: Path) -> None:
    """Fills a folder for each function from the binaries of one profile."""
    for function in FUNCTIONS:
        folder = destination / function
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        binary = binaries / function
        if not binary.is_file():
            raise Trouble(f"There is no {shown(binary)}: build it first.")
        shutil.copy2(binary, folder / "bootstrap")
        _strip(folder / "bootstrap")
    for function in JUDGES:
        _lay_out_policies(destination / function / "policies")


def _lay_out_policies(folder: Path) -> None:
    files = [*sorted(POLICIES.glob("*.cedar")), POLICIES / "groups.json"]
    folder.mkdir()
    for file in files:
        if file.is_file():
            shutil.copy2(file, folder / file.name)


def _strip(binary: Path) -> None:
    """A debug binary is ten times its stripped size, and Lambda has limits; without `strip` it is only slower."""
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


def main(binaries: str) -> None:
    """`make package`: folders, which the template's `CodeUri` names, and zips, from the binaries in a folder."""
    destination = TARGET / "lambda"
    lay_out(ROOT / binaries, destination)
    for function in FUNCTIONS:
        data = zip_of(destination / function)
        target = destination / f"{function}.zip"
        target.write_bytes(data)
        binary = destination / function / "bootstrap"
        print(f"{shown(target)}: {len(data) / 1e6:.1f} MB (binary {binary.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except Trouble as trouble:
        sys.exit(str(trouble))
