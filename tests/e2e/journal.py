"""What the emulator's queue of events wrote down: how far the functions are behind."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

@dataclass
class Journal:
    """Steps by function, read as they are written."""

    file: Path
    steps: Counter[tuple[str, str]] = field(default_factory=Counter)
    why: Counter[str] = field(default_factory=Counter)
    _read: int = 0

    def behind(self, function: str) -> int:
        """Events of a function that are neither done nor given up. Those that wait to be tried again are among them."""
        self._take_in()
        return self.steps["taken", function] - self.steps["done", function] - self.steps["given up", function]

    def count(self, step: str, function: str) -> int:
        self._take_in()
        return self.steps[step, function]

    def _take_in(self) -> None:
        with self.file.open("rb") as lines:
            lines.seek(self._read)
            new = lines.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in map(json.loads, whole.splitlines()):
            self.steps[line["step"], line["function"]] += 1
            if "why" in line:
                self.why[f"{line['step']}: {line['why']}"] += 1
