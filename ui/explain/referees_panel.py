"""What radiologists say of the model's heatmaps, from the shipped results."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from covid_model.audit.referee_results import PUBLISHED, SCORES, TITLES, findings, maps_of, referee_results
from covid_model.models.classifier import Classifier
from ui.explain.benchmark_panel import estimate_text, maps_table
from ui.inert import inert


def referees_panel(classifier: Classifier) -> None:
    """An expander with the model's agreement with radiologists. Nothing for a model that was not measured."""
    results = referee_results()
    found = maps_of(classifier.key, classifier.weights_digest, results)
    if not found:
        return
    with st.expander("Do this model's heatmaps agree with radiologists?", key="referees", on_change="rerun") as panel:
        if panel.open:
            st.markdown("\n".join(f"- {inert(line)}" for line in findings(classifier.key, results)))
            maps_table(_rows(found, results["primary"]), "referees_rows")
            st.caption(
                "Test images of public collections that radiologists marked; 95% intervals by patient, differences are "
                f"corrected for the number of maps (Holm). Few images are marked, so intervals are wide. {inert(PUBLISHED)}"
            )


def _rows(found: Mapping[str, Mapping[str, Any]], primary: Mapping[str, str]) -> list[dict[str, str]]:
    """One row a map, one column a referee."""
    names = dict.fromkeys(name for cells in found.values() for name in cells)
    titles = {referee: f"{TITLES[referee]}, {SCORES[primary[referee]]}" for referee in found}
    return [
        {"map": name} | {title: estimate_text(found[referee].get(name)) for referee, title in titles.items()}
        for name in names
    ]
