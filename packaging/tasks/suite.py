"""`make test`: builds everything, runs the Rust tests beside the end-to-end tests, and counts both in the last line."""

from __future__ import annotations

import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tasks.cargo import EVERYTHING, build
from tasks.console import note
from tasks.environments import SAM_REQUIREMENTS, ensure
from tasks.paths import E2E, ROOT, RUN, shown
from tasks.prerequisites import CHROMIUM, CVC5, check_cargo, ensure_installed, in_ci

# Each process has a stack of its own and mostly waits, so more of them than cores is faster.
E2E_PROCESSES = 4
# The laws run the same scenarios each time, so that a commit has one result. `make soak` draws new ones.
REPRODUCIBLE = {"PROPTEST_RNG_SEED": "1"}
RUST_LOG = RUN / "cargo-test.log"
E2E_REPORT = RUN / "e2e.xml"


@dataclass
class Totals:
    """The counts of a run, and the names of the skipped tests by reason."""

    passed: int = 0
    failed: int = 0
    skipped: dict[str, list[str]] = field(default_factory=dict)

    def skip(self, reason: str, test: str) -> None:
        """Counts a skipped test."""
        self.skipped.setdefault(reason, []).append(test)

    def lines(self) -> str:
        """The skipped tests by name, then the totals."""
        reasons = [f"Skipped, {reason}: " + ", ".join(f"{test} ({count})" if count > 1 else test for test, count in sorted(Counter(tests).items())) for reason, tests in self.skipped.items()]
        return "\n".join([*reasons, f"{self.passed} passed, {self.failed} failed, {sum(map(len, self.skipped.values()))} skipped"])


def test() -> int:
    """Runs every test. Returns 1 if a test fails or, in CI, is skipped."""
    check_cargo()
    python, sam = ensure() / "python", ensure(SAM_REQUIREMENTS, ".venv-sam") / "sam"
    with ThreadPoolExecutor(1) as background:
        installing = background.submit(ensure_installed, CHROMIUM, CVC5)
        build("building everything with its tests", EVERYTHING)
        installing.result()
    note(f"Running the Rust tests (log: {shown(RUST_LOG)}) beside the end-to-end tests:")
    with RUST_LOG.open("w") as log:
        # With the output of passed tests, where a test says that it was skipped.
        command = ["cargo", "test", "--locked", "--workspace", "--no-fail-fast", "--", "--show-output"]
        rust = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, env=REPRODUCIBLE | os.environ)
    try:
        e2e_status = _run_e2e(python, sam)
        rust_status = rust.wait()
    finally:
        rust.terminate()
    totals, output = Totals(), RUST_LOG.read_text()
    count_rust(output, totals)
    count_e2e(E2E_REPORT, totals)
    if rust_status:
        note(rust_failures(output))
    note(totals.lines())
    return int(bool(rust_status or e2e_status or (in_ci() and totals.skipped)))


def _run_e2e(python: Path, sam: Path) -> int:
    E2E_REPORT.unlink(missing_ok=True)
    # `make check` runs the linters.
    command = [str(python), "-m", "pytest", str(E2E), f"--ignore={E2E / 'templates' / 'test_lint.py'}", "--numprocesses", str(E2E_PROCESSES), "--junit-xml", str(E2E_REPORT)]
    return subprocess.call(command, cwd=ROOT, env=os.environ | {"WARDEN_SAM": str(sam)})


def count_rust(output: str, totals: Totals) -> None:
    """Adds the results of `cargo test -- --show-output`. A test whose output begins with SKIPPED did not run, for want of cvc5."""
    skipped = re.findall(r"^---- (\S+) stdout ----\nSKIPPED", output, re.MULTILINE)
    for name in skipped:
        totals.skip(f"needs {CVC5}", name)
    for passed, failed in re.findall(r"^test result: \w+\. (\d+) passed; (\d+) failed;", output, re.MULTILINE):
        totals.passed += int(passed)
        totals.failed += int(failed)
    totals.passed -= len(skipped)


def rust_failures(output: str) -> str:
    """The part of the log that a person needs: failed tests with their output, or the end if nothing ran."""
    parts = re.findall(r"^failures:\n\n(?:---- .*?)(?=^failures:\n)", output, re.DOTALL | re.MULTILINE)
    return "\n".join(parts) or output[-4000:]


def count_e2e(report: Path, totals: Totals) -> None:
    """Adds the results of pytest's JUnit report. An expected failure counts as passed."""
    if not report.exists():
        return
    for case in ElementTree.parse(report).iter("testcase"):
        skip = case.find("skipped")
        if skip is not None and skip.get("type") == "pytest.skip":
            totals.skip(skip.get("message", ""), str(case.get("name")).partition("[")[0])
        elif case.find("failure") is not None or case.find("error") is not None:
            totals.failed += 1
        else:
            totals.passed += 1
