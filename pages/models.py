"""Models: all models side by side, with the scores that were claimed and the scores on fair splits."""

from typing import Final

import streamlit as st

from covid_model.evaluation.card_summary import auc_by_split, auc_row, gap_reason, overview_row, recipe_text
from covid_model.evaluation.subsets import SUBSETS
from covid_model.explain.methods import get_method
from covid_model.models.card import Card
from covid_model.models.specs import MODELS, NO_DIAGNOSIS, REPLICATION, ModelSpec
from covid_model.models.user_models import available_models, row_of
from covid_model.plots.models import ModelScores, gap_figure, known_score, slope_figure, splits_of
from covid_model.trust.ledger import ledger, load_attributes
from covid_model.trust.region import load_regions
from ui.explain.ledger_panel import ledger_table, measured_on
from ui.inert import inert, inert_figure, inert_message
from ui.links import explain_params
from ui.menu import require_entry
from ui.models.card_files import card_files
from ui.models.cards import card_of
from ui.models.import_form import import_form, removal
from ui.notices import show_errors

HONEST: Final = SUBSETS["one_source"].title
PLAIN: Final = {"displayModeBar": False}
FIELD: Final = (
    "For comparison, published results: radiologists reading the first image against PCR, AUC 0.79 (Radiol Cardiothorac "
    "Imaging ryct.2020200337); CAD4COVID 0.81 (Murphy 2020); DeepCOVID-XR 0.90 (Wehbe 2021); models trained on mixed public "
    "sources and tested on images from other countries, 0.48 to 0.78 (Risman 2021, Sukhija 2021)."
)


def details(row: ModelSpec, card: Card) -> None:
    """Recipe, gaps in its description, limits, and why the scores differ."""
    st.markdown(f"**{inert(row.title)}**: {inert(row.summary)}")
    st.markdown(f"*Why the two scores differ.* {inert(gap_reason(row, card))}")
    if row.claimed:
        st.markdown(f"*Its author claimed* {inert(row.claimed)}.")
    if row.key in MODELS and (silent := card.training.get("silent")):
        st.caption(f"The description does not state: {inert('; '.join(silent).replace(' %', '%'))}.")
    if recipe := recipe_text(card):
        st.caption(f"Recipe: {inert(recipe)}.")
    if limits := [limit for limit in row.limits if limit not in (NO_DIAGNOSIS, REPLICATION)]:
        st.caption(inert_message(" ".join(limits)))
    show_attributes(card)
    show_regions(card)
    card_files(row.key)
    removal(row.key)
    params = explain_params(model=row.key)
    st.page_link(
        "pages/explain.py", label="Explain an image with this model", icon=":material/visibility:", query_params=params
    )


def show_attributes(card: Card) -> None:
    """What the audit found of source, view, sex, age and markers in the model's features; nothing without such an audit."""
    record = load_attributes(card.key, card.weights_sha256)
    if not record:
        return
    with st.expander("What else its features say", icon=":material/fingerprint:"):
        rows = ledger(record)
        headings = ["Attribute", "Encoded in the features?", "Does the score follow it?"]
        cells = [[row.title, row.encoded, row.used] for row in rows]
        if any(row.sensitive for row in rows):
            headings.append("Sensitivity (TCAV)")
            cells = [[*line, row.sensitive] for line, row in zip(cells, rows, strict=True)]
        st.markdown(ledger_table(headings, cells))
        st.caption(measured_on(record))


def show_regions(card: Card) -> None:
    """Size and coverage of the regions that keep a class, by source; nothing where none was calibrated."""
    sizes = load_regions(card.key, card.weights_sha256)
    if not sizes:
        return
    with st.expander("How much of an image keeps its class", icon=":material/crop_free:"):
        rows = []
        for method, size in sizes.items():
            found = {"all test images": (size.share, size.coverage)}
            found |= {name: (size.share, one) for name, one in size.by_source.items()}
            found |= {f"{name}, sized on the others": (one["share"], one) for name, one in size.left_out.items()}
            rows += [
                {
                    "heatmap": get_method(method).label,
                    "images": name,
                    "size": f"{share:.0%}",
                    "class kept": f"{one['value']:.0%} ({one['low']:.0%} to {one['high']:.0%})",
                    "": "fails" if one["high"] < size.level else "",
                    "n": one["images"],
                }
                for name, (share, one) in found.items()
            ]
        st.dataframe(rows, hide_index=True)
        st.caption(
            f"{next(iter(sizes.values())).sentence} The promise holds on average over images like those that it was "
            "calibrated on; “fails” marks where it was broken beyond chance."
        )


def slopes(scores: list[ModelScores]) -> None:
    """From the score under each model's own split to that under a stricter one; all splits on demand."""
    own, *stricter = splits_of(scores)
    honest = st.segmented_control("Honest split", stricter, default=HONEST, key="honest") or HONEST
    st.plotly_chart(
        inert_figure(slope_figure(scores, own, honest)),
        key="slopes",
        config=PLAIN,
        alt=f"AUC of every model under {own} and under {honest}",
    )
    missing = [score.title for score in scores if not known_score(score, honest)]
    if missing:
        st.caption(f"Not measured under “{honest}”: {inert(', '.join(missing))}.")
    if st.toggle("All splits with their intervals", key="all_splits"):
        st.plotly_chart(inert_figure(gap_figure(scores)), key="gap", config=PLAIN, alt="Scores by model and split")


require_entry()
st.header("Models", anchor=False)
st.caption(
    "All scores come from the model's card, as written by `train` and `evaluate`, with 95% intervals by patient. “Own "
    "split” is what the recipe itself would report. The other columns use test images of patients on whom no model of this "
    "project was trained: all of them; adults only; only the collection that has images with and without COVID-19; and only "
    "collections that the model has never seen, if these have both."
)
with show_errors():
    cards = {key: card_of(key) for key in available_models()}
    scores = [ModelScores(card.title, auc_by_split(card)) for card in cards.values()]
    slopes(scores)
    st.caption(FIELD)
    pinned = {"model": st.column_config.TextColumn(pinned=True)}
    st.markdown("**AUC of COVID-19 by split**")
    st.dataframe([auc_row(card) for card in cards.values()], hide_index=True, column_config=pinned)
    st.markdown("**Size, speed and other scores**")
    st.dataframe([overview_row(row_of(key), card) for key, card in cards.items()], hide_index=True, column_config=pinned)
    rebuilt = ", ".join(card.title for card in cards.values() if card.replication)
    st.caption(
        "Rebuilt to show what their recipes give, so that their scores under their own split are not to be believed: "
        f"{inert(rebuilt)}."
    )
    with st.expander("Add your own model", icon=":material/upload_file:"):
        import_form()
    for key, card in cards.items():
        with st.container(border=True):
            details(row_of(key), card)
