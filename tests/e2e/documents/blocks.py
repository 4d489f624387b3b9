"""The commands of the documents: fenced `sh` blocks, and commands in the text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tasks.paths import ROOT

DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))


@dataclass(frozen=True)
class Command:
    """Commands as they stand in a document."""

    document: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def name(path: Path) -> str:
    """The document's path in the repository."""
    return str(path.relative_to(ROOT))


def blocks(path: Path) -> list[Command]:
    """The fenced `sh` blocks of a document."""
    text = path.read_text()
    found = re.finditer(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [Command(name(path), text.count("\n", 0, each.start(1)) + 1, each.group(1)) for each in found]


def spans(path: Path) -> list[Command]:
    """The code in the text, outside of fenced blocks."""
    text = re.sub(r"^```.*?^```$", lambda block: "\n" * block.group().count("\n"), path.read_text(), flags=re.DOTALL | re.MULTILINE)
    found = re.finditer(r"`([^`\n]+(?:\n[^`\n]+)?)`", text)
    return [Command(name(path), text.count("\n", 0, each.start()) + 1, " ".join(each.group(1).split())) for each in found]


def functions(path: Path) -> dict[str, str]:
    """The shell functions that a document defines, with their bodies."""
    found = (re.findall(r"^(\w+)\(\) \{(.*?\})(?: *#[^\n]*)?$", block.text, re.MULTILINE | re.DOTALL) for block in blocks(path))
    return {name: body for each in found for name, body in each}
