"""What the tests of the viewer in a browser share: drawn images and maps, and a page with one viewer."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import pytest
from browsing import CHROMIUM, is_fault
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page

from covid_model.explain.explanation import Explanation
from covid_model.explain.methods import METHODS
from covid_model.images.lung_region import Box
from covid_model.images.preprocess import ModelInput
from covid_model.images.xray_image import XrayImage
from covid_model.viewer.look import Look
from covid_model.viewer.payload import Panel, described, encoded_pixels, payload
from covid_model.viewer.script import script, style

IN_BROWSER = [
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


def pair(image: XrayImage, found: Explanation, **more: Any) -> list[Panel]:
    return [Panel("Image", "the image", image, **more), Panel("Map", "the map", image, explanation=found, box=BOX, **more)]


def agree(found: NDArray[np.uint8], expected: NDArray[np.uint8]) -> None:
    """Equal, but for a few values between two steps: one step of grey, or one entry of the colour table."""
    assert found.shape == expected.shape
    apart = np.abs(found.astype(int) - expected.astype(int))
    assert apart.max() <= 4
    assert (apart > 1).mean() < 0.001
    assert (apart > 0).mean() < 0.02


@contextmanager
def viewers(browser: Browser) -> Iterator[Callable[..., Shown]]:
    """A function that opens a viewer of some panels on a page of its own; afterwards no page may have had an error."""
    errors: list[str] = []
    pages: list[Page] = []

    def open_viewer(
        panels: list[Panel], look: Look = LOOK, width: int = SIDE_BY_SIDE, first: str = "", **context: Any
    ) -> Shown:
        page = browser.new_context(viewport={"width": max(width, 320), "height": 900}, **context).new_page()
        pages.append(page)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if is_fault(message) else None)
        page.set_content(viewer_page(panels, look, width, first))
        page.wait_for_selector(".viewer[data-frames]")
        return Shown(page, panels)

    yield open_viewer
    for page in pages:
        page.context.close()
    assert not errors, errors


def viewer_page(panels: list[Panel], look: Look, width: int, first: str) -> str:
    """A page as in a report, `width` pixels wide and higher than a screen. first: a script that runs before the viewer's."""

    def source(image: XrayImage) -> dict[str, Any]:
        pixels = encoded_pixels(image)
        return described(image, pixels) | {"data": base64.b64encode(pixels.data).decode()}

    data = json.dumps(payload(panels, source, look=look, label="both")).replace("<", "\\u003c")
    return (
        f"<!doctype html><style>body{{margin:0;width:{width}px}}{style()}</style>"
        f"<div class='viewer' data-source='data' data-stills='stills'></div><p id='stills'>stills</p>"
        f"<p style='height:3000px'>below</p><script>{first}</script>"
        f"<script type='application/json' id='data'>{data}</script>"
        f"<script>{{{script('report')}}}</script>"
    )
