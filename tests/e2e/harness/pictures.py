"""Makes the pictures of the documents from real runs: the output of `make try`, the page of its audit, the dashboard. And the diagram.

After `make try` has built everything: `PYTHONPATH=tests/e2e:packaging .venv/bin/python -m harness.pictures`
"""

from __future__ import annotations

import os
import subprocess
import sys
from xml.sax.saxutils import escape

from harness import dashboard, diagram
from harness.day import SETTINGS, Day
from harness.demo import PAGE
from harness.stack import Stack
from playwright.sync_api import sync_playwright
from tasks.errors import RunError, run_program
from tasks.paths import E2E, PACKAGING, ROOT
from tasks.prerequisites import CHROMIUM

IMAGES = ROOT / "docs" / "images"
COLUMNS_MAX, LINE_PX, COLUMN_PX = 150, 17, 7.3
WIDTH, HEIGHT = 1280, 1000
# An SVG in an <img> follows the reader's color scheme, too.
STYLE = (
    "text{font:12px ui-monospace,SFMono-Regular,Menlo,'DejaVu Sans Mono',monospace;fill:#1b2026;white-space:pre}rect{fill:#f5f7f9}"
    "@media(prefers-color-scheme:dark){text{fill:#e7eaee}rect{fill:#1a2028}}"
)


def run_demo() -> list[str]:
    """The lines that `make try` prints."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (E2E, PACKAGING)))}
    done = subprocess.run([sys.executable, "-m", "harness.demo"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RunError(f"The demo failed:\n{done.stdout}{done.stderr}")
    return ["$ make try", *done.stdout.splitlines()]


def terminal(lines: list[str]) -> str:
    """The lines as an SVG."""
    shown = [line if len(line) <= COLUMNS_MAX else line[: COLUMNS_MAX - 1] + "…" for line in lines]
    width, height = int(max(map(len, shown)) * COLUMN_PX) + 32, (len(shown) + 1) * LINE_PX + 16
    texts = [f'<text x="16" y="{(at + 1) * LINE_PX + 12}">{escape(line)}</text>' for at, line in enumerate(shown)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
    return "\n".join([head, f"<style>{STYLE}</style>", f'<rect width="{width}" height="{height}" rx="8"/>', *texts, "</svg>\n"])


def photograph() -> None:
    """Writes the audit's page as PNG, light and dark."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM.found(), args=["--no-sandbox", "--disable-gpu"])
        for scheme in ("light", "dark"):
            tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme)  # type: ignore[arg-type]
            tab.goto(PAGE.as_uri())
            tab.screenshot(path=IMAGES / f"audit-{scheme}.png")
        browser.close()


def picture_of_a_day() -> str:
    """The dashboard at the end of a day, as an SVG."""
    with Stack("pictures") as stack:
        stack.deploy(SETTINGS)
        day = Day(stack)
        day.run()
        return dashboard.drawn(day)


def main() -> None:
    """Makes all pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    (IMAGES / "overview.svg").write_text(diagram.drawn())
    (IMAGES / "dashboard.svg").write_text(picture_of_a_day())
    (IMAGES / "try.svg").write_text(terminal(run_demo()))
    photograph()


if __name__ == "__main__":
    run_program(main)
