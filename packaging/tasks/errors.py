"""The end of a program: an error is one sentence, and each signal stops it as Ctrl-C does."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from typing import NoReturn


class RunError(Exception):
    """A problem that a person can act on, in one sentence. The program ends with status 1 and no stack trace."""


def run_program(main: Callable[[], int | None], stopped: str = "Stopped.") -> NoReturn:
    """Runs a program and exits with what it returns."""
    stop_on_signals()
    try:
        sys.exit(main())
    except RunError as error:
        sys.exit(f"\n{error}")
    except KeyboardInterrupt:
        sys.exit(f"\n{stopped}")


def stop_on_signals() -> None:
    """Makes a closed terminal and `kill` stop the program as Ctrl-C does, even if a shell made the process ignore SIGINT."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
