"""The image and its heatmap side by side, zoom locked together, raw values under the pointer."""

import base64
from typing import Any, Final, Literal

import cv2
import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from covid_model.explain.overlay import AGAINST, COLORMAPS, FOR, LUNG_COLOUR, heat, scale_top

LONGEST: Final = 900
"""Longest side of an image sent to the browser; larger ones make the page slow."""
LONGEST_MAP: Final = 480
"""The same of a heatmap, which is coarser: a map has no more cells along a side than its model's input, usually 224."""
WIDTH: Final = 430
"""Width of one panel in screen pixels on a usual screen, from which the figure's height follows."""
TALLEST: Final = 620
TITLE: Final = 30
HOVER: Final = 128
"""Longest side of the grid of values under the pointer; a heatmap cell is larger than that."""


GRID: Final = 40
"""Points along each side of an image that can be clicked."""


def image_figure(
    grey: NDArray[np.uint8],
    pixels: NDArray[np.float32],
    heatmap: NDArray[np.float32],
    *,
    opacity: float,
    colormap: str,
    signed: bool = False,
    top: float | None = None,
    outline: NDArray[np.bool_] | None = None,
    labels: tuple[str, str] = ("Image", "Heatmap"),
) -> go.Figure:
    """Two panels over the same axes, in image pixels: the image, and the image under the heatmap.

    grey: (H, W) uint8 as displayed. pixels, heatmap: (H, W) float32, the image's values in [0, 1] and the raw map, shown
    under the pointer. opacity in [0, 1]; colormap a key of COLORMAPS; signed, top as for `overlay.heat`; outline: (H, W)
    bool, drawn as a line where given.
    """
    rows, cols = grey.shape
    figure = make_subplots(1, 2, shared_xaxes="all", shared_yaxes="all", horizontal_spacing=0.02, subplot_titles=labels)
    end = scale_top(heatmap) if top is None else top
    shrunk = np.asarray(_shrunk(heatmap, LONGEST_MAP), np.float32)
    colours = heat(shrunk, opacity, colormap, signed=signed, top=end)
    hover = _hover(pixels, shrunk)
    image, overlay = _encoded(grey, ".jpg"), _encoded(colours, ".png")
    for column in (1, 2):
        figure.add_layout_image(_placed(image, rows, cols, "left"), row=1, col=column)
        figure.add_trace(hover, row=1, col=column)
        if outline is not None:
            figure.add_trace(_outline(outline), row=1, col=column)
    figure.add_layout_image(_placed(overlay, rows, cols, "right"), row=1, col=2)
    figure.add_trace(_colour_bar(end, None if signed else colormap), row=1, col=2)
    figure.update_xaxes(range=[0, cols], visible=False, constrain="domain")
    figure.update_yaxes(range=[rows, 0], visible=False, constrain="domain", constraintoward="top", scaleanchor="x")
    figure.update_layout(
        height=round(min(TALLEST, WIDTH * rows / cols)) + TITLE,
        margin={"l": 0, "r": 0, "t": TITLE, "b": 0},
        showlegend=False,
        dragmode="pan",
        uirevision="image",
        hoverlabel={"namelength": 0},
    )
    return figure


def selectable_image(grey: NDArray[np.uint8], region: tuple[float, float, float, float]) -> go.Figure:
    """One image (H, W) uint8 on axes from 0 to 1, with a rectangle (top, left, bottom, right) drawn on it.

    An invisible grid of points receives clicks and drawn boxes, since Plotly reports none for images.
    """
    rows, cols = grey.shape
    top, left, bottom, right = region
    down, across = np.mgrid[0.01 : 1 : GRID * 1j, 0.01 : 1 : GRID * 1j]
    points = go.Scattergl(
        x=across.ravel(), y=down.ravel(), mode="markers", marker={"opacity": 0, "size": 9}, hoverinfo="none"
    )
    figure = go.Figure(points)
    picture = _placed(_encoded(grey, ".jpg"), 1, 1, "left")
    figure.add_layout_image({**picture, "xref": "x", "yref": "y"})
    figure.add_shape(type="rect", x0=left, x1=right, y0=top, y1=bottom, line={"color": f"rgb{FOR}", "width": 2})
    figure.update_xaxes(range=[0, 1], visible=False, constrain="domain", fixedrange=True)
    figure.update_yaxes(range=[1, 0], visible=False, scaleanchor="x", scaleratio=rows / cols, fixedrange=True)
    figure.update_layout(
        height=round(min(TALLEST, WIDTH * rows / cols)), margin={"l": 0, "r": 0, "t": 0, "b": 0}, dragmode="select"
    )
    return figure


