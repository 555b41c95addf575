"""A self-contained HTML report of one heatmap that opens offline and can be printed."""

import base64
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from covid_model.evaluation.titles import score_title
from covid_model.explain.methods import get_method
from covid_model.explain.overlay import blended, heat
from covid_model.images.xray_image import XrayImage
from covid_model.models.calibration import OWN_PROBABILITIES
from covid_model.models.card import Card
from covid_model.trust.figures import Bars, Curves, Images, Matrix
from covid_model.trust.promises import promises
from covid_model.trust.score import OUTCOMES, TrustInput, TrustScore
from covid_model.trust.trust_tests import TRUST_TESTS, figures_of
from covid_model.trust.verdict import RULE, verdict
from covid_model.viewer.look import Look
from covid_model.viewer.payload import Panel, described, encoded_pixels, payload, still
from covid_model.viewer.script import script, style

if TYPE_CHECKING:
    from jinja2 import Environment

LONGEST: Final = 900
"""Longest side of a still picture."""
SHARPEST: Final = 1400
"""Longest side of the image that can be zoomed."""
LOOK: Final = Look(region=True)
"""On paper nothing can be switched on, so the region is outlined from the start."""
NOTICE: Final = (
    "Research software, not a medical device. It does not diagnose, and nothing here is a reason to treat or not to treat."
)


def html_report(inputs: TrustInput, scores: Sequence[TrustScore], card: Card, title: str) -> str:
    """The report as one HTML page without external files. title: of the image; not a file name, which may name a person."""
    heatmap, promised = inputs.explanation.heatmap, promises(inputs)
    panels = _panels(inputs, promised.region.mask if promised.region else None)
    from markupsafe import Markup

    return (
        templates()
        .get_template("report.html")
        .render(
            title=title,
            notice=NOTICE,
            card=card,
            prediction=inputs.prediction,
            own_probabilities=OWN_PROBABILITIES,
            method=get_method(inputs.explanation.method),
            pictures=_stills(inputs, panels),
            promised=promised,
            viewer=payload(panels, _source, look=LOOK, label="The image, and next to it the same image under the heatmap."),
            viewer_style=Markup(style()),
            viewer_script=Markup(script("report")),
            low=heatmap.min(),
            high=heatmap.max(),
            tests=[(TRUST_TESTS[score.key], score, figures_of(inputs, score)) for score in scores],
            verdict=verdict(inputs, scores),
            rule=RULE,
            outcomes=OUTCOMES,
            made_with=_made_with(inputs),
        )
    )


@cache
def templates() -> "Environment":
    """The templates beside this file, with filters and tests for numbers and figures."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {
        "score_title": score_title,
        "number": lambda value: "" if value is None else f"{value:.2f}",
        "format_as": format,
        "data_url": _data_url,
        "bar_end": _bar_end,
        "extent": _extent,
        "points": _points,
    }
    templates.tests |= {
        kind.__name__.lower(): lambda shown, kind=kind: isinstance(shown, kind) for kind in (Bars, Curves, Images, Matrix)
    }
    return templates


def _panels(inputs: TrustInput, region: NDArray[np.bool_] | None) -> list[Panel]:
    """The image, and the image under the heatmap. region: (H, W), to outline."""
    found, method = inputs.explanation, get_method(inputs.explanation.method)
    title = f"{method.label} for {found.target}"
    return [
        Panel.of("The image and the lungs found on it", "The image.", inputs.image, inputs.prediction, region=region),
        Panel.of(title, f"The image under the heatmap: {title}.", inputs.image, inputs.prediction, found, region=region),
    ]


def _stills(inputs: TrustInput, panels: Sequence[Panel]) -> Images:
    """The panels, and the map alone, for paper and for mail programs that run no scripts."""
    found = inputs.explanation
    layer = heat(found.heatmap, 1.0, LOOK.cmap, signed=get_method(found.method).signed)
    alone = blended(np.zeros(found.heatmap.shape, np.uint8), layer)
    return Images("Heatmap:", {panel.title: still(panel, LOOK) for panel in panels} | {"The map alone": alone})


def _source(image: XrayImage) -> dict[str, Any]:
    """The image's description with its pixels."""
    pixels = encoded_pixels(image, SHARPEST)
    return described(image, pixels) | {"data": base64.b64encode(pixels.data).decode()}


def _made_with(inputs: TrustInput) -> dict[str, str]:
    """What is needed to reproduce the heatmap."""
    found = inputs.explanation
    measured = ", ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in found.measures.items())
    return {
        "image": found.image_digest,
        "model": f"{found.model}, {found.model_digest}",
        "method": f"{found.method}, layer {found.layer}, seed {found.seed}, {found.options or 'no settings'}",
        "made": found.date,
        "with": ", ".join(f"{name} {version}" for name, version in found.versions.items()),
        **({"measured by the method": measured} if measured else {}),
    }


def _data_url(picture: NDArray[np.uint8]) -> str:
    """A picture (H, W) or (H, W, 3), at most LONGEST on its longer side, as a JPEG within a URL."""
    scale = LONGEST / max(picture.shape[:2])
    if scale < 1:
        picture = np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    turned = picture[..., ::-1] if picture.ndim == 3 else picture
    content = cv2.imencode(".jpg", turned, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
    return f"data:image/jpeg;base64,{base64.b64encode(content).decode()}"


def _bar_end(bars: Bars) -> float:
    """The value at which the longest bar ends."""
    return max([*bars.values.values(), bars.line or 0.0]) or 1.0


def _extent(curves: Curves) -> tuple[float, float]:
    """The lowest and the highest value to show; 0 is always shown."""
    values = [0.0, curves.line or 0.0, *(value for line in curves.lines.values() for value in line)]
    low, high = min(values), max(values)
    return low, high if high > low else low + 1


def _points(values: Sequence[float], extent: tuple[float, float]) -> str:
    """Values, evenly spaced, as the points of a polyline in the box from (30, 115) to (330, 5)."""
    low, high = extent
    places = np.linspace(30, 330, len(values))
    heights = 115 - 110 * (np.asarray(values) - low) / (high - low)
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(places, heights, strict=True))
