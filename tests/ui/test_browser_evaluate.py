"""The Evaluate page in a real browser: click a cell of the confusion matrix, open one of its images, go back."""

import re

import pytest
from browsing import CHROMIUM, quiet

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium on this machine: install Debian's `chromium` to run the journey"
    ),
]


def test_a_cell_is_clicked_one_of_its_images_opened_and_the_cell_is_there_again(page, address: str) -> None:
    page.goto(f"{address}/evaluate?report=drawn&part=Errors")
    matrix = page.locator(".st-key-confusion .nsewdrag").first
    matrix.wait_for()
    quiet(page)
    box = matrix.bounding_box()
    matrix.click(position={"x": box["width"] / 6, "y": box["height"] / 6})  # the first cell of three by three
    page.wait_for_url("**/evaluate?*cell=0-0*")
    quiet(page)
    chosen = page.get_by_role("combobox", name="Images of")
    assert re.match(r"COVID-19 called COVID-19: \d+ images", chosen.input_value() or chosen.inner_text())
    assert page.get_by_text("are not in the current manifest").is_visible()
    link = page.get_by_role("link", name="Explain").nth(1)  # the first is in the menu
    link.click()
    page.wait_for_url(re.compile(r"/\?image=image-"))
    page.get_by_text("Not explained.").wait_for()  # noise is no chest X-ray, and the input check says so
    page.get_by_text(re.compile(r"drawn · \d+\.png")).first.wait_for()
    page.go_back()  # Streamlit's links to a page with parameters leave an entry of their own between the two pages
    page.wait_for_url(re.compile("/evaluate"))
    quiet(page)
    page.go_back()
    page.wait_for_url("**/evaluate?*cell=0-0*")
    quiet(page)
    page.get_by_text("are not in the current manifest").wait_for()
    assert re.match(r"COVID-19 called COVID-19: \d+ images", chosen.input_value() or chosen.inner_text())
