"""cargo: the build that all tasks share, and pinned plugins."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tasks.console import Progress
from tasks.errors import RunError
from tasks.paths import ROOT, RUN, TARGET, shown
from tasks.prerequisites import check_cargo

PLUGINS = {"cargo-bundle-licenses": "5.0.0", "cargo-cyclonedx": "0.5.9", "cargo-deny": "0.20.2", "cargo-mutants": "27.1.0"}
# Lines of a failed build that are shown: in CI, the log itself cannot be read afterwards.
SHOWN_LINES = 40
# cargo unifies features over the selected packages, and adds those of development dependencies if tests or examples are selected. Every
# build therefore selects the whole workspace and `--examples` (there are none): otherwise it builds the AWS SDK again with other features.
EVERYTHING = ["--workspace", "--all-targets"]
STACK = ["--workspace", "--examples", *(word for binary in ("approve", "audit", "notify", "local") for word in ("--bin", binary))]


def build(step: str, targets: list[str]) -> None:
    """Runs `cargo build` in the dev profile."""
    _cargo(f"{step} (the first build takes some minutes)", ["build", "--locked", *targets], "build.log")


def plugin(name: str) -> Path:
    """Returns the path of a plugin in `target/tools`. Builds it if it is missing."""
    root = TARGET / "tools" / f"{name}-{PLUGINS[name]}"
    binary = root / "bin" / name
    if not binary.is_file():
        arguments = ["install", "--locked", "--root", str(root), "--version", f"={PLUGINS[name]}", name]
        _cargo(f"building {name} {PLUGINS[name]} into target/tools (once; some minutes)", arguments, f"{name}.log")
    return binary


def _cargo(step: str, arguments: list[str], log_name: str) -> None:
    check_cargo()
    RUN.mkdir(exist_ok=True)
    log = RUN / log_name
    environment = os.environ | {"CARGO_TERM_PROGRESS_WHEN": "never", "CARGO_TERM_COLOR": "never"}
    with log.open("w") as output, Progress(step) as progress:
        child = subprocess.Popen(["cargo", *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
        assert child.stdout is not None
        compiled = 0
        try:
            for line in child.stdout:
                output.write(line)
                words = line.split()
                compiled += words[:1] == ["Compiling"]
                if words[:1] in (["Compiling"], ["Downloading"], ["Downloaded"], ["Blocking"]):
                    progress.detail(f"{compiled} crates, now {' '.join(words[:3])}")
            status = child.wait()
        finally:
            child.terminate()
        if status != 0:
            raise RunError(_reason(log.read_text(), shown(log)))


def _reason(text: str, log: str) -> str:
    if "error: failed to download" in text or "failed to get" in text or "Could not resolve host" in text:
        return f"cargo could not download a crate. Is there a network? The log is {log}."
    if "rustc" in text and "is not supported by the following package" in text:
        return f"This Rust is too old: update it to 1.95 or later. The log is {log}."
    if "No space left on device" in text:
        return f"The disk is full: a first build takes some 10 GB. The log is {log}."
    lines = text.splitlines()
    first = next((number for number, line in enumerate(lines) if line.startswith("error")), max(len(lines) - SHOWN_LINES, 0))
    return "\n".join(["The build failed:", *lines[first : first + SHOWN_LINES], f"The whole log is {log}."])
