"""`make package`: the functions' zips, and what somebody needs who wants to know what they are. Standard library only.

The same source and the same Rust come to the same bytes, wherever they are built: the Makefile's flags see to the binaries, the rest is here.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from artifacts import FUNCTIONS, lay_out, zip_of
from building import tool
from console import note
from places import ROOT, RUN, TARGET, TEMPLATE, shown
from trouble import Trouble

MB = 1024 * 1024  # as Lambda counts: its 50 MB are 52,428,800 bytes
ZIP_BYTES_MAX = 6 * MB  # what a cold start loads; growth beyond it shall be somebody's decision
DESTINATION = TARGET / "lambda"
# Where `sam deploy` looks first, so that it needs no --template and keeps its answers at the root.
DEPLOYED = ROOT / ".aws-sam" / "build" / "template.yaml"
Crates = set[tuple[str, str]]


def package(binaries: Path) -> None:
    """Everything, from the binaries of one profile."""
    lay_out(binaries, DESTINATION)
    write_zips(DESTINATION)
    write_template(DESTINATION, DEPLOYED)
    crates = crates_in(binaries)
    write_parts(crates)
    write_licences(crates)
    write_hashes()
    for function in FUNCTIONS:
        _require_small(DESTINATION / f"{function}.zip")
    note(f"`sam deploy` deploys these. What is in them: {shown(DESTINATION)}/*.cdx.json and LICENSES.txt.")


def write_zips(folder: Path) -> None:
    """A zip beside each function's folder."""
    for function in FUNCTIONS:
        (folder / f"{function}.zip").write_bytes(zip_of(folder / function))


def write_template(zips: Path, target: Path) -> None:
    """The template with these zips as its code, so that what Lambda says of its code is their hash."""
    body = TEMPLATE.read_text()
    for function in FUNCTIONS:
        uri = f"CodeUri: ../target/lambda/{function}/"
        if body.count(uri) != 1:
            raise Trouble(f"{shown(TEMPLATE)} should say `{uri}` once.")
        body = body.replace(uri, f"CodeUri: {os.path.relpath(zips / f'{function}.zip', target.parent)}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(body)


def crates_in(binaries: Path) -> Crates:
    """The crates that cargo says the functions are made of: without what only builds, tests or other members of the workspace need."""
    target = ["--target", binaries.parent.name] if binaries.parent != TARGET else []
    packages = [word for function in FUNCTIONS for word in ("-p", function)]
    listed = _output("cargo", "tree", "--locked", "--edges", "normal", "--prefix", "none", *target, *packages)
    return {(name, version.removeprefix("v")) for name, version, *_ in (line.split() for line in listed.splitlines() if line)}


def write_parts(crates: Crates) -> None:
    """A CycloneDX bill of materials for each function."""
    name = "package.cdx"
    command = [str(tool("cargo-cyclonedx")), "cyclonedx", "--quiet", "--format", "json", "--spec-version", "1.5", "--no-build-deps", "--target", "all", "--override-filename", name]
    try:
        # Without a date it would put today's, and a random number.
        _output(*command, SOURCE_DATE_EPOCH="0")
        for function in FUNCTIONS:
            found = (ROOT / "functions" / function / f"{name}.json").read_text()
            # Where this machine keeps the workspace must not show.
            parts = pruned(json.loads(found.replace(ROOT.as_uri(), "file:///warden")), crates)
            (DESTINATION / f"{function}.cdx.json").write_text(json.dumps(parts, indent=2) + "\n")
    finally:
        # It writes one beside every manifest.
        for manifest in ROOT.glob("*/**/Cargo.toml"):
            (manifest.parent / f"{name}.json").unlink(missing_ok=True)


def pruned(parts: dict[str, Any], crates: Crates) -> dict[str, Any]:
    """Without what only other members of the workspace bring."""
    components = [each for each in parts["components"] if (each["name"], each["version"]) in crates]
    refs = {each["bom-ref"] for each in components} | {parts["metadata"]["component"]["bom-ref"]}
    dependencies = [{**each, "dependsOn": [ref for ref in each.get("dependsOn", []) if ref in refs]} for each in parts["dependencies"] if each["ref"] in refs]
    return parts | {"components": components, "dependencies": dependencies}


def write_licences(crates: Crates) -> None:
    """Each licence's words once, under those who use them."""
    RUN.mkdir(exist_ok=True)
    found = RUN / "licences.json"
    _output(str(tool("cargo-bundle-licenses")), "bundle-licenses", "--format", "json", "--output", str(found))
    users: dict[str, list[str]] = {}
    named: Crates = set()
    for each in json.loads(found.read_text())["third_party_libraries"]:
        crate = (each["package_name"], each["package_version"])
        if crate in crates:
            named.add(crate)
            for licence in each["licenses"]:
                text = f"(The crate does not contain the words of its licence {licence['license']}.)" if licence["text"] == "NOT FOUND" else licence["text"].strip()
                users.setdefault(text, []).append(f"{' '.join(crate)} ({each['license']})")
    if missing := sorted(" ".join(crate) for crate in crates - named if crate[0] not in ("warden", *FUNCTIONS)):
        raise Trouble(f"No licence was found of {', '.join(missing)}.")
    chapters = ["\n".join(sorted(names)) + "\n\n" + text for text, names in sorted(users.items(), key=lambda item: (-len(item[1]), item[0]))]
    (DESTINATION / "LICENSES.txt").write_text(f"\n\n{'-' * 100}\n\n".join([(ROOT / "LICENSE").read_text().strip(), *chapters]) + "\n")


def write_hashes() -> None:
    """For `sha256sum --check`, and for people: the binaries', too, for a zip's bytes are also this Python's zlib's."""
    files = sorted(file for file in DESTINATION.rglob("*") if file.is_file() and file.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(DESTINATION)}\n" for file in files]
    (DESTINATION / "SHA256SUMS").write_text("".join(lines))
    for line, file in zip(lines, files):
        if file.suffix == ".zip" or file.name == "bootstrap":
            note(f"{file.stat().st_size / MB:5.2f} MB  {line.rstrip()}")


def _require_small(archive: Path) -> None:
    size = archive.stat().st_size
    if size > ZIP_BYTES_MAX:
        raise Trouble(f"{shown(archive)} is {size / MB:.2f} MB, more than {ZIP_BYTES_MAX // MB}: see what grew (`cargo bloat --release --crates`), or raise ZIP_BYTES_MAX.")


def _output(*command: str, **environment: str) -> str:
    done = subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Trouble(f"`{Path(command[0]).name} {command[1]}` failed:\n{done.stderr.rstrip()}")
    return done.stdout
