"""The viewer by itself in a real browser: its pixels are those of Python's overlay, and every control does what it says."""

import base64
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import cv2
import numpy as np
import pytest
from browsing import CHROMIUM, FLAGS, is_fault
from numpy.typing import NDArray
from playwright.sync_api import Page, sync_playwright

from covid_model.explain.explanation import Explanation
from covid_model.explain.methods import METHODS
from covid_model.explain.scale import scale_top
from covid_model.images.lung_region import Box
from covid_model.images.preprocess import ModelInput
from covid_model.images.xray_image import XrayImage
from covid_model.viewer.look import Look
from covid_model.viewer.payload import Panel, described, encoded_pixels, payload, still
from covid_model.viewer.script import script, style

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium on this machine: install Debian's `chromium` to run the viewer"
    ),
]
SIGNED = next(key for key, row in METHODS.items() if row.signed)
RANDOM = np.random.default_rng(0)
HEIGHT, WIDTH = 300, 400
LOOK = Look()
SIDE_BY_SIDE = 2 * WIDTH + 12
"""Width of the page at which two panels show one image pixel on one screen pixel."""
BOX = Box(30, 50, 260, 370)
READ = """index => {
  const root = document.querySelector('.viewer'), canvas = root.querySelector('canvas');
  const stage = canvas.getBoundingClientRect();
  const frame = [...root.querySelectorAll('figure:not([hidden]) .frame')][index].getBoundingClientRect();
  const gl = canvas.getContext('webgl2'), width = Math.round(frame.width), height = Math.round(frame.height);
  const pixels = new Uint8Array(4 * width * height);
  const bottom = canvas.height - Math.round(frame.top - stage.top) - height;
  gl.readPixels(Math.round(frame.left - stage.left), bottom, width, height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
  let text = '';
  for (let at = 0; at < pixels.length; at += 8192) text += String.fromCharCode(...pixels.subarray(at, at + 8192));
  return [width, height, btoa(text)];
}"""


def drawn_image(bits: int = 16) -> XrayImage:
    smooth = cv2.GaussianBlur(RANDOM.random((HEIGHT, WIDTH)), (0, 0), 5)
    scaled = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    steps = 2**bits - 1
    return XrayImage((np.rint(scaled * steps) / steps).astype(np.float32), f"{bits}" * 32, "array", spacing_mm=(0.5, 0.25))


def explained(image: XrayImage, method: str = "gradcam", cells: int = 7) -> Explanation:
    raw = RANDOM.random((cells, cells), np.float32) * 0.01
    if METHODS[method].signed:
        raw -= 0.005
    heatmap = ModelInput(np.zeros((1, 1, 1), np.float32), BOX, image.shape).to_image(raw)
    facts = ("COVID-19", "top", 0, {}, {}, ("a",), (0.0,), {"a": 1.0}, "m", "1" * 64, image.digest, 0.1)
    return Explanation(raw, heatmap, method, *facts)


@dataclass
class Shown:
    """A page with one viewer of two panels."""

    page: Page
    panels: list[Panel]

    def frames(self) -> int:
        return int(self.page.locator(".viewer").get_attribute("data-frames") or 0)

    def look(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.page.locator(".viewer").get_attribute("data-look") or "{}")
        return found

    def until(self, **wanted: Any) -> None:
        """Wait until the canvas shows a look with these values."""
        self.page.wait_for_function(
            "wanted => { const found = JSON.parse(document.querySelector('.viewer').dataset.look);"
            " const same = (name) => JSON.stringify(found[name]) === JSON.stringify(wanted[name]);"
            " return Object.keys(wanted).every(same); }",
            arg=wanted,
        )

    def until_mode(self, mode: str) -> None:
        self.page.wait_for_selector(f".viewer[data-mode={mode}]")

    def pixels(self, index: int) -> NDArray[np.uint8]:
        """What is drawn in the visible panel `index`, (H, W, 3)."""
        width, height, text = self.page.evaluate(READ, index)
        return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)[::-1, :, :3]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_playwright() as play:
        yield play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


