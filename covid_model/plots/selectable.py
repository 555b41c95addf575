"""An image on which a person chooses a rectangle."""

import base64
from typing import Final

import cv2
import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from covid_model.explain.overlay import FOR

LONGEST: Final = 900
"""Longest side of an image sent to the browser; larger ones make the page slow."""
WIDTH: Final = 430
"""Width of the image in screen pixels on a usual screen, from which the figure's height follows."""
TALLEST: Final = 620
GRID: Final = 40
"""Points along each side of an image that can be clicked."""


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
    figure.add_layout_image(
        source=_encoded(grey), x=0, y=0, sizex=1, sizey=1, xref="x", yref="y", yanchor="top", sizing="stretch", layer="below"
    )
    figure.add_shape(type="rect", x0=left, x1=right, y0=top, y1=bottom, line={"color": f"rgb{FOR}", "width": 2})
    figure.update_xaxes(range=[0, 1], visible=False, constrain="domain", fixedrange=True)
    figure.update_yaxes(range=[1, 0], visible=False, scaleanchor="x", scaleratio=rows / cols, fixedrange=True)
    figure.update_layout(
        height=round(min(TALLEST, WIDTH * rows / cols)), margin={"l": 0, "r": 0, "t": 0, "b": 0}, dragmode="select"
    )
    return figure


def _encoded(grey: NDArray[np.uint8]) -> str:
    """The image as a data address, shrunk to what a screen shows."""
    scale = LONGEST / max(grey.shape)
    if scale < 1:
        grey = np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    content = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
    return f"data:image/jpeg;base64,{base64.b64encode(content).decode()}"
