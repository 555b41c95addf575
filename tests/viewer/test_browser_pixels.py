"""The viewer by itself in a real browser: its pixels are those of Python's overlay, its values those of image and map."""

from dataclasses import replace

import numpy as np
import pytest
from viewing import BOX, IN_BROWSER, SIGNED, agree, drawn_image, explained, pair

from covid_model.explain.scale import scale_top
from covid_model.viewer.look import Look
from covid_model.viewer.payload import Panel, still

pytestmark = IN_BROWSER


@pytest.mark.parametrize(
    ("bits", "method", "cells", "look"),
    [
        (16, "gradcam", 7, Look()),
        (8, "gradcam", 224, Look(opacity=1.0, cmap="viridis")),
        (16, SIGNED, 7, Look(opacity=0.8, invert=True)),
        (16, "gradcam", 7, Look(cmap="jet", window=(0.5, 0.52))),
        (8, "gradcam", 3, Look(opacity=0.0, window=(0.2, 0.9))),
    ],
)
def test_the_pixels_are_those_of_the_overlay_that_python_draws(show, bits: int, method: str, cells: int, look: Look) -> None:
    image = drawn_image(bits)
    shown = show(pair(image, explained(image, method, cells)), look)
    for index, panel in enumerate(shown.panels):
        agree(shown.pixels(index), still(panel, look))


def test_a_card_that_cannot_filter_floats_shows_the_same(show) -> None:
    image, look = drawn_image(), Look(opacity=0.8)
    shown = show(pair(image, explained(image)), look, first="WebGL2RenderingContext.prototype.getExtension = () => null;")
    for index, panel in enumerate(shown.panels):
        agree(shown.pixels(index), still(panel, look))


def test_a_map_of_zeros_and_one_on_another_scale(show) -> None:
    image = drawn_image()
    found = explained(image)
    none = replace(found, layer_map=found.layer_map * 0, heatmap=found.heatmap * 0, target="none")
    panels = [
        Panel("none", "a", image, explanation=none, box=BOX),
        Panel("half", "b", image, explanation=found, box=BOX, top=0.02),
    ]
    shown = show(panels)
    for index, panel in enumerate(panels):
        agree(shown.pixels(index), still(panel, Look()))


def test_the_threshold_hides_low_values_and_only_those(show) -> None:
    image = drawn_image()
    shown = show(pair(image, explained(image)))
    full = shown.pixels(1)
    shown.page.get_by_label("Hide below").fill("0.5")
    shown.until(threshold=0.5)
    cut, plain = shown.pixels(1), shown.pixels(0)
    found = shown.panels[1].explanation.heatmap
    share = found / scale_top(found)
    np.testing.assert_array_equal(cut[share < 0.49], plain[share < 0.49])
    np.testing.assert_array_equal(cut[share > 0.51], full[share > 0.51])


def test_dragging_with_the_right_button_sets_the_window(show) -> None:
    image = drawn_image()
    shown = show(pair(image, explained(image)))
    area = shown.page.locator(".frame").first.bounding_box()
    shown.page.mouse.move(area["x"] + 200, area["y"] + 100)
    shown.page.mouse.down(button="right")
    shown.page.mouse.move(area["x"] + 120, area["y"] + 100, steps=5)
    shown.page.mouse.up(button="right")
    shown.until(window=[0.1, 0.9])
    agree(shown.pixels(0), still(shown.panels[0], Look(window=(0.1, 0.9))))


def test_value_and_place_under_the_pointer(show) -> None:
    image = drawn_image()
    shown = show(pair(image, explained(image)))
    area = shown.page.locator(".frame").nth(1).bounding_box()
    shown.page.mouse.move(area["x"] + 200.5, area["y"] + 100.5)
    shown.page.get_by_text("Column 200, row 100").wait_for()
    text = shown.page.locator(".readout").inner_text()
    assert "(50.1 mm, 50.3 mm)" in text
    assert float(text.split("Image value ")[1].rstrip(".")) == pytest.approx(image.pixels[100, 200], abs=1e-4)
    value = float(shown.page.locator(".bar output").inner_text())
    assert value == pytest.approx(shown.panels[1].explanation.heatmap[100, 200], rel=0.01)


def test_stills_stay_where_webgl_is_missing(browser, show) -> None:
    image = drawn_image()
    shown = show(pair(image, explained(image)))
    assert "replaced" in shown.page.locator("#stills").get_attribute("class")
    html = shown.page.content()
    page = browser.new_page()
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    page.goto("about:blank")
    page.set_content(html.replace(' class="replaced"', ""))
    page.get_by_text("This browser has no WebGL2.").wait_for()
    assert page.get_by_text("stills", exact=True).is_visible()
    page.close()
