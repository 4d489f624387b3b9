"""Terminal output: a progress line that is live on a terminal and periodic in a log."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from types import TracebackType

LIVE_EVERY_SECONDS = 0.2
LOG_EVERY_SECONDS = 30.0


def note(text: str) -> None:
    """Prints a line and flushes it."""
    print(text, flush=True)


class Progress:
    """Shows a long step with its elapsed time."""

    def __init__(self, step: str) -> None:
        self._step = step
        self._detail = ""
        self._start = time.monotonic()
        self._over = threading.Event()
        self._live = sys.stdout.isatty()
        self._thread = threading.Thread(target=self._show, daemon=True)

    def detail(self, text: str) -> None:
        """Sets the text after the elapsed time."""
        self._detail = text

    def __enter__(self) -> Progress:
        if not self._live:
            note(f"{self._step} …")
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        if self._live:
            print("\r\033[K", end="")
        note(f"{self._step}: {'done' if kind is None else 'failed'} after {self._elapsed():.0f} s")

    def _elapsed(self) -> float:
        return time.monotonic() - self._start

    def _show(self) -> None:
        while not self._over.wait(LIVE_EVERY_SECONDS if self._live else LOG_EVERY_SECONDS):
            line = f"{self._step} … {self._elapsed():.0f} s  {self._detail}"
            if self._live:
                width = shutil.get_terminal_size().columns - 1
                print(f"\r\033[K{line[:width]}", end="", flush=True)
            else:
                note(line)
