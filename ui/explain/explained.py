"""What the Explain page shows of an image that may be explained: prediction, heatmap, and tabs."""

from collections.abc import Mapping
from typing import Any, Literal

import streamlit as st

from covid_model.api.result import Result
from covid_model.evaluation.titles import score_title
from covid_model.explain.captions import caption
from covid_model.explain.explanation import Explanation
from covid_model.explain.methods import get_method
from covid_model.lungs.segment import Quality
from covid_model.models.calibration import OWN_PROBABILITIES
from covid_model.models.card import Card
from covid_model.models.predict import Prediction
from covid_model.trust.trust_tests.randomisation import pass_line, passes_on_average
from covid_model.viewer.payload import Panel
from ui.background import background
from ui.compare.pins import pin_button
from ui.explain.benchmark_panel import benchmark_panel
from ui.explain.class_visualisation import show_class_visualisation
from ui.explain.controls import PickedImage, how_picker
from ui.explain.export_panel import export_panel
from ui.explain.ledger_panel import ledger_panel
from ui.explain.probabilities import probability_bars
from ui.explain.promises import label_set_line, region_line, region_of
from ui.explain.referees_panel import referees_panel
from ui.explain.trust_panel import trust_chips, verdict_line
from ui.explain.whatif import what_if
from ui.fragment import fragment
from ui.inert import inert, inert_message
from ui.loaders import cached_prediction, cached_result, loaded_model, with_scores
from ui.notices import show_errors
from ui.viewer import show_viewer

# Rows of the audit record and their titles.
ATTENTION = {
    "share": "attention in lungs",
    "of_image": "… of a uniform map over the image",
    "of_seen": "… of a uniform map over what the model sees",
    "centre Gaussian": "… of a Gaussian at the image's centre",
}
QUALITY_COLOURS: dict[Quality, Literal["green", "orange", "red"]] = {"good": "green", "doubtful": "orange", "failed": "red"}


@fragment()
def show_images(picked: PickedImage, result: Result) -> None:
    """Image and overlay in the viewer; a new look reruns only this part."""
    image, title, prediction, found = picked.image, picked.title, result.prediction, result.explanation
    region = region_of(result)
    outline = region.mask if region else None
    under = f"the image under the {get_method(found.method).label} heatmap for {found.target}"
    score = f"What raised the {found.target} score"
    panels = [
        Panel.of("Image", f"{title}: the image.", image, prediction, lesions=picked.lesions, region=outline),
        Panel.of(score, f"{title}: {under}.", image, prediction, found, lesions=picked.lesions, region=outline),
    ]
    show_viewer(panels, label=f"{title}: the image, and next to it {under}.", key="pictures")
    region_line(region)


def show_prediction(prediction: Prediction, card: Card) -> None:
    """The called classes, or that there is none, and how well the lungs were found."""
    called = "; ".join(f"{name}, {prediction.probabilities[name]:.0%}" for name in prediction.called)
    quality = prediction.prepared.lungs.quality
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(inert(called) or "None of the model's classes", anchor=False, width="content")
        st.badge(f"Lung outline: {quality}", color=QUALITY_COLOURS[quality], icon=":material/pulmonology:")
        if prediction.below_mark:
            mark, note = prediction.marks[prediction.predicted], prediction.mark_note
            icon, why = ":material/vertical_align_bottom:", f"{note[0].upper()}{note[1:]}."
            st.badge(f"Below its mark of {mark:.0%}", color="orange", icon=icon, help=why)
    if card.head == "multilabel":
        st.caption(OWN_PROBABILITIES)


def show_scores(card: Card, audit: Mapping[str, Any]) -> None:
    """The card's scores on held-out images and the audit's results, with intervals."""
    if not card.scores:
        return
    test = card.scores["test"]
    place = st.expander(f"How accurate is “{inert(card.title)}”?", key="accuracy", on_change="rerun")
    with place:
        if place.open:  # a table loads pandas, which the first answer need not wait for
            rows = [
                interval_row(score_title(name), score)
                for name, score in test["scores"].items()
                if score["value"] is not None and name.startswith(("auc/", "balanced", "ece"))
            ]
            if audit:
                rows += [interval_row(title, audit["attention"][name]) for name, title in ATTENTION.items()]
            st.dataframe(rows, hide_index=True)
        st.caption(
            f"{test['images']} test images of {test['patients']} patients from the public sources it was trained on, "
            f"evaluated {inert(card.scores['date'][:10])}. Expect much lower scores on images from other hospitals."
        )
        for limit in card.limits:
            st.markdown(f"- {inert_message(limit)}")


