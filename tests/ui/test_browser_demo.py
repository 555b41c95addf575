"""The demo data set in a real browser, up to a training: open it, look at it, check it, train on it and watch."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import CHROMIUM, quiet, served

from covid_model.data.demo.write import write_demo
from covid_model.settings import MANIFEST, MODELS, RUNS, SAMPLES, THUMBNAILS

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium on this machine: install Debian's `chromium` to run the journey"
    ),
]


IMAGES = 60


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app on a machine with nothing but a small demo set: no manifest, no runs, no models."""
    folder: Path = tmp_path_factory.mktemp("fresh")
    write_demo(folder / "demo", images=IMAGES)
    names = {MANIFEST: "manifest.parquet", RUNS: "runs", MODELS: "models", SAMPLES: "samples", THUMBNAILS: "thumbnails"}
    with served({setting.variable: str(folder / name) for setting, name in names.items()}) as found:
        yield found


def test_the_demo_set_is_opened_looked_at_checked_and_trained_on(page, address: str) -> None:
    page.goto(f"{address}/dataset")
    page.get_by_role("button", name="Open the demo data set").click()
    page.get_by_text(f"{IMAGES} images").first.wait_for()
    quiet(page)

    page.locator("[class*=st-key-thumb_grid_0]").click()  # the picture itself, over which the button is
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(f"1 of {IMAGES}").wait_for()
    dialog.locator(".viewer[data-frames]").wait_for()
    dialog.get_by_role("button", name="Next").click()
    dialog.get_by_text(f"2 of {IMAGES}").wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    quiet(page)

    page.get_by_role("tab", name="Quality").click()
    page.get_by_role("combobox", name="Show").click()
    page.get_by_role("option", name="Same file twice").click()
    page.get_by_role("button", name=re.compile(r"Leave \d+ out of the next manifest")).click()
    page.get_by_text(re.compile(r"\d+ images are to be left out\.")).wait_for()

    page.get_by_role("link", name="Training").first.click()
    page.get_by_role("button", name="Start a training run").click()
    page.get_by_role("combobox", name="Model").fill("Steveroger")
    page.get_by_role("option", name="Steveroger's small CNN").click()
    quiet(page)
    page.get_by_role("spinbutton", name="Epochs of the whole network").fill("1")
    page.get_by_role("textbox", name="Run name").fill("demo")
    page.get_by_role("button", name="Start training").click()
    page.get_by_role("heading", name="demo").wait_for()
    page.locator(".stMarkdownBadge", has_text="finished").wait_for()
    page.get_by_text("1 of 1").wait_for()
    page.get_by_text("What the model looks at").wait_for()
