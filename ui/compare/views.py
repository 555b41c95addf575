"""One view to compare, with what is known of it."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import streamlit as st

from covid_model.api.result import Result
from covid_model.images.lung_region import whole
from covid_model.trust.maps import comparable, rank_correlation
from covid_model.trust.verdict import rule_tests, verdict, withheld
from covid_model.viewer.payload import Panel
from ui.explain.controls import PREDICTED, PickedImage
from ui.explain.trust_panel import VERDICTS
from ui.loaders import HowToExplain, cached_prediction, cached_result, keeps_waiting, loaded_model, scores_so_far

WAITED: Final = "compared"
"""In the session: the slow heatmaps that were waited for."""


@dataclass(frozen=True, eq=False)
class View:
    """What one panel shows. how: method, class, layer and settings; title: what differs from the other panels."""

    picked: PickedImage
    model: str
    how: HowToExplain
    title: str


def view_of(picked: PickedImage, model: str, method: str, target: str, title: str) -> View:
    """A view at the model's default layer. target: PREDICTED or a class that this model lacks is its predicted class."""
    loaded = loaded_model(model)
    if target == PREDICTED or target not in loaded.classes:
        target = cached_prediction(model, picked.image).predicted
    return View(picked, model, HowToExplain(method, target, loaded.layers[0]), title)


def result_of(view: View) -> Result | None:
    """Its heatmap; None while a slow method is cancelled."""
    return cached_result(view.model, view.picked.image, view.how, view.picked.lesions)


def later(views: Sequence[View]) -> list[View]:
    """The views that are not shown yet, since their slow method has not been waited for in this session."""
    waited = st.session_state.setdefault(WAITED, set())
    return [view for view in views if _name(view) not in waited and keeps_waiting(view.model, view.picked.image, view.how)]


def wait_for(view: View) -> None:
    """Make its heatmap, with progress. It is waited for once, even if the cache drops it again."""
    result_of(view)
    st.session_state[WAITED].add(_name(view))


def _name(view: View) -> tuple[Hashable, ...]:
    return (view.model, view.picked.image.digest, view.how)


def panel_of(view: View, result: Result, first: Result | None = None) -> Panel:
    """Its panel in the viewer; with the first result of a comparison, what is known of it stands below."""
    note = " · ".join(facts(result, first)) if first else ""
    alt = f"{view.title}, heatmap for {result.explanation.target}"
    return Panel.of(
        view.title, alt, view.picked.image, result.prediction, result.explanation, lesions=view.picked.lesions, note=note
    )


def agreement(result: Result, first: Result) -> float | None:
    """Rank correlation of two heatmaps of one image, over the whole image; None for heatmaps of different images."""
    if result.image.digest != first.image.digest:
        return None
    box = whole(result.image.shape)
    return rank_correlation(*(np.maximum(comparable(each.heatmap, box), 0) for each in (first, result)))


def facts(result: Result, first: Result) -> list[str]:
    """What is known of a panel: verdict where the tests have run, probability, share in the lungs, agreement."""
    found, share = result.explanation, result.lung_share
    lines = [verdict_word(result)]
    if found.target in result.probabilities:
        lines.append(f"{found.target} {result.probabilities[found.target]:.0%}")
    if share is not None:
        lines.append(f"{share.inside:.0%} in the lungs (by chance {share.chance:.0%})")
    alike = agreement(result, first)
    if result is first:
        lines.append("the one to compare with")
    elif alike is not None:
        lines.append(f"agreement with the first {alike:+.2f}")
    return lines


def verdict_word(result: Result) -> str:
    """The verdict, or that the tests have not run."""
    scores = scores_so_far(result.inputs)
    if withheld(result.inputs) is None and not scores.keys() >= set(rule_tests()):
        return "Not tested yet: open it on Explain"
    return VERDICTS[verdict(result.inputs, list(scores.values())).word][0]