def interval_row(title: str, score: Mapping[str, Any]) -> dict[str, Any]:
    """A score as a row of a table; in two columns, since a narrow column cuts a third one off."""
    interval = f"{score['low']:.2f} to {score['high']:.2f}" if score["low"] is not None else "interval unknown"
    return {"value (95% interval)": f"{score['value']:.3f} ({interval})", "score": title}


def show_captions(picked: PickedImage, result: Result, card: Card, audit: Mapping[str, Any]) -> None:
    """What the heatmap shows and does not show; on demand, where prediction and heatmap come from."""
    found = result.explanation
    *sentences, shows, limits = caption(found, result.lung_share, result.prediction.head)
    st.markdown(f"**{inert_message(' '.join(sentences or [shows]))}**")
    known = audit.get("methods", {}).get(found.method)
    if known and not passes_on_average(known):
        unrelated = known["pairs"]["ssim"]
        st.warning(
            f"{get_method(found.method).label} failed weight randomisation for this model: on {known['images']} images, "
            f"maps before and after shuffling the weights have similarity {known['randomisation']['value']:.2f}; maps of "
            f"unrelated images have {unrelated:.2f}, and {pass_line(unrelated):.2f} is allowed. It shows mostly the image, "
            "not the model.",
            icon=":material/warning:",
        )
    with st.popover("What it shows, and where it comes from", icon=":material/info:"):
        st.markdown(inert_message(f"{shows} {limits}"))
        show_provenance(picked, found, card)


def show_provenance(picked: PickedImage, found: Explanation, card: Card) -> None:
    """Origin of the image, calibration, method, layer, and the digests of model and image."""
    if picked.note:
        st.caption(picked.note)
    calibrated = (
        f"calibrated on its validation images (temperature {card.temperature:.2f}). Of the validation images of other "
        "classes, 5% score above the orange mark."
    )
    st.caption(f"Prediction of “{inert(card.title)}”, {calibrated if card.thresholds else 'not calibrated.'}")
    measured = "".join(f", {name.replace('_', ' ')} {value:.1%}" for name, value in found.measures.items())
    st.caption(
        f"{found.method} at layer {inert(found.layer)}, {_milliseconds(found.seconds)}{measured}; "
        f"model {inert(found.model)} ({found.model_digest[:8]}), image {found.image_digest[:8]}."
    )


def _milliseconds(seconds: float) -> str:
    """A time in milliseconds; what is known from before takes less than one."""
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.001 else "under 1 ms"


def show_panels(picked: PickedImage, result: Result, card: Card) -> None:
    """Tabs for trust, what if, class visualisation and export; only the open tab runs."""
    found = result.explanation
    trust, change, visualisation, export = st.tabs(
        ["Can you trust it?", "What if …", "Class visualisation", "Export"],
        key="panel",
        on_change="rerun",
        bind="query-params",
    )
    if trust.open:
        with trust:
            trust_chips(result.inputs)
            ledger_panel(result)
            benchmark_panel(found.method)
            referees_panel(result.inputs.classifier)
    if change.open:
        with change:
            what_if(found.model, picked.image, result.prediction, found)
    if visualisation.open:
        with visualisation:
            show_class_visualisation(found.model, found.target)
    if export.open:
        with export:
            export_panel(with_scores(result), card, picked.title, linkable=bool(picked.key))


@fragment()
def show_explained(picked: PickedImage, model: str) -> None:
    """Prediction, heatmap and tabs for an image that may be explained; another class or method reruns only this."""
    with show_errors(), background().page_runs():
        loaded, prediction = loaded_model(model), cached_prediction(model, picked.image)
        answer, choices = st.columns([5, 3], gap="medium", vertical_alignment="top")
        warnings, pictures, below = st.container(), st.container(), st.container(horizontal=True)
        with choices:
            bars = st.container()
            how = how_picker(loaded.card, prediction.predicted, below)
        result = cached_result(model, picked.image, how, picked.lesions)
        if result is not None:
            with pictures:  # first, since a visitor who chose another class waits for them
                show_images(picked, result)
        bars.html(probability_bars(prediction.probabilities, loaded.card.thresholds, how.target))
        with answer:
            show_prediction(prediction, loaded.card)
            verdict = st.container()
        with warnings:
            for warning in prediction.warnings:
                st.warning(inert_message(warning), icon=":material/info:")
        if result is None:
            return
        with verdict:
            verdict_line(result.inputs)
            label_set_line(loaded.classifier, prediction)
        with below:
            pin_button(picked, model, how)
        captions, scores = st.columns([3, 2], gap="large")
        with captions:
            show_captions(picked, result, loaded.card, loaded.audit_record)
        with scores:
            show_scores(loaded.card, loaded.audit_record)
        show_panels(picked, result, loaded.card)
