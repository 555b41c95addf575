"""Explain: a film in, a prediction and a heatmap out, with plain words on what they mean."""

from typing import Literal

import numpy as np
import streamlit as st

from covid_model.explain.explanation import Explanation
from covid_model.explain.words import lung_share, sentences
from covid_model.films.window import displayed
from covid_model.lungs.segment import Quality
from covid_model.plots.film import film_figure
from covid_model.plots.probabilities import probability_figure
from covid_model.predict import Prediction
from covid_model.zoo.card import Card
from ui.explain_controls import PickedFilm, film_picker, how_picker, look_picker, model_picker
from ui.loaders import classifier, explanation, prediction
from ui.notices import one_sentence

QUALITY_COLOURS: dict[Quality, Literal["green", "orange", "red"]] = {"good": "green", "doubtful": "orange", "failed": "red"}


@st.fragment
def show_pictures(picked: PickedFilm, answer: Prediction, found: Explanation) -> None:
    """Film and overlay with their display choices; changing those reruns this part alone."""
    place = st.container()
    look = look_picker()
    lungs = answer.prepared.lungs.mask
    figure = film_figure(
        displayed(picked.film.pixels, *look.window, invert=look.invert),
        picked.film.pixels,
        found.film_map,
        opacity=look.opacity,
        colormap=look.colormap,
        outline=lungs if look.lungs and lungs.any() else None,
        labels=("Film", f"Where {found.target} comes from"),
    )
    place.plotly_chart(
        figure,
        key="pictures",
        config={"scrollZoom": True, "displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d"]},
        alt=f"{picked.title}: the film, and beside it the same film under the {found.method} map for {found.target}.",
    )


def show_prediction(answer: Prediction, card: Card, explained: str) -> None:
    """Every class with its calibrated probability, and what weakens it."""
    words, bars = st.columns([2, 3], gap="large", vertical_alignment="center")
    with words:
        st.subheader(f"{answer.predicted}, {answer.probabilities[answer.predicted]:.0%}", anchor=False)
        quality = answer.prepared.lungs.quality
        st.badge(f"Lung outline: {quality}", color=QUALITY_COLOURS[quality], icon=":material/pulmonology:")
        st.caption(
            f"What the model “{card.title}” says, calibrated on its validation films (temperature {card.temperature:.2f}). "
            "Right of the orange tick lie 5 % of the validation films that are something else."
        )
    bars.plotly_chart(
        probability_figure(answer.probabilities, card.thresholds, explained),
        key="probabilities",
        config={"displayModeBar": False},
        alt=", ".join(f"{name} {value:.1%}" for name, value in answer.probabilities.items()),
    )
    for warning in answer.warnings:
        st.warning(warning, icon=":material/info:")


def show_scores(card: Card) -> None:
    """The card's scores on held-out films, with intervals, as its evaluation wrote them."""
    if not card.scores:
        return
    test = card.scores["test"]
    with st.expander(f"How good is “{card.title}”?"):
        rows = []
        for name, score in test["scores"].items():
            if score["value"] is not None and name.startswith(("auc/", "balanced", "ece")):
                low, high = score["low"], score["high"]
                rows.append(
                    {"score": name.replace("/", ", "), "value": score["value"], "95 % interval": f"{low:.2f} to {high:.2f}"}
                )
        st.dataframe(rows, hide_index=True, column_config={"value": st.column_config.NumberColumn(format="%.3f")})
        st.caption(
            f"{test['films']} test films of {test['patients']} patients from the same public sources it was trained on, "
            f"evaluated {card.scores['date'][:10]}. Expect far less on films of other hospitals."
        )
        for limit in card.limits:
            st.markdown(f"- {limit}")


def show_words(answer: Prediction, found: Explanation) -> None:
    """What the map shows and does not show."""
    seen = np.zeros(found.film_map.shape, bool)
    box = answer.prepared.model_input.box
    seen[box.top : box.bottom, box.left : box.right] = True
    share = lung_share(found.film_map, answer.prepared.lungs.mask, seen)
    first, *others = sentences(found, share)
    st.markdown(f"**{first}** " + " ".join(others))
    st.caption(
        f"{found.method} at layer {found.layer}, {found.seconds * 1000:.0f} ms; model {found.model} "
        f"({found.model_digest[:8]}), film {found.film_digest[:8]}."
    )


st.header("What does the model look at?", anchor=False)
with st.sidebar:
    picked = film_picker()
    model = model_picker()
if picked is not None:
    with one_sentence():
        card, answer = classifier(model).card, prediction(model, picked.film)
        with st.sidebar:
            how = how_picker(card, answer.predicted)
        found = explanation(model, picked.film, how.method, how.target, how.layer)
        height, width = picked.film.shape
        drawn = " It is drawn by a program and shows nobody; upload a film to see a real one." if picked.synthetic else ""
        st.caption(f"**{picked.title}**, {width} x {height} pixels, {picked.film.source_kind.upper()}.{drawn}")
        show_prediction(answer, card, found.target)
        show_pictures(picked, answer, found)
        words, scores = st.columns([3, 2], gap="large")
        with words:
            show_words(answer, found)
        with scores:
            show_scores(card)
