"""How long after a control's change the picture on the screen has changed, beside the Plotly figure that was there before.

    python -m benchmarks.viewer [--repeat 40] [--clicks 16] [--out benchmarks/results/viewer.json]

An image of 1,000 x 1,000 pixels with a heatmap, in headless Chromium with software rendering. A change of opacity counts
from the event until the frame after its pixels were read back. In the running dashboard: a click on a class computed before,
from the browser's event until the frame after its map was drawn, so that the time of the tool that clicks is left out,
beside the same on a page that has one box and two pictures (`bare_page.py`). Needs Chromium and playwright; Linux only.
"""

import argparse
import base64
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import cv2
import numpy as np
import plotly.graph_objects as go
from playwright.sync_api import Page
from plotly.offline import get_plotlyjs
from plotly.subplots import make_subplots

from benchmarks import browser
from benchmarks.images import noisy_samples
from benchmarks.server import served
from benchmarks.surroundings import Row, arguments_of, finish, machine, spread
from covid_model.explain.explanation import Explanation
from covid_model.explain.overlay import heat
from covid_model.images.lung_region import Box
from covid_model.images.read import read_image
from covid_model.images.window import displayed
from covid_model.images.xray_image import XrayImage
from covid_model.viewer.look import Look
from covid_model.viewer.payload import Panel, described, encoded_pixels, payload
from covid_model.viewer.script import script, style

SIDE: Final = 1000
SENT: Final = 900
"""Longest side of a picture that the former figure sent."""
LOOKS: Final = (0.3, 0.8)
NEXT: Final = "const next = () => new Promise(requestAnimationFrame);"
TURN: Final = (
    """async (repeat) => {
  const root = document.querySelector('.viewer'), gl = root.querySelector('canvas').getContext('webgl2');
  const input = root.querySelector('input[type=range]'), pixel = new Uint8Array(4), times = [];"""
    + NEXT
    + """
  for (let turn = 0; turn < repeat; turn++) {
    await next();
    const before = root.dataset.frames, start = performance.now();
    input.value = turn % 2 ? 0.3 : 0.8;
    input.dispatchEvent(new Event('input'));
    while (root.dataset.frames === before) await next();
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
    const drawn = performance.now() - start;
    await next();
    times.push([drawn / 1000, (performance.now() - start) / 1000]);
  }
  return times;
}"""
)
PEER: Final = (
    """async (repeat) => {
  const place = document.querySelector('#peer'), times = [];
  const figures = JSON.parse(document.querySelector('#figures').textContent);"""
    + NEXT
    + """
  await Plotly.newPlot(place, figures[0]);
  await next();
  for (let turn = 0; turn < repeat; turn++) {
    const start = performance.now();
    await Plotly.react(place, figures[(turn + 1) % 2]);
    await Promise.all([...place.querySelectorAll('image')].map((image) => image.decode ? image.decode().catch(() => 0) : 0));
    await next();
    await next();
    times.push((performance.now() - start) / 1000);
  }
  return times;
}"""
)


CLICKED: Final = """() => {
  const viewer = document.querySelector('.st-key-pictures [data-testid=stBidiComponentIsolated]').shadowRoot
    .querySelector('.viewer');
  window.classTimes = [];
  addEventListener('click', (event) => { window.clicked = event.timeStamp; }, true);
  let last = viewer.dataset.drawn;
  new MutationObserver(() => {
    if (viewer.dataset.drawn === last) return;
    last = viewer.dataset.drawn;
    requestAnimationFrame(() => window.classTimes.push((performance.now() - window.clicked) / 1000));
  }).observe(viewer, {attributes: true, attributeFilter: ['data-drawn']});
}"""
"""From the click until the frame after the viewer has drawn another map."""
BARE_CLICKED: Final = """() => {
  window.classTimes = [];
  addEventListener('click', (event) => { window.clicked = event.timeStamp; }, true);
  document.addEventListener('load', ({target}) => target.tagName === 'IMG' && requestAnimationFrame(
    () => window.classTimes.push((performance.now() - window.clicked) / 1000)), true);
}"""
"""From the click until the frame after another picture has loaded."""
BARE: Final = "benchmarks/bare_page.py"


