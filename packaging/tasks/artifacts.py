"""The folders that become the functions' code, and their zips. Equal contents make equal bytes, so a deployment without a change changes nothing."""

from __future__ import annotations

import fcntl
import io
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

from tasks.errors import RunError
from tasks.paths import TEMPLATE, shown

FUNCTIONS = ("approve", "audit", "notify")
JUDGES = ("approve", "audit")  # a policy set is packaged with these
ARCHITECTURE = re.compile(r"(?m)^(  Architecture:\n(?:    .*\n)*?    Default: )\w+$")
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold


def lay_out(binaries: Path, destination: Path, policies: Path | None, optimised: tuple[str, ...] = ()) -> None:
    """Fills a folder for each function from the binaries of one profile. Those in `optimised` come from the release profile beside it."""
    for function in FUNCTIONS:
        shutil.rmtree(destination / function, ignore_errors=True)
        lay_out_one(function, binaries.with_name("release") if function in optimised else binaries, destination / function, policies)


def lay_out_one(function: str, binaries: Path, folder: Path, policies: Path | None) -> None:
    """Fills one function's folder. Without policies, the stack's `PolicyUri` has to name a set."""
    binary = binaries / function
    if not binary.is_file():
        raise RunError(f"There is no {shown(binary)}: build it first.")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy2(stripped(binary) if binaries.name == "debug" else binary, folder / "bootstrap")
    if policies and function in JUDGES:
        (folder / "policies").mkdir(exist_ok=True)
        for file in (*policies.glob("*.cedar"), *policies.glob("groups.json")):
            shutil.copy2(file, folder / "policies" / file.name)


def stripped(binary: Path) -> Path:
    """A debug binary without its symbols, a tenth of its size, for Lambda's limits. Kept until the next build, because that takes seconds.

    rustc strips release binaries itself: the output of `strip` depends on its version.
    """
    target = binary.parent / "stripped" / binary.name
    target.parent.mkdir(exist_ok=True)
    with target.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists() or target.stat().st_mtime < binary.stat().st_mtime:
            shutil.copyfile(binary, target)
            if strip := shutil.which("strip"):
                subprocess.run([strip, str(target)], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            target.chmod(0o755)
    return target


def zip_of(folder: Path, fast: bool = False) -> bytes:
    """The folder as a zip for Lambda. Executable files stay executable. With `fast` it is not compressed."""
    buffer, method = io.BytesIO(), zipfile.ZIP_STORED if fast else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(buffer, "w", method, compresslevel=9) as archive:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(str(file.relative_to(folder)), EPOCH)
            entry.external_attr = (0o755 if os.access(file, os.X_OK) else 0o644) << 16
            entry.compress_type = method
            archive.writestr(entry, file.read_bytes())
    return buffer.getvalue()


def template_with_code(uris: dict[str, str], architecture: str | None = None) -> str:
    """The text of infra/template.yaml with each function's `CodeUri` replaced. An architecture becomes the default of its parameter."""
    body = TEMPLATE.read_text()
    if architecture:
        body, count = ARCHITECTURE.subn(rf"\g<1>{architecture}", body)
        if count != 1:
            raise RunError(f"{shown(TEMPLATE)} must contain a default of `Architecture` once.")
    for function in FUNCTIONS:
        uri = f"CodeUri: ../target/lambda/{function}/"
        if body.count(uri) != 1:
            raise RunError(f"{shown(TEMPLATE)} must contain `{uri}` once.")
        body = body.replace(uri, f"CodeUri: {uris[function]}")
    return body
