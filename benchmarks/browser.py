"""What a visitor sees: headless Chromium on a page, and when its picture changes."""

import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, sync_playwright
from playwright.sync_api import TimeoutError as NotShown

FLAGS: Final = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SECONDS: Final = 180
LAST: Final = """() => {
  const viewer = document.querySelector('.st-key-pictures [data-testid=stBidiComponentIsolated]')?.shadowRoot;
  const images = document.querySelectorAll('[data-testid="stImage"] img');
  return viewer?.querySelector('.viewer')?.dataset.drawn ?? images[images.length - 1]?.getAttribute('src') ?? null;
}"""
"""What the Explain page's viewer has drawn; on the naive page the last picture."""
CHANGED: Final = f"before => {{ const now = ({LAST})(); return now && now !== before; }}"
APPEARS: Final = 2000
"""Milliseconds in which the page says that it tests a new heatmap, if it does."""
TESTING: Final = re.compile(r"Testing \d+ of \d+$")
UNFINISHED: Final = "hourglass_empty"
"""The icon of a test without an outcome."""
VERDICT: Final = "text=/(Supported|Not supported|Withheld)$/"


@contextmanager
def opened() -> Iterator[Page]:
    """An empty page of a fresh browser."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.set_default_timeout(SECONDS * 1000)
        yield page
        browser.close()


def until_changed(page: Page, act: Callable[[], object]) -> float:
    """Seconds from the start of `act` to another last picture on the screen."""
    before = page.evaluate(LAST)
    start = time.perf_counter()
    act()
    page.wait_for_function(CHANGED, arg=before, polling=10)
    return time.perf_counter() - start


def first_picture(page: Page, address: str) -> float:
    """Seconds from the visit of a page to its first heatmap on the screen."""
    start = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.wait_for_function(CHANGED, arg=None, polling=10)
    return time.perf_counter() - start


def until_verdict(page: Page) -> float:
    """Seconds until the verdict on the heatmap that is on the screen is there too; none where it ships."""
    start = time.perf_counter()
    with suppress(NotShown):  # the verdict on the picture before may still be there for a moment
        page.get_by_text(TESTING).first.wait_for(timeout=APPEARS)
    page.get_by_text(TESTING).first.wait_for(state="hidden")
    page.locator(VERDICT).first.wait_for()
    return time.perf_counter() - start


def until_all_tests(page: Page) -> float:
    """Seconds until every trust test of the heatmap has its outcome, those that only inform included."""
    start = time.perf_counter()
    page.wait_for_function(f"!document.body.innerText.includes({UNFINISHED!r})", polling=10)
    return time.perf_counter() - start


def upload(page: Page, file: Path) -> float:
    """Seconds from giving a file to the page to its heatmap on the screen."""
    return until_changed(page, lambda: page.set_input_files("input[type=file]", file))
