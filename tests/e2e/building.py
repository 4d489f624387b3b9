"""The real binaries, built by cargo with its progress shown. Standard library only."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from console import Progress
from places import ROOT, RUN, TARGET, shown
from prerequisites import check_cargo
from trouble import Trouble

BINARIES = ["-p", "approve", "-p", "audit", "-p", "notify", "-p", "local"]
# Binaries included: with the tests' own features, so that `cargo test` afterwards has nothing left to build.
TEST_TARGETS = ["--workspace", "--all-targets"]
PLUGINS = {"cargo-bundle-licenses": "5.0.0", "cargo-cyclonedx": "0.5.9", "cargo-deny": "0.20.2", "cargo-mutants": "27.1.0"}


def build(what: str = "building approve, audit, notify and local (the first time takes some minutes)", arguments: list[str] | None = None) -> None:
    """`cargo build`, saying which crate it is at; its output is kept in `.run/build.log`."""
    _cargo(what, ["build", "--locked", *(arguments or BINARIES)], "build.log")


def tool(name: str) -> Path:
    """One of cargo's plugins, kept in `target/tools` and built there the first time."""
    root = TARGET / "tools" / f"{name}-{PLUGINS[name]}"
    binary = root / "bin" / name
    if not binary.is_file():
        arguments = ["install", "--locked", "--root", str(root), "--version", f"={PLUGINS[name]}", name]
        _cargo(f"building {name} {PLUGINS[name]} into target/tools (once; some minutes)", arguments, f"{name}.log")
    return binary


def _cargo(what: str, arguments: list[str], log_name: str) -> None:
    check_cargo()
    RUN.mkdir(exist_ok=True)
    log = RUN / log_name
    with log.open("w") as output, Progress(what) as progress:
        child = subprocess.Popen(
            ["cargo", *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | {"CARGO_TERM_PROGRESS_WHEN": "never", "CARGO_TERM_COLOR": "never"}
        )
        assert child.stdout is not None
        compiled = 0
        try:
            for line in child.stdout:
                output.write(line)
                words = line.split()
                if words[:1] == ["Compiling"]:
                    compiled += 1
                if words[:1] in (["Compiling"], ["Downloading"], ["Downloaded"], ["Blocking"]):
                    progress.say(f"{compiled} crates, now {' '.join(words[:3])}")
            status = child.wait()
        finally:
            child.terminate()
        if status != 0:
            raise Trouble(_why(log.read_text(), shown(log)))


def _why(text: str, log: str) -> str:
    if "error: failed to download" in text or "failed to get" in text or "Could not resolve host" in text:
        return f"cargo could not download a crate (is there a network?): its own words are in {log}."
    if "rustc" in text and "is not supported by the following package" in text:
        return f"This Rust is older than the project asks for: update it to 1.95 or later ({log} has the details)."
    return f"The build failed: the compiler's own words are in {log}."
