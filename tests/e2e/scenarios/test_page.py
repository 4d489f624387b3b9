"""The audit's page in a real browser: it fits, its text has contrast, it fetches nothing and runs no script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from harness.accounts import ALLOWED, UNLISTED
from harness.actions import audit, await_state, create_endpoint, create_service, plant_drift, report, warden
from harness.stack import Stack
from tasks.prerequisites import CHROMIUM, in_ci

pytestmark = pytest.mark.skipif(not CHROMIUM.found() and not in_ci(), reason=f"needs {CHROMIUM}")

LONG_NAME = "redis-" + "of-a-team-that-likes-long-names-" * 7 + "<b>&amp;"
CONTRAST_MIN = 4.5  # WCAG 2.2, level AA, for text of any size

# The elements that exceed the window. SVG text is measured by its own box.
OVERFLOWING = """() => {
  const wide = document.documentElement.scrollWidth > window.innerWidth ? [`the page: ${document.documentElement.scrollWidth}`] : [];
  const out = [...document.querySelectorAll("main, main *")].filter(element => {
    const box = element.getBoundingClientRect();
    return box.width > 0 && getComputedStyle(element).position !== "absolute" && !element.closest("thead") && (box.right > window.innerWidth + 1 || box.left < -1);
  });
  return [...wide, ...out.map(element => `${element.tagName} ${element.className.baseVal ?? element.className}: ${element.textContent.slice(0, 40)}`)];
}"""

# The visible texts whose contrast with their background is below the minimum, by WCAG's formula.
FAINT = """(least) => {
  const parse = text => { const n = text.match(/[0-9.]+/g).map(Number); return n.length === 3 ? [...n, 1] : n; };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour[3] === 1) return colour;
      if (colour[3] > 0) throw new Error("a translucent background cannot be judged");
    }
    return [255, 255, 255, 1];
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.getClientRects().length || element.tagName === "title") continue;
    seen += 1;
    const style = getComputedStyle(element);
    const svg = element.closest("svg");
    const front = parse(svg ? style.fill : style.color);
    // The service's name is drawn on its node, the accounts on the page.
    const node = element.classList.contains("node-name") ? parse(getComputedStyle(svg.querySelector("rect.node")).fill) : null;
    const [a, b] = [light(front), light(node ?? behind(svg ?? element))].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < least) faint.push(`${contrast.toFixed(2)}: ${element.className.baseVal ?? element.className} "${walker.currentNode.textContent.trim().slice(0, 40)}"`);
  }
  if (seen < 30) throw new Error(`only ${seen} texts were judged`);
  return faint;
}"""


# The cells of ids, states and dates whose text takes more than one line.
BROKEN = """() => [...document.querySelectorAll("td:not(:last-child)")].filter(cell => {
  const text = document.createRange();
  text.selectNodeContents(cell);
  return text.getBoundingClientRect().height > 1.8 * parseFloat(getComputedStyle(cell).lineHeight);
}).map(cell => cell.textContent)"""


@pytest.fixture(scope="module")
def page(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of an audit with findings of every severity, and a service name with as many characters as a tag may have."""
    service = create_service(stack, [ALLOWED, UNLISTED], name=LONG_NAME[:255], notify=False)
    plain = create_service(stack, [ALLOWED, UNLISTED])
    await_state(stack, plain, create_endpoint(stack, ALLOWED, plain), "available")
    granted = create_endpoint(stack, UNLISTED, plain)
    warden(stack, "approve", granted, "--reason", "The pilot of the payments team runs until the end of the year, as agreed with its lead.", "--yes")
    await_state(stack, plain, granted, "available")
    plant_drift(stack, plain, ALLOWED, create_endpoint(stack, UNLISTED, plain))
    for _ in range(15):
        create_endpoint(stack, UNLISTED, service)
    file = tmp_path_factory.mktemp("audit") / "report.html"
    file.write_bytes(report(stack, audit(stack), "report.html"))
    return file


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's own Chromium: playwright downloads none."""
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
        launched = playwright.chromium.launch(executable_path=CHROMIUM.found(), args=options)
        yield launched
        launched.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 390, 768, 1280])
def test_page_fits_and_is_readable(browser: Browser, page: Path, width: int, scheme: str) -> None:
    tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    requests: list[str] = []
    tab.on("request", lambda request: requests.append(request.url))
    tab.goto(page.as_uri())
    tab.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    assert tab.locator("article.finding.critical").count() >= 1
    assert tab.evaluate(OVERFLOWING) == []
    assert tab.evaluate(FAINT, CONTRAST_MIN) == []
    assert tab.evaluate(BROKEN) == []
    assert requests == [page.as_uri()], "the page fetches nothing"
    assert len(tab.screenshot(full_page=True)) > 10_000
    tab.close()


def test_page_fits_on_paper(browser: Browser, page: Path) -> None:
    tab = browser.new_page(viewport={"width": 794, "height": 1123}, color_scheme="dark")
    tab.goto(page.as_uri())
    tab.emulate_media(media="print")
    assert tab.evaluate(OVERFLOWING) == []
    assert tab.evaluate(FAINT, CONTRAST_MIN) == [], "in dark mode the page prints dark text on white"
    tab.close()


def test_page_runs_no_script(browser: Browser, page: Path) -> None:
    """The page's content security policy stops a script even if the page contains one."""
    tab = browser.new_page()
    file = page.with_name("injected.html")
    file.write_text(page.read_text().replace("</main>", "<script>document.title = 'owned'</script><img src='http://127.0.0.1:9/x'></main>"))
    tab.goto(file.as_uri())
    assert tab.title() != "owned"
    tab.close()
