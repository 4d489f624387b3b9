"""Everything in the Makefile that is more than one command begins here, with nothing but Python's standard library.

It checks the machine, fills the virtual environments, builds the binaries, and then becomes the program that does the work.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    from artifacts import lay_out_one
    from building import TEST_TARGETS, build, tool
    from console import note
    from dependencies import check_dependencies
    from environments import CHECKOV_REQUIREMENTS, PEER_REQUIREMENTS, SAM_REQUIREMENTS, ensure
    from places import E2E, ROOT, RUN
    from prerequisites import check_cargo, check_python, ensure_solver
    from processes import stop_on_signals
    from release import package
    from trouble import Trouble
except (SyntaxError, ImportError) as error:
    sys.exit(f"Python 3.11 or later, with its venv module, is needed ({error}): run `make PYTHON=/path/to/python3.11 …`.")


# What decides, names and tells: every mutant of it must be noticed.
DECIDING = "shared/src/{event,ids,policy,decision,finding,record,notice}.rs"
# The tests that need no running stack.
STANDING = ("arrows", "bounds", "docs", "lint", "reckoning", "release", "rules", "template")


def main(task: str, *arguments: str) -> None:
    """One task from the Makefile."""
    stop_on_signals()
    check_python()
    tasks: dict[str, Callable[..., None]] = {"try": _try, "up": _up, "test": _test, "check": _check, "package": _package, "folder": _folder, "bench": _bench, "load": _load, "mutants": _mutants}
    tasks[task](*arguments)


def _try() -> None:
    _become("play.py")


def _up() -> None:
    _become("stay.py")


def _load(*settings: str) -> None:
    # All of it, as `make test` builds: other packages would be another SDK.
    _become("load.py", *settings, targets=TEST_TARGETS)


def _become(program: str, *arguments: str, targets: list[str] | None = None) -> None:
    check_cargo()
    python = str(ensure())
    build(arguments=targets)
    # Becomes the program, so that Ctrl-C has one process to reach.
    os.execv(python, [python, str(E2E / program), *arguments])


def _bench() -> None:
    """The Python function that `approve` is measured beside has an environment of its own; without it, it is left out, aloud."""
    try:
        ensure(PEER_REQUIREMENTS, ".venv-peer")
    except Trouble as trouble:
        note(f"Going on without the Python function: {trouble}")
    _run([str(ROOT / "target" / "release" / "bench")], dict(os.environ))


def _mutants(file: str = "") -> None:
    """In a copy of its own, which is built anew; what it found is kept in `.run/mutants.out`."""
    if file and not (ROOT / file).is_file():
        raise Trouble(f"There is no {file}: FILE=… is a file of this repository, as shared/src/ids.rs is.")
    RUN.mkdir(exist_ok=True)
    _run([str(tool("cargo-mutants")), "mutants", "--file", file or DECIDING, "--output", str(RUN)], dict(os.environ))


def _package(binaries: str) -> None:
    package(ROOT / binaries)


def _folder(function: str, binaries: str, folder: str) -> None:
    """For `sam build`, which names a function as the template does."""
    lay_out_one(function.lower(), ROOT / binaries, Path(folder))


def _check() -> None:
    """What needs no running stack: the dependencies, and the templates by rules, linters and SAM's own build."""
    check_dependencies()
    python = str(ensure())
    tools = {"WARDEN_SAM": ensure(SAM_REQUIREMENTS, ".venv-sam").with_name("sam"), "WARDEN_CHECKOV": ensure(CHECKOV_REQUIREMENTS, ".venv-checkov").with_name("checkov")}
    # For `sam build`, which shows nothing while it waits for cargo; and all of it, as `make test` builds: other packages would be another SDK.
    build("building everything with its tests (the first time takes some minutes)", TEST_TARGETS)
    environment = os.environ | {name: str(path) for name, path in tools.items()}
    _run([python, "-m", "pytest", *(str(E2E / f"test_{name}.py") for name in STANDING)], environment)


def _test() -> None:
    check_cargo()
    python = str(ensure())
    environment = os.environ | {"WARDEN_SAM": _sam()}
    ensure_solver()
    build("building everything with its tests (the first time takes some minutes)", TEST_TARGETS)
    _run(["cargo", "test", "--locked", "--workspace"], environment)
    # On a stack of its own, and most of its time it waits: so beside the others.
    alarms = E2E / "test_alarms.py"
    with _beside([python, "-m", "pytest", str(alarms)], environment, RUN / "alarms.log") as ended:
        _run([python, "-m", "pytest", str(E2E), f"--ignore={E2E / 'test_lint.py'}", f"--ignore={alarms}"], environment)
        ended()


@contextmanager
def _beside(command: list[str], environment: dict[str, str], log: Path) -> Iterator[Callable[[], None]]:
    """Runs a command beside others. Its output is shown at its end, which is waited for by calling what this yields."""
    RUN.mkdir(exist_ok=True)
    with log.open("w") as output:
        child = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)

    def ended() -> None:
        status = child.wait()
        print(log.read_text(), end="", flush=True)
        if status:
            sys.exit(status)

    try:
        yield ended
    finally:
        child.terminate()
        child.wait()


def _run(command: list[str], environment: dict[str, str]) -> None:
    if status := subprocess.call(command, cwd=ROOT, env=environment):
        sys.exit(status)


def _sam() -> str:
    """SAM needs other versions of the same packages, so an environment of its own. Without it one test is skipped, aloud."""
    try:
        return str(ensure(SAM_REQUIREMENTS, ".venv-sam").with_name("sam"))
    except Trouble as trouble:
        note(f"Going on without `sam deploy`: {trouble}")
        return ""


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Trouble as trouble:
        sys.exit(f"\n{trouble}")
    except KeyboardInterrupt:
        sys.exit("\nStopped.")
