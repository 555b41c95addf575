"""The probability of every class as bars, in plain HTML: Plotly would load pandas before the first answer."""

from collections.abc import Mapping
from html import escape
from typing import Final

from covid_model.models.calibration import CARD_POINT

BAR: Final = "#2a7f9e"
OTHER: Final = "#9db4bf"
MARK: Final = "#c2571a"
HIDDEN: Final = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)"
"""For a screen reader only."""


def probability_bars(
    probabilities: Mapping[str, float], thresholds: Mapping[str, Mapping[str, float]], explained: str
) -> str:
    """A list as HTML, one bar a class in the model's order; a mark shows the operating point of 95% specificity.

    explained: the class whose bar is emphasised; none is where it is not a class (a difference).
    """
    rows = "".join(
        _row(name, value, thresholds.get(name, {}).get(CARD_POINT), name == explained)
        for name, value in probabilities.items()
    )
    columns = "display:grid;grid-template-columns:minmax(5rem,max-content) 1fr 3.5rem;gap:0.7rem;align-items:center"
    return f'<ul aria-label="Probabilities" style="list-style:none;margin:0;padding:0;{columns}">{rows}</ul>'


def _row(name: str, value: float, point: float | None, emphasised: bool) -> str:
    mark = says = ""
    if point is not None:
        where = f"called {escape(name)} from {point:.1%} on (95% specificity on validation images)"
        says = f'<span style="{HIDDEN}">, {where}</span>'
        mark = (
            f'<span title="{where}" style="position:absolute;left:{point:.2%};top:-4px;bottom:-4px;width:2px;'
            f'background:{MARK}"></span>'
        )
    weight = "600" if emphasised else "400"
    bar = f"width:{value:.2%};height:100%;background:{BAR if emphasised else OTHER}"
    return (
        f'<li style="display:contents"><span style="font-weight:{weight};overflow-wrap:anywhere">{escape(name)}</span>'
        '<span style="position:relative;height:1.4rem;background:rgba(128,128,128,0.15)">'
        f'<span style="display:block;{bar}"></span>{mark}</span>'
        f'<span style="font-weight:{weight};font-variant-numeric:tabular-nums">{value:.1%}{says}</span></li>'
    )
