"""Locations in the repository. Everything that a task leaves behind is in `.run/`, `.venv*/` or `target/`."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
E2E = ROOT / "tests" / "e2e"
RUN = ROOT / ".run"
TARGET = ROOT / "target"
POLICIES = ROOT / "policies"
TEMPLATE = ROOT / "infra" / "template.yaml"
TEMPLATES = [TEMPLATE, *sorted((ROOT / "infra").glob("[!t]*.yaml")), *sorted((ROOT / "infra" / "examples").glob("*.yaml"))]


def shown(path: Path) -> str:
    """The path relative to the repository, for messages."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
