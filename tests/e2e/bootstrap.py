"""`make try`, `make up` and `make test` begin here, with nothing but Python's standard library.

It checks the machine, fills `.venv`, builds the binaries, and then becomes the program that does the work.
"""

import os
import subprocess
import sys

try:
    from building import TEST_TARGETS, build
    from console import note
    from environments import SAM_REQUIREMENTS, ensure
    from places import E2E, ROOT
    from prerequisites import check_cargo, check_python, ensure_solver
    from processes import stop_on_signals
    from trouble import Trouble
except (SyntaxError, ImportError) as error:
    sys.exit(f"Python 3.11 or later, with its venv module, is needed ({error}): run `make PYTHON=/path/to/python3.11 …`.")


def main(task: str, *arguments: str) -> None:
    """One task from the Makefile."""
    stop_on_signals()
    check_python()
    if task == "package":
        sys.exit(subprocess.call([sys.executable, str(E2E / "artifacts.py"), *arguments]))
    check_cargo()
    python = str(ensure())
    if task == "test":
        _test(python)
    else:
        build()
        program = {"try": "play.py", "up": "stay.py"}[task]
        # Becomes the program, so that Ctrl-C has one process to reach.
        os.execv(python, [python, str(E2E / program)])


def _test(python: str) -> None:
    environment = os.environ | {"WARDEN_SAM": _sam()}
    ensure_solver()
    build("building everything with its tests (the first time takes some minutes)", TEST_TARGETS)
    for command in (["cargo", "test", "--locked", "--workspace"], [python, "-m", "pytest", str(E2E)]):
        if status := subprocess.call(command, cwd=ROOT, env=environment):
            sys.exit(status)


def _sam() -> str:
    """SAM's own linter needs other versions of the same packages, so an environment of its own. Without it one test is skipped, aloud."""
    try:
        return str(ensure(SAM_REQUIREMENTS, ".venv-sam").with_name("sam"))
    except Trouble as trouble:
        note(f"Going on without `sam validate --lint`: {trouble}")
        return ""


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Trouble as trouble:
        sys.exit(f"\n{trouble}")
    except KeyboardInterrupt:
        sys.exit("\nStopped.")
