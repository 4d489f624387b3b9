"""Runs a task of the Makefile. Needs nothing but Python's standard library: it makes the environments in which everything else runs."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

try:
    from tasks.cargo import EVERYTHING, STACK, build, plugin
    from tasks.checks import check
    from tasks.console import note
    from tasks.environments import PEER_REQUIREMENTS, ensure
    from tasks.errors import RunError, run_program
    from tasks.paths import E2E, PACKAGING, ROOT, RUN
    from tasks.prerequisites import check_cargo, check_python
    from tasks.release import package, policy_set, sam_folder
    from tasks.suite import test
except (SyntaxError, ImportError) as error:
    sys.exit(f"Python 3.11 or later is needed ({error}): run `make PYTHON=/path/to/python3.11 …`.")

# The files whose mutants the tests must notice: they decide, name and tell.
DECIDING = "shared/src/{trigger,model/ids,policy/evaluation,policy/judgement,policy/set,decision,ledger/finding,ledger/record,message,message/wording}.rs"


def run_on_stack(module: str, targets: list[str], *arguments: str) -> None:
    """Builds the binaries, then becomes the program in tests/e2e, so that Ctrl-C reaches one process."""
    check_cargo()
    python = str(ensure() / "python")
    build("building the functions and the PrivateLink stand-in", targets)
    os.environ["PYTHONPATH"] = os.pathsep.join(map(str, (E2E, PACKAGING)))
    os.execv(python, [python, "-m", module, *arguments])


def bench() -> int:
    """Runs the benchmarks. Without network the Python function for comparison is left out."""
    try:
        ensure(PEER_REQUIREMENTS, ".venv-peer")
    except RunError as error:
        note(f"Continuing without the Python function for comparison. {error}")
    return subprocess.call([str(ROOT / "target" / "release" / "bench")], cwd=ROOT)


def mutants(file: str = "") -> int:
    """Runs cargo-mutants on the deciding files or on one file. The results are in `.run/mutants.out`."""
    if file and not (ROOT / file).is_file():
        raise RunError(f"There is no {file}: FILE=… is a path in this repository, for example shared/src/decision.rs.")
    RUN.mkdir(exist_ok=True)
    return subprocess.call([str(plugin("cargo-mutants")), "mutants", "--file", file or DECIDING, "--output", str(RUN)], cwd=ROOT)


TASKS: dict[str, Callable[..., int | None]] = {
    "try": lambda: run_on_stack("harness.demo", STACK),
    "up": lambda: run_on_stack("harness.up", [*STACK, "--bin", "warden"]),
    "load": lambda *settings: run_on_stack("load.run", EVERYTHING, *settings),
    "test": test,
    "check": check,
    "bench": bench,
    "mutants": mutants,
    # Before the build, which takes minutes.
    "set": lambda policies: policy_set(policies) and None,
    "package": lambda binaries, policies: package(ROOT / binaries, policy_set(policies)),
    # For `sam build`, which names a function as the template does.
    "folder": lambda function, binaries, folder, policies: sam_folder(function.lower(), ROOT / binaries, Path(folder), policy_set(policies)),
}


def main() -> int | None:
    """Runs the task that the first argument names."""
    check_python()
    return TASKS[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    run_program(main)