def _encoded(picture: NDArray[np.uint8], kind: str) -> str:
    """A picture as a data address, shrunk to what a screen shows. RGBA is turned to OpenCV's BGRA."""
    picture = np.asarray(_shrunk(picture, LONGEST), np.uint8)
    if picture.ndim == 3:
        picture = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA), np.uint8)
    options = [cv2.IMWRITE_JPEG_QUALITY, 92] if kind == ".jpg" else [cv2.IMWRITE_PNG_COMPRESSION, 3]
    content = base64.b64encode(cv2.imencode(kind, picture, options)[1].tobytes()).decode()
    return f"data:image/{'jpeg' if kind == '.jpg' else 'png'};base64,{content}"


def _shrunk(picture: NDArray[Any], longest: int) -> NDArray[Any]:
    """A picture or map (H, W, ...) whose longest side is at most `longest`."""
    scale = longest / max(picture.shape[:2])
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else picture


def _placed(source: str, rows: int, cols: int, side: Literal["left", "right"]) -> dict[str, Any]:
    """A layout image that covers the image's pixels, so that it zooms with the axes.

    Image and overlay are anchored at different sides: Plotly draws only one image of two with the same anchor and size.
    """
    return {
        "source": source,
        "x": 0 if side == "left" else cols,
        "y": 0,
        "sizex": cols,
        "sizey": rows,
        "xanchor": side,
        "yanchor": "top",
        "sizing": "stretch",
        "layer": "below",
    }


def _hover(pixels: NDArray[np.float32], heatmap: NDArray[np.float32]) -> go.Heatmap:
    """An invisible trace with the raw values, coarser than the image, as the map is."""
    rows, cols = pixels.shape
    scale = min(1.0, HOVER / max(rows, cols))
    size = (max(1, round(cols * scale)), max(1, round(rows * scale)))
    values = np.asarray(cv2.resize(heatmap, size, interpolation=cv2.INTER_AREA), np.float32)
    image = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.float32)
    return go.Heatmap(
        z=values,
        customdata=image[..., None],
        x0=cols / size[0] / 2,
        dx=cols / size[0],
        y0=rows / size[1] / 2,
        dy=rows / size[1],
        opacity=0,
        showscale=False,
        hovertemplate="map %{z:.4g}<br>image %{customdata[0]:.2f}<br>column %{x:.0f}, row %{y:.0f}",
    )


def _outline(mask: NDArray[np.bool_]) -> go.Scatter:
    """The lungs' outline as one line trace, with gaps between pieces."""
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    points = [np.array([[np.nan, np.nan]])]
    for piece in outlines:
        smooth = cv2.approxPolyDP(piece, max(mask.shape) / 600, True)[:, 0, :].astype(float)
        points += [smooth, smooth[:1], np.array([[np.nan, np.nan]])]
    line = np.concatenate(points)
    colour = f"rgb{LUNG_COLOUR}"
    return go.Scatter(x=line[:, 0], y=line[:, 1], mode="lines", line={"color": colour, "width": 1.5}, hoverinfo="skip")


def _colour_bar(top: float, colormap: str | None) -> go.Scatter:
    """A colour bar in the map's raw units, from 0, or from -top for signed maps (colormap None), to `top`."""
    top = top if top > 0 else 1.0
    marker = {
        "color": [0.0],
        "cmin": 0.0 if colormap else -top,
        "cmax": top,
        "colorscale": _colour_scale(colormap),
        "showscale": True,
        "size": 0.1,
        "colorbar": {"title": {"text": "raw map value", "side": "right"}, "thickness": 12, "len": 0.9, "tickformat": ".2g"},
    }
    return go.Scatter(x=[None], y=[None], mode="markers", marker=marker, hoverinfo="skip")


def _colour_scale(colormap: str | None) -> list[tuple[float, str]]:
    """The overlay's own colours as a Plotly scale. As rgb(): Streamlit's theme replaces some hexadecimal colours."""
    if colormap is None:
        return [(0.0, f"rgb{AGAINST}"), (0.5, "rgb(225,225,225)"), (1.0, f"rgb{FOR}")]
    ramp = np.linspace(0, 255, 33).round().astype(np.uint8)[None]
    colours = cv2.applyColorMap(ramp, COLORMAPS[colormap].code)[0, :, ::-1]
    return [(k / 32, f"rgb({red},{green},{blue})") for k, (red, green, blue) in enumerate(colours.tolist())]
