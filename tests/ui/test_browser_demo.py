"""From nothing to a watched training in a real browser: draw the demo data set, look at it, check it, train on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import CHROMIUM, quiet, served

from covid_model.settings import MANIFEST, MODELS, RUNS, SAMPLES, THUMBNAILS

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium on this machine: install Debian's `chromium` to run the journey"
    ),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app on a fresh machine: no manifest, no runs, no models."""
    folder: Path = tmp_path_factory.mktemp("fresh")
    names = {MANIFEST: "manifest.parquet", RUNS: "runs", MODELS: "models", SAMPLES: "samples", THUMBNAILS: "thumbnails"}
    with served({setting.variable: str(folder / name) for setting, name in names.items()}) as found:
        yield found


def test_a_demo_set_is_drawn_looked_at_checked_and_trained_on(page, address: str) -> None:
    page.goto(f"{address}/dataset")
    quiet(page)
    page.get_by_role("button", name="Draw a demo data set").click()
    page.get_by_text("Drawing:").first.wait_for()
    page.get_by_text("600 images").first.wait_for(timeout=180_000)
    quiet(page)

    page.locator("[class*=st-key-thumb_grid_0]").click()  # the picture itself, over which the button is
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("1 of 600").wait_for()
    dialog.get_by_role("button", name="Next").click()
    dialog.get_by_text("2 of 600").wait_for()
    dialog.get_by_role("combobox", name="Tags").fill("to discuss")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    quiet(page)

    page.get_by_role("tab", name="Quality").click()
    page.get_by_role("combobox", name="Show").wait_for()
    page.get_by_role("combobox", name="Show").click()
    page.get_by_role("option", name="Same file twice").click()
    page.get_by_role("button", name="Leave 6 out of the next manifest").click()
    page.get_by_text("6 images are to be left out.").wait_for()

    page.get_by_role("link", name="Training").first.click()
    page.get_by_role("button", name="Start a training run").click()
    page.get_by_text("It runs 20 epochs, all of the whole network.").wait_for()
    page.get_by_role("textbox", name="Run name").fill("demo")
    page.get_by_role("button", name="Start training").click()
    page.get_by_text("Preparing images:").first.wait_for()
    page.get_by_text("of 20").first.wait_for()
    page.get_by_text("What the model looks at").wait_for()
    page.get_by_role("button", name="Stop after this step").click()
    page.get_by_text("Asked to stop; resume continues from the last whole epoch.").wait_for()
    page.get_by_role("button", name="Resume").wait_for()
