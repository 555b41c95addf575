"""Take the pictures of the documentation from the running app: `python docs/screenshots.py http://127.0.0.1:8501`.

Only the drawn film is shown; no picture of a patient enters the project. Needs Chromium and playwright.
"""

import shutil
import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, sync_playwright

FOLDER: Final = Path(__file__).parent
SIZES: Final = {"explain": (1440, 1000), "explain-phone": (390, 844)}


def shoot(page: Page, address: str, name: str) -> None:
    """Open the Explain page, wait for its heatmap, and write one picture."""
    page.goto(f"{address}/?film=phantom-hazy")
    page.wait_for_selector(".st-key-pictures .imagelayer image", timeout=120_000)
    page.wait_for_timeout(2500)
    page.screenshot(path=FOLDER / f"{name}.png")


def main(address: str) -> None:
    """Every size in light and dark."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, (width, height) in SIZES.items():
            for scheme in ("light", "dark"):
                context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
                shoot(context.new_page(), address.rstrip("/"), f"{name}-{scheme}")
                context.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