@pytest.fixture
def show(browser: Any) -> Iterator[Any]:
    errors: list[str] = []
    pages: list[Page] = []

    def open_viewer(
        panels: list[Panel], look: Look = LOOK, width: int = SIDE_BY_SIDE, first: str = "", **context: Any
    ) -> Shown:
        page = browser.new_context(viewport={"width": max(width, 320), "height": 900}, **context).new_page()
        pages.append(page)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if is_fault(message) else None)

        def source(image: XrayImage) -> dict[str, Any]:
            pixels = encoded_pixels(image)
            return described(image, pixels) | {"data": base64.b64encode(pixels.data).decode()}

        data = json.dumps(payload(panels, source, look=look, label="both")).replace("<", "\\u003c")
        page.set_content(
            f"<!doctype html><style>body{{margin:0;width:{width}px}}{style()}</style>"
            f"<div class='viewer' data-source='data' data-stills='stills'></div><p id='stills'>stills</p>"
            f"<p style='height:3000px'>below</p><script>{first}</script>"
            f"<script type='application/json' id='data'>{data}</script>"
            f"<script>{{{script('report')}}}</script>"
        )
        page.wait_for_selector(".viewer[data-frames]")
        return Shown(page, panels)

    yield open_viewer
    for page in pages:
        page.context.close()
    assert not errors, errors


def pair(image: XrayImage, found: Explanation, **more: Any) -> list[Panel]:
    return [Panel("Image", "the image", image, **more), Panel("Map", "the map", image, explanation=found, box=BOX, **more)]


def agree(found: NDArray[np.uint8], expected: NDArray[np.uint8]) -> None:
    """Equal, but for a few values between two steps: one step of grey, or one entry of the colour table."""
    assert found.shape == expected.shape
    apart = np.abs(found.astype(int) - expected.astype(int))
    assert apart.max() <= 4
    assert (apart > 1).mean() < 0.001
    assert (apart > 0).mean() < 0.02


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


KEYS = [
    ("]", {"opacity": 0.65}),
    ("[", {"opacity": 0.55}),
    (".", {"threshold": 0.05}),
    ("c", {"cmap": "viridis"}),
    ("i", {"invert": True}),
    ("l", {"lungs": False}),
    ("k", {"lesions": False}),
    ("r", {"region": True}),
    ("Shift+ArrowLeft", {"window": [0.01, 0.99]}),
    ("+", {"zoom": [1.25, 0.5, 0.5]}),
]


@pytest.mark.parametrize(("key", "look"), KEYS)
def test_every_key_changes_the_look_in_one_drawn_frame(show, key: str, look: dict[str, Any]) -> None:
    image = drawn_image()
    mask = np.zeros(image.shape, bool)
    mask[50:100, 50:100] = True
    shown = show(pair(image, explained(image), lungs=mask, lesions=mask, region=mask))
    shown.page.locator(".stage").focus()
    before = shown.frames()
    shown.page.keyboard.press(key)
    shown.until(**look)
    assert shown.frames() == before + 1
    assert {**asdict(Look()), **look} == {
        name: tuple(value) if isinstance(value, list) and name not in look else value for name, value in shown.look().items()
    }
    shown.page.keyboard.press("0")
    shown.until(**{name: Look().json()[name] for name in look})


def test_layouts_by_keyboard_and_what_they_show(show) -> None:
    image = drawn_image()
    shown = show(pair(image, explained(image)))
    plain, over = shown.pixels(0), shown.pixels(1)
    shown.page.locator(".stage").focus()
    shown.page.keyboard.press("m")
    shown.until_mode("wipe")
    wiped = shown.pixels(0)
    middle = wiped.shape[1] // 2
    assert shown.page.locator("figure:not([hidden])").count() == 1
    assert (wiped[:, : middle - 1] == wiped[:, : middle - 1, :1]).all(), "left of the line the image is grey"
    assert (wiped[:, middle + 1 :].std(axis=-1) > 2).any(), "right of it the map has colours"
    before = shown.frames()
    shown.page.get_by_label("Wipe", exact=True).fill("0")
    shown.page.wait_for_selector(f".viewer:not([data-frames='{before}'])")
    assert (shown.pixels(0)[:, : middle - 1].std(axis=-1) > 2).any(), "the map is everywhere"
    shown.page.locator(".stage").focus()
    shown.page.keyboard.press("m")
    shown.until_mode("flicker")
    shown.page.keyboard.press("m")
    shown.until_mode("single")
    assert shown.page.locator("figure:not([hidden]) figcaption").inner_text() == "Map"
    shown.page.keyboard.press("n")
    shown.page.wait_for_selector(f".viewer[data-drawn='{image.digest}']")
    shown.page.keyboard.press("m")
    shown.until_mode("side")
    np.testing.assert_array_equal(shown.pixels(0), plain)
    np.testing.assert_array_equal(shown.pixels(1), over)


