"""Take the pictures of the documentation from the running app: `python -m docs.screenshots http://127.0.0.1:8501`.

Start the app where no folder of images is, with COVID_XRAY_MANIFEST=demo/manifest.parquet as `python -m covid_model data
demo --out demo` draws it: only synthetic and drawn images are shown, no picture of a patient enters the project. Needs
Chromium and playwright.
"""

import shutil
import sys
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote

from playwright.sync_api import Page, sync_playwright

from covid_model.data.synthetic_samples import shipped_samples
from covid_model.trust.trust_tests import TRUST_TESTS
from docs.pages import test_file

FOLDER: Final = Path(__file__).parent


class Shot(NamedTuple):
    """A page in one state. ready: what is on it when it is complete."""

    place: str
    size: tuple[int, int]
    ready: str


IMAGE: Final = next(iter(shipped_samples()))
HEATMAP: Final = ".st-key-pictures .viewer[data-frames]"
CHART: Final = ".js-plotly-plot .main-svg"
SHOTS: Final = {
    "explain": Shot(f"/?image={IMAGE}", (1440, 1000), HEATMAP),
    "explain-phone": Shot(f"/?image={IMAGE}", (390, 844), HEATMAP),
    "compare": Shot(f"/compare?image={IMAGE}", (1440, 1000), ".viewer[data-frames]"),
    "tour": Shot("/tour", (1440, 1250), "[data-testid=stImage] img"),
    "dataset": Shot("/dataset", (1440, 1000), "[data-testid=stMain] img"),
    "training": Shot(f"/training?run={quote('recorded: lungs')}", (1440, 1250), CHART),
    "models": Shot("/models", (1440, 1000), CHART),
}


def shoot(page: Page, address: str, name: str, shot: Shot) -> None:
    """Open a page, wait until it is complete, and write one picture."""
    page.goto(f"{address}{shot.place}")
    page.locator(shot.ready).first.wait_for(timeout=120_000)
    page.wait_for_selector("[data-testid='stStatusWidget']", state="detached")
    page.wait_for_timeout(2500)
    page.screenshot(path=FOLDER / f"{name}.png")


def shoot_tests(page: Page, address: str) -> None:
    """What each trust test says of one image, with its images and charts."""
    page.goto(f"{address}/?image={IMAGE}")
    page.locator(HEATMAP).first.wait_for(timeout=120_000)
    for test in TRUST_TESTS.values():
        page.get_by_role("radio", name=test.question).click()
        opened = page.locator(".st-key-opened_test")
        opened.get_by_text(test.how[:40]).wait_for(timeout=60_000)
        page.wait_for_timeout(2500)
        opened.screenshot(path=test_file(test).with_suffix(".png"))


def main(address: str) -> None:
    """Every page in light and dark, and every trust test."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, shot in SHOTS.items():
            width, height = shot.size
            for scheme in ("light", "dark"):
                context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
                shoot(context.new_page(), address.rstrip("/"), f"{name}-{scheme}", shot)
                context.close()
        shoot_tests(browser.new_page(viewport={"width": 1100, "height": 1000}), address.rstrip("/"))
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
