"""The viewer's JavaScript and style as text; the files beside this one need no build step."""

import base64
import json
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import cv2
import numpy as np

from covid_model.explain.overlay import AGAINST, COLORMAPS, FOR
from covid_model.viewer.look import Look

HERE: Final = Path(__file__).parent
PARTS: Final = ("shaders", "pixels", "view", "render", "controls", "gestures", "panel", "painting", "viewer")
"""In an order in which every part uses only names of parts before it while it is loaded."""


@cache
def script(last: Literal["streamlit", "report"]) -> str:
    """All parts as one script, with the colours of Python's overlay. last: what starts the viewer, and where."""
    files = [(HERE / f"{name}.js").read_text("utf-8") for name in (*PARTS, last)]
    return "\n".join([f"const CONSTANTS = {json.dumps(constants())};", *files])


@cache
def style() -> str:
    """The style sheet."""
    return (HERE / "viewer.css").read_text("utf-8")


def constants() -> dict[str, Any]:
    """What script and Python share: colour tables (256 x 3 bytes as base64), colours of signed maps, and the first look."""
    ramp = np.arange(256, dtype=np.uint8)[None]
    tables = {key: cv2.applyColorMap(ramp, row.code)[0, :, ::-1].tobytes() for key, row in COLORMAPS.items()}
    return {
        "colormaps": {
            key: {"label": row.label, "table": base64.b64encode(tables[key]).decode()} for key, row in COLORMAPS.items()
        },
        "raised": FOR,
        "lowered": AGAINST,
        "look": Look().json(),
    }
