"""Where things lie in the repository. Everything the runs leave behind is under `.run/`, `.venv*/` and `target/`."""

from __future__ import annotations

from pathlib import Path

E2E = Path(__file__).resolve().parent
ROOT = E2E.parent.parent
RUN = ROOT / ".run"
TEMPLATE = ROOT / "infra" / "template.yaml"
TEMPLATES = [TEMPLATE, *sorted((ROOT / "infra").glob("[!t]*.yaml")), *sorted((ROOT / "infra" / "examples").glob("*.yaml"))]
POLICIES = ROOT / "policies"
TARGET = ROOT / "target"


def shown(path: Path) -> str:
    """A path as a reader in the repository would type it."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
