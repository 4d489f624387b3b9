"""What a person sees while waiting. A live line on a terminal, a line now and then in a log. Standard library only."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from types import TracebackType

LIVE_EVERY_SECONDS = 0.2
LOG_EVERY_SECONDS = 30.0


def note(text: str) -> None:
    """A line for people, at once."""
    print(text, flush=True)


class Progress:
    """Shows that something long goes on, and at what it is."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._at = ""
        self._start = time.monotonic()
        self._over = threading.Event()
        self._live = sys.stdout.isatty()
        self._thread = threading.Thread(target=self._show, daemon=True)

    def say(self, at: str) -> None:
        """What it is at now."""
        self._at = at

    def __enter__(self) -> Progress:
        if not self._live:
            note(f"{self._what} …")
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        if self._live:
            print("\r\033[K", end="")
        note(f"{self._what}: {'done' if kind is None else 'not done'} after {self._elapsed():.0f} s")

    def _elapsed(self) -> float:
        return time.monotonic() - self._start

    def _show(self) -> None:
        while not self._over.wait(LIVE_EVERY_SECONDS if self._live else LOG_EVERY_SECONDS):
            line = f"{self._what} … {self._elapsed():.0f} s  {self._at}"
            if self._live:
                width = shutil.get_terminal_size().columns - 1
                print(f"\r\033[K{line[:width]}", end="", flush=True)
            else:
                note(line)


class Timeline:
    """Lines with the seconds since the play began."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def at(self, who: str, what: str) -> None:
        """Somebody did something."""
        note(f"{time.monotonic() - self._start:7.1f} s  {who:<9} {what}")

    def quote(self, text: str) -> None:
        """Words that somebody got to read."""
        for line in text.rstrip().splitlines():
            note(f"{'':12}│ {line}".rstrip())


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Columns as wide as their widest cell."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, tuple("─" * width for width in widths), *rows]:
        note("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
