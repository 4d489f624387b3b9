"""`make package`: the functions' zips with their hashes, bills of materials and licences.

The same source and the same Rust make the same bytes on any machine: the Makefile's compiler flags do that for the binaries, this module for
the rest.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tasks.artifacts import FUNCTIONS, JUDGES, lay_out, lay_out_one, template_with_code, zip_of
from tasks.cargo import plugin
from tasks.console import note
from tasks.elf import architecture_of
from tasks.errors import RunError
from tasks.paths import POLICIES, ROOT, RUN, TARGET, shown

MB = 1024 * 1024  # as Lambda counts: its 50 MB are 52,428,800 bytes
ZIP_BYTES_MAX = 7 * MB  # the zip's size is part of each cold start, so growth needs a decision
DESTINATION = TARGET / "lambda"
# The first place where `sam deploy` looks: it needs no --template and keeps its answers at the root.
DEPLOYED = ROOT / ".aws-sam" / "build" / "template.yaml"
NO_SET = "There is NO POLICY SET in the package: set the parameter PolicyUri, or package one with POLICIES=DIR. Without either, approve and audit do not start."
Crates = set[tuple[str, str]]


def package(binaries: Path, policies: Path | None) -> None:
    """Writes everything from the binaries of one profile and a policy set."""
    lay_out(binaries, DESTINATION, policies)
    architecture = architecture_of([DESTINATION / function / "bootstrap" for function in FUNCTIONS])
    write_zips(DESTINATION)
    write_template(DESTINATION, DEPLOYED, architecture)
    crates = crates_in(binaries)
    write_bills_of_materials(crates)
    write_licences(crates)
    write_hashes()
    # Binaries of the dev profile are twice as large, and not for deployments that last.
    for function in FUNCTIONS if binaries.name != "debug" else ():
        require_small(DESTINATION / f"{function}.zip")
    note(f"`sam deploy` deploys these zips, for {architecture}. Their contents: {shown(DESTINATION)}/*.cdx.json and LICENSES.txt.")
    note(f"The policy set in them: {shown(policies)}." if policies else NO_SET)


def policy_set(text: str) -> Path | None:
    """The directory that `POLICIES=DIR` names. None without one. The sample is never packaged: an update of the source would change it."""
    if not text:
        return None
    folder = Path(text).resolve()
    if folder == POLICIES.resolve():
        raise RunError(f"POLICIES={text} is the sample for `make try`: `warden init DIR` makes a policy set of your own, outside this directory.")
    if not any(folder.glob("*.cedar")):
        raise RunError(f"POLICIES={text} holds no policies (*.cedar): name the directory of your policy set. `warden init DIR` makes one.")
    return folder


def sam_folder(function: str, binaries: Path, folder: Path, policies: Path | None) -> None:
    """Fills a function's folder for `sam build`, which takes the template as it is: the parameter's default may be another architecture."""
    lay_out_one(function, binaries, folder, policies)
    if policies is None and function in JUDGES:
        note(NO_SET)
    note(f"{function} is for {architecture_of([folder / 'bootstrap'])}: give this value to the parameter Architecture.")


def write_zips(folder: Path) -> None:
    """Writes a zip beside each function's folder."""
    for function in FUNCTIONS:
        (folder / f"{function}.zip").write_bytes(zip_of(folder / function))


def write_template(zips: Path, target: Path, architecture: str) -> None:
    """Writes the template with these zips as its code, so that the code's hash in Lambda is the zip's, and with their architecture."""
    target.parent.mkdir(parents=True, exist_ok=True)
    uris = {function: os.path.relpath(zips / f"{function}.zip", target.parent) for function in FUNCTIONS}
    target.write_text(template_with_code(uris, architecture))


def crates_in(binaries: Path) -> Crates:
    """The crates that cargo links into the functions, without those of builds, tests and other members of the workspace."""
    target = ["--target", binaries.parent.name] if binaries.parent != TARGET else []
    packages = [word for function in FUNCTIONS for word in ("-p", function)]
    listed = _output("cargo", "tree", "--locked", "--edges", "normal", "--prefix", "none", *target, *packages)
    return {(name, version.removeprefix("v")) for name, version, *_ in (line.split() for line in listed.splitlines() if line)}


