"""A self-contained HTML report of one view: opens offline, prints well, and says what it is not."""

import base64
from collections.abc import Sequence
from html import escape
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from covid_model.audit.region_ablation import REGIONS
from covid_model.audit.score import TrustInput, TrustScore
from covid_model.audit.trust_tests import TRUST_TESTS
from covid_model.audit.verdict import RULE, verdict
from covid_model.explain.methods import get_method
from covid_model.explain.overlay import blended, heat, outlined
from covid_model.images.preprocess import resized
from covid_model.images.window import displayed
from covid_model.models.card import Card

LONGEST: Final = 900
NOTICE: Final = (
    "Research software, not a medical device. It does not diagnose, and nothing here is a reason to treat or not to treat."
)
STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#15242b;background:#fff}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:1.6rem 0 .4rem}
.pair{display:flex;gap:.8rem}.pair figure{flex:1}figure{margin:0}img{width:100%;height:auto;background:#000}
figcaption,small{color:#4a5c64;font-size:.85rem}table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;border-bottom:1px solid #d7e0e4}
.word{font-weight:700}.box{border:2px solid #15242b;border-radius:.4rem;padding:.6rem .9rem;margin:1rem 0}
@media print{body{margin:0;max-width:none;font-size:11pt}h2,figure,tr,.box{break-inside:avoid}}
"""
OUTCOMES: Final = {"passed": "passed", "failed": "failed", "unclear": "cannot decide", "informational": "for information"}


def html_report(inputs: TrustInput, scores: Sequence[TrustScore], card: Card, title: str) -> str:
    """The report as one HTML page without links to anything. title: of the image; a file name may name a person."""
    parts = [
        f"<h1>{escape(title)}</h1><p class='box'>{NOTICE}</p>",
        _prediction(inputs, card),
        _pictures(inputs),
        *([_trust(inputs, scores), _region_ablation(inputs, scores)] if scores else []),
        _scores(card),
        _made_with(inputs),
    ]
    head = f"<meta charset='utf-8'><title>{escape(title)}</title><style>{STYLE}</style>"
    return f"<!doctype html><html lang='en'><head>{head}</head><body>{''.join(parts)}</body></html>\n"


def _prediction(inputs: TrustInput, card: Card) -> str:
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{value:.1%}</td></tr>" for name, value in inputs.prediction.probabilities.items()
    )
    warnings = "".join(f"<p>{escape(warning)}</p>" for warning in inputs.prediction.warnings)
    heading = f"The model “{escape(card.title)}” says {escape(inputs.prediction.predicted)}"
    return f"<h2>{heading}</h2><p>{escape(card.summary)}</p><table>{rows}</table>{warnings}"


def _pictures(inputs: TrustInput) -> str:
    found, row = inputs.explanation, get_method(inputs.explanation.method)
    grey = displayed(inputs.image.pixels)
    lungs = inputs.prediction.prepared.lungs.mask
    image = outlined(np.repeat(grey[..., None], 3, axis=-1), lungs)
    overlay = outlined(blended(grey, heat(found.heatmap, 0.6, "inferno", signed=row.signed)), lungs)
    alone = blended(np.zeros_like(grey), heat(found.heatmap, 1.0, "inferno", signed=row.signed))
    captions = ("The image and the lungs found on it", f"{row.label} for {found.target}", "The map alone")
    figures = "".join(_figure(picture, caption) for picture, caption in zip((image, overlay, alone), captions, strict=True))
    largest = f"The map's values run from {found.heatmap.min():.3g} to {found.heatmap.max():.3g}."
    return f"<h2>Heatmap</h2><div class='pair'>{figures}</div><p>{escape(row.shows)} {escape(row.limits)} {largest}</p>"


def _trust(inputs: TrustInput, scores: Sequence[TrustScore]) -> str:
    found = verdict(inputs, scores)
    rows = "".join(
        f"<tr><td>{escape(TRUST_TESTS[score.key].question)}</td><td class='word'>{OUTCOMES[score.outcome]}</td>"
        f"<td>{_number(score.value)}</td><td>{_number(score.chance)}</td><td>{escape(score.sentence)}</td></tr>"
        for score in scores
    )
    head = "<tr><th>test</th><th>outcome</th><th>value</th><th>chance</th><th>finding</th></tr>"
    box = f"<p class='box'><span class='word'>{found.word.capitalize()}.</span> {escape(found.why)}</p>"
    return f"<h2>Does this heatmap deserve trust?</h2>{box}<table>{head}{rows}</table><p><small>{escape(RULE)}</small></p>"


def _region_ablation(inputs: TrustInput, scores: Sequence[TrustScore]) -> str:
    known: dict[str, float] = next(
        (score.details["probabilities"] for score in scores if score.key == "region_ablation"), {}
    )
    pixels, lungs = inputs.image.pixels, inputs.prediction.prepared.lungs.mask
    figures = "".join(
        _figure(displayed(resized(np.asarray(altered(pixels, lungs), np.float32), (220, 220))), f"{name}: {known[name]:.0%}")
        for name, altered in REGIONS.items()
        if name in known
    )
    return f"<h2>The same image without</h2><div class='pair'>{figures}</div>" if figures else ""


def _scores(card: Card) -> str:
    if not card.scores:
        return "<h2>Model card</h2><p>This model was never scored.</p>"
    test = card.scores["test"]
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{score['value']:.3f}</td>"
        f"<td>{_number(score['low'])} to {_number(score['high'])}</td></tr>"
        for name, score in test["scores"].items()
        if score["value"] is not None
    )
    about = (
        f"{test['images']} test images of {test['patients']} patients, evaluated {card.scores['date'][:10]}, data "
        f"{card.scores['data_hash'][:12]}. Intervals: 95 %, bootstrap by patient."
    )
    limits = "".join(f"<li>{escape(limit)}</li>" for limit in card.limits)
    head = "<tr><th>score</th><th>value</th><th>95 % interval</th></tr>"
    return f"<h2>Model card</h2><table>{head}{rows}</table><p><small>{about}</small></p><ul>{limits}</ul>"


def _made_with(inputs: TrustInput) -> str:
    found = inputs.explanation
    cells = {
        "image": found.image_digest,
        "model": f"{found.model}, {found.model_digest}",
        "method": f"{found.method}, layer {found.layer}, seed {found.seed}, {found.options or 'no settings'}",
        "made": found.date,
        "with": ", ".join(f"{name} {version}" for name, version in found.versions.items()),
        "measured": ", ".join(f"{name} {value:.3g}" for name, value in found.measures.items()) or "nothing beside the map",
    }
    rows = "".join(f"<tr><td>{name}</td><td><small>{escape(value)}</small></td></tr>" for name, value in cells.items())
    return f"<h2>To make it again</h2><table>{rows}</table>"


def _figure(picture: NDArray[np.uint8], caption: str) -> str:
    scale = LONGEST / max(picture.shape[:2])
    if scale < 1:
        picture = np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    turned = picture[..., ::-1] if picture.ndim == 3 else picture
    content = base64.b64encode(cv2.imencode(".jpg", turned, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()).decode()
    said = escape(caption)
    return f"<figure><img alt='{said}' src='data:image/jpeg;base64,{content}'><figcaption>{said}</figcaption></figure>"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
