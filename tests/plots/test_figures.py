import base64

import cv2
import numpy as np
import pytest

from covid_model.plots.heatmap import LONGEST, image_figure
from covid_model.plots.probabilities import probability_figure

PIXELS = np.linspace(0, 1, 300 * 200, dtype=np.float32).reshape(300, 200)
GREY = np.round(PIXELS * 255).astype(np.uint8)
MAP = np.zeros((300, 200), np.float32)
MAP[100:200, 50:100] = 0.004


def figure(**options):
    return image_figure(GREY, PIXELS, MAP, **({"opacity": 0.5, "colormap": "inferno"} | options))


def picture(source: str) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(base64.b64decode(source.split(",")[1]), np.uint8), cv2.IMREAD_UNCHANGED)


def test_both_panels_zoom_together_with_square_pixels() -> None:
    layout = figure().layout
    assert layout.xaxis.matches == "x2" or layout.xaxis2.matches == "x"
    assert layout.yaxis.matches == "y2" or layout.yaxis2.matches == "y"
    assert layout.yaxis.scaleanchor == "x"
    assert layout.yaxis.range == (300, 0)
    assert layout.uirevision == "image"
    assert len(layout.images) == 3


def test_the_pointer_shows_raw_values_at_their_place() -> None:
    hover = figure().data[0]
    col, row = round((75 - hover.x0) / hover.dx), round((150 - hover.y0) / hover.dy)
    assert hover.z[row][col] == pytest.approx(0.004)
    assert hover.customdata[row][col][0] == pytest.approx(PIXELS[150, 75], abs=0.02)
    assert hover.z.max() == pytest.approx(0.004)


def test_the_colour_bar_is_in_raw_units() -> None:
    bar = figure().data[-1].marker
    assert (bar.cmin, bar.cmax) == (0.0, pytest.approx(0.004))


def test_opacity_and_a_zero_map() -> None:
    assert picture(figure(opacity=1.0).layout.images[2].source)[150, 75, 3] == 255
    assert picture(figure(opacity=0.25).layout.images[2].source)[150, 75, 3] == 64
    empty = image_figure(GREY, PIXELS, np.zeros_like(MAP), opacity=1.0, colormap="viridis")
    assert not picture(empty.layout.images[2].source)[..., 3].any()
    assert empty.data[-1].marker.cmax == 1.0


def test_the_outline_is_drawn_on_both_panels() -> None:
    lines = [trace for trace in figure(outline=MAP > 0).data if getattr(trace, "mode", "") == "lines"]
    assert len(lines) == 2
    assert np.nanmin(lines[0].x) == 50
    assert np.nanmax(lines[0].y) == 199


def test_large_images_are_sent_at_screen_size() -> None:
    large = cv2.resize(GREY, (2000, 3000))
    sent = image_figure(large, large / np.float32(255), np.ones((3000, 2000), np.float32), opacity=1, colormap="turbo")
    assert max(picture(sent.layout.images[0].source).shape) == LONGEST
    assert sent.layout.images[0].sizey == 3000
    assert len(sent.to_json()) < 1_500_000


def test_every_class_has_its_bar_and_operating_point() -> None:
    drawn = probability_figure({"a": 0.7, "b": 0.3}, {"a": {"specificity_0.95": 0.4}}, "a")
    bars, points = drawn.data
    assert list(zip(bars.y, bars.x, bars.text, strict=True)) == [("b", 0.3, "30.0%"), ("a", 0.7, "70.0%")]
    assert points.x == (None, 0.4)
    assert bars.marker.color[1] != bars.marker.color[0]