def write_bills_of_materials(crates: Crates) -> None:
    """Writes a CycloneDX bill of materials for each function."""
    name = "package.cdx"
    command = [str(plugin("cargo-cyclonedx")), "cyclonedx", "--quiet", "--format", "json", "--spec-version", "1.5", "--no-build-deps", "--target", "all", "--override-filename", name]
    try:
        # Without a date it would write today's, and a random number.
        _output(*command, SOURCE_DATE_EPOCH="0")
        for function in FUNCTIONS:
            found = (ROOT / "functions" / function / f"{name}.json").read_text()
            # The bill must not contain a path of this machine.
            parts = pruned(json.loads(found.replace(ROOT.as_uri(), "file:///warden")), crates)
            (DESTINATION / f"{function}.cdx.json").write_text(json.dumps(parts, indent=2) + "\n")
    finally:
        # The plugin writes one beside every manifest.
        for manifest in ROOT.glob("*/**/Cargo.toml"):
            (manifest.parent / f"{name}.json").unlink(missing_ok=True)


def pruned(bill: dict[str, Any], crates: Crates) -> dict[str, Any]:
    """The bill without the crates of other members of the workspace."""
    components = [each for each in bill["components"] if (each["name"], each["version"]) in crates]
    refs = {each["bom-ref"] for each in components} | {bill["metadata"]["component"]["bom-ref"]}
    dependencies = [{**each, "dependsOn": [ref for ref in each.get("dependsOn", []) if ref in refs]} for each in bill["dependencies"] if each["ref"] in refs]
    return bill | {"components": components, "dependencies": dependencies}


def write_licences(crates: Crates) -> None:
    """Writes each licence text once, below the crates that use it."""
    RUN.mkdir(exist_ok=True)
    found = RUN / "licences.json"
    _output(str(plugin("cargo-bundle-licenses")), "bundle-licenses", "--format", "json", "--output", str(found))
    users: dict[str, list[str]] = {}
    named: Crates = set()
    for each in json.loads(found.read_text())["third_party_libraries"]:
        crate = (each["package_name"], each["package_version"])
        if crate in crates:
            named.add(crate)
            for licence in each["licenses"]:
                text = f"(The crate does not contain the text of its licence {licence['license']}.)" if licence["text"] == "NOT FOUND" else licence["text"].strip()
                users.setdefault(text, []).append(f"{' '.join(crate)} ({each['license']})")
    if missing := sorted(" ".join(crate) for crate in crates - named if crate[0] not in ("warden", *FUNCTIONS)):
        raise RunError(f"No licence was found of {', '.join(missing)}.")
    chapters = ["\n".join(sorted(names)) + "\n\n" + text for text, names in sorted(users.items(), key=lambda item: (-len(item[1]), item[0]))]
    (DESTINATION / "LICENSES.txt").write_text(f"\n\n{'-' * 100}\n\n".join([(ROOT / "LICENSE").read_text().strip(), *chapters]) + "\n")


def write_hashes() -> None:
    """Writes SHA256SUMS. It has the binaries, too, because a zip's bytes also depend on this Python's zlib."""
    files = sorted(file for file in DESTINATION.rglob("*") if file.is_file() and file.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(DESTINATION)}\n" for file in files]
    (DESTINATION / "SHA256SUMS").write_text("".join(lines))
    for line, file in zip(lines, files):
        if file.suffix == ".zip" or file.name == "bootstrap":
            note(f"{file.stat().st_size / MB:5.2f} MB  {line.rstrip()}")


def require_small(archive: Path) -> None:
    """Raises an error if a zip is larger than decided."""
    size = archive.stat().st_size
    if size > ZIP_BYTES_MAX:
        raise RunError(f"{shown(archive)} is {size / MB:.2f} MB, more than {ZIP_BYTES_MAX // MB}: find out what grew (`cargo bloat --release --crates`), or raise ZIP_BYTES_MAX.")


def _output(*command: str, **environment: str) -> str:
    done = subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RunError(f"`{Path(command[0]).name} {command[1]}` failed:\n{done.stderr.rstrip()}")
    return done.stdout