def test_zoom_and_place_are_the_same_in_every_panel_and_the_page_keeps_its_wheel(show) -> None:
    image = drawn_image()
    mask = np.zeros(image.shape, bool)
    mask[100:200, 100:200] = True
    shown = show(pair(image, explained(image), lungs=mask))
    area = shown.page.locator(".frame").first.bounding_box()
    x, y = area["x"] + 100, area["y"] + 100
    shown.page.mouse.move(x, y)
    shown.page.mouse.wheel(0, 200)
    shown.page.wait_for_function("scrollY > 100")
    assert shown.look()["zoom"] == [1, 0.5, 0.5]
    shown.page.evaluate("scrollTo(0, 0)")
    shown.page.keyboard.down("Control")
    shown.page.mouse.wheel(0, -60)
    shown.page.keyboard.up("Control")
    shown.page.wait_for_function("JSON.parse(document.querySelector('.viewer').dataset.look).zoom[0] > 1.5")
    assert shown.page.evaluate("scrollY") == 0
    zoomed, zoom = shown.pixels(0).astype(int), shown.look()["zoom"]
    corner = shown.page.locator(".lungs").evaluate_all(
        "all => all.map(e => { const r = e.getBoundingClientRect(); "
        "const f = e.closest('.frame').getBoundingClientRect(); return [r.left - f.left, r.top - f.top]; })"
    )
    assert corner[0] == pytest.approx(corner[1])
    assert corner[0][0] == pytest.approx(100 + 0.5 * shown.look()["zoom"][0], abs=1.5), "what is under the pointer stays"
    shown.page.mouse.down()
    shown.page.mouse.move(x + 40, y + 20, steps=4)
    shown.page.mouse.up()
    factor, across, down = zoom
    place = [round(across - 40 / factor / WIDTH, 4), round(down - 20 / factor / HEIGHT, 4)]
    shown.page.wait_for_function(
        "wanted => JSON.parse(document.querySelector('.viewer').dataset.look).zoom.slice(1)"
        ".every((value, index) => Math.abs(value - wanted[index]) < 0.001)",
        arg=place,
    )
    moved = shown.pixels(0).astype(int)
    assert np.abs(moved[20:, 40:] - zoomed[:-20, :-40]).max() <= 3, "the same, but for the rounding of the place"


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


def test_a_phone_shows_one_image_at_a_time_with_the_full_width(show) -> None:
    image = drawn_image()
    shown = show(pair(image, explained(image)), width=390, has_touch=True)
    shown.until_mode("single")
    assert shown.page.locator("figure:not([hidden]) figcaption").inner_text() == "Map"
    assert shown.page.locator("figure:not([hidden]) .frame").bounding_box()["width"] == 390
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= 390
    shown.page.get_by_role("button", name="Image", exact=True).click()
    shown.page.wait_for_selector(f".viewer[data-drawn='{image.digest}']")
    touch = shown.page.context.new_cdp_session(shown.page)
    box = shown.page.locator("figure:not([hidden]) .frame").bounding_box()
    place = {"x": box["x"] + 300, "y": box["y"] + 100}
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [place]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{**place, "x": place["x"] - 150}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    shown.page.wait_for_selector(".viewer[data-drawn*=gradcam]")


def test_two_fingers_zoom(show) -> None:
    image = drawn_image()
    shown = show(pair(image, explained(image)), width=390, has_touch=True)
    touch = shown.page.context.new_cdp_session(shown.page)
    box = shown.page.locator("figure:not([hidden]) .frame").bounding_box()
    x, y = box["x"] + 195, box["y"] + 140
    for kind, apart in (("touchStart", 50), ("touchMove", 75), ("touchMove", 100)):
        fingers = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    shown.page.wait_for_function("JSON.parse(document.querySelector('.viewer').dataset.look).zoom[0] > 1.5")
    assert shown.page.evaluate("scrollY") == 0


def test_every_control_has_a_name_and_titles_stay_text(show) -> None:
    image = drawn_image()
    title = "<img src=x onerror=alert(1)> **bold**"
    shown = show([Panel("Image", "the image", image), Panel(title, title, image, explanation=explained(image), box=BOX)])
    assert shown.page.locator("figcaption").nth(1).inner_text() == title
    assert shown.page.locator(".viewer img").count() == 0
    bare = shown.page.locator(".viewer :is(button, input, select)").evaluate_all(
        "all => all.filter(e => !(e.getAttribute('aria-label') || e.innerText || e.closest('label')?.innerText))"
        ".map(e => e.outerHTML)"
    )
    assert bare == []
    assert [frame.get_attribute("aria-label") for frame in shown.page.locator(".frame").all()] == ["the image", title]


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