def sample() -> tuple[XrayImage, Explanation]:
    """A noisy image and a map of 7 x 7 cells over it."""
    with TemporaryDirectory() as folder:
        image = read_image(noisy_samples(Path(folder), 1, SIDE)[0].read_bytes())
    raw = np.random.default_rng(0).random((7, 7), np.float32)
    heatmap = np.asarray(cv2.resize(raw, image.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
    facts: tuple[Any, ...] = (
        "gradcam",
        "COVID-19",
        "top",
        0,
        {},
        {},
        ("a",),
        (0.0,),
        {"a": 1.0},
        "m",
        "1" * 64,
        image.digest,
        0.1,
    )
    return image, Explanation(raw, heatmap, *facts)


def viewer_page(image: XrayImage, found: Explanation, *, panels: int, width: int) -> str:
    """A page with the viewer, as in the report."""
    pixels = encoded_pixels(image)
    sent = described(image, pixels) | {"data": base64.b64encode(pixels.data).decode()}
    both = [Panel("Image", "", image), Panel("Map", "", image, explanation=found, box=Box(0, 0, *image.shape))][-panels:]
    data = json.dumps(payload(both, lambda _: sent, look=Look(), label=""))
    return (
        f"<!doctype html><style>body{{margin:0;width:{width}px}}{style()}</style><p id='stills'></p>"
        f"<div class='viewer' data-source='data' data-stills='stills'></div>"
        f"<script type='application/json' id='data'>{data}</script><script>{{{script('report')}}}</script>"
    )


def former_figure(image: XrayImage, found: Explanation, opacity: float) -> dict[str, Any]:
    """The Plotly figure that showed image and heatmap before: two pictures, an invisible map of values under the pointer."""
    small = (SENT, SENT)
    grey = cv2.resize(displayed(image.pixels), small, interpolation=cv2.INTER_AREA)
    colours = heat(np.asarray(cv2.resize(found.heatmap, (480, 480)), np.float32), opacity, "inferno")
    jpeg = base64.b64encode(cv2.imencode(".jpg", grey)[1].tobytes()).decode()
    png = base64.b64encode(cv2.imencode(".png", cv2.cvtColor(colours, cv2.COLOR_RGBA2BGRA))[1].tobytes()).decode()
    figure = make_subplots(1, 2, shared_xaxes="all", shared_yaxes="all", horizontal_spacing=0.02)
    values = cv2.resize(found.heatmap, (128, 128))
    hover = go.Heatmap(z=values, customdata=values[..., None], dx=SIDE / 128, dy=SIDE / 128, opacity=0, showscale=False)
    placed = {"y": 0, "sizex": SIDE, "sizey": SIDE, "yanchor": "top", "sizing": "stretch", "layer": "below"}
    for column in (1, 2):
        figure.add_layout_image(source=f"data:image/jpeg;base64,{jpeg}", x=0, **placed, row=1, col=column)
        figure.add_trace(hover, row=1, col=column)
    figure.add_layout_image(source=f"data:image/png;base64,{png}", x=SIDE, xanchor="right", **placed, row=1, col=2)
    figure.update_xaxes(range=[0, SIDE], visible=False, constrain="domain")
    figure.update_yaxes(range=[SIDE, 0], visible=False, scaleanchor="x")
    figure.update_layout(height=460, width=1000, uirevision="image", margin={"l": 0, "r": 0, "t": 30, "b": 0})
    drawn: dict[str, Any] = json.loads(figure.to_json())
    return drawn


def changes(page: Page, html: str, width: int, height: int, repeat: int, *, full: bool = False) -> Row:
    """Seconds from a change of opacity until its pixels are there, and until the next frame."""
    page.set_viewport_size({"width": width, "height": height})
    page.set_content(html)
    page.wait_for_selector(".viewer[data-frames]")
    if full:
        page.get_by_role("button", name="Full screen").click()
        page.wait_for_timeout(500)
    times = page.evaluate(TURN, repeat)[3:]
    frame = page.locator(".frame").last.bounding_box()
    size = [round(frame["width"]), round(frame["height"])] if frame else []
    return {"panel": size, "drawn": spread(one for one, _ in times), "next_frame": spread(two for _, two in times)}


def peer(page: Page, image: XrayImage, found: Explanation, repeat: int) -> Row:
    """Seconds of a redraw of the former figure, without the server's time."""
    figures = json.dumps([former_figure(image, found, opacity) for opacity in LOOKS]).replace("<", "\\u003c")
    page.set_viewport_size({"width": 1440, "height": 1000})
    page.set_content(
        f"<!doctype html><script>{get_plotlyjs()}</script><div id='peer'></div>"
        f"<script type='application/json' id='figures'>{figures}</script>"
    )
    return spread(page.evaluate(PEER, repeat)[1:])


def class_clicks(page: Page, address: str, clicks: int, watch: str) -> Row:
    """Seconds from a click on a class computed before until its map or picture is there. watch: the script that times it."""
    page.set_viewport_size({"width": 1440, "height": 1000})
    page.goto(f"{address}/?panel=Export")
    page.wait_for_function(browser.CHANGED, arg=None, polling=10)
    page.wait_for_timeout(3000)
    page.evaluate(watch)
    for name in ("Normal", "Pneumonia", *("Normal", "Pneumonia") * (clicks // 2)):
        page.get_by_role("combobox", name="Class to explain").click()
        option = page.get_by_role("option", name=name, exact=True)
        option.wait_for()
        option.click()
        page.wait_for_timeout(1000)
    return spread(page.evaluate("window.classTimes")[2:])


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="waiting times of the image viewer")
    parser.add_argument("--repeat", type=int, default=40, help="changes of a control, default: %(default)s")
    parser.add_argument("--clicks", type=int, default=16, help="clicks on a class, default: %(default)s")
    arguments = arguments_of(parser, "viewer")
    report: Row = {**machine(), "repeat": arguments.repeat, "pixels": [SIDE, SIDE]}
    image, found = sample()
    start = time.perf_counter()
    encoded_pixels(image)
    report["encoding_s"] = time.perf_counter() - start
    with browser.opened() as page:
        side = viewer_page(image, found, panels=2, width=1440)
        report["side by side"] = changes(page, side, 1440, 1000, arguments.repeat)
        one = viewer_page(image, found, panels=1, width=SIDE)
        report["one panel"] = changes(page, one, SIDE + 30, SIDE + 265, arguments.repeat, full=True)
        report["former figure"] = peer(page, image, found, max(6, arguments.repeat // 4))
        for script, watch in {"streamlit_app.py": CLICKED, BARE: BARE_CLICKED}.items():
            with TemporaryDirectory() as folder, served(script, Path(folder)) as server:
                report["class seen before" if script != BARE else "bare page"] = class_clicks(
                    page, server.address, arguments.clicks, watch
                )
    return finish(report, arguments.out)


if __name__ == "__main__":
    raise SystemExit(main())
