"""Everything in a report as files."""

import io
from typing import Final

import streamlit as st

from covid_model.evaluation.stored import HEATMAPS, PREDICTIONS, REPORT, SHORTCUTS, StoredReport
from covid_model.models.user_models import available_models
from ui.models.card_files import card_files
from ui.models.cards import card_of

FILES: Final = {
    REPORT: "Report (JSON)",
    PREDICTIONS: "Predictions (Parquet)",
    SHORTCUTS: "Shortcut audit (JSON)",
    HEATMAPS: "Mean heatmaps (JSON)",
}


def download(report: StoredReport, _: str) -> None:
    """Everything in the report's folder, all test scores as a table, and the model card."""
    content = report.content
    name = content["model"]
    with st.container(horizontal=True):
        for file, title in FILES.items():
            if (path := report.folder / file).is_file():
                st.download_button(title, path.read_bytes(), f"{name}.{file}", key=f"get_{file.partition('.')[0]}")
        st.download_button("Scores (CSV)", _scores_csv(report), f"{name}.scores.csv", key="get_scores")
    _model_card(report)
    st.caption(
        f"Weights {content['weights_sha256'][:12]}, data {content['data_hash'][:12]}, version {content['version']}, "
        f"evaluated {content['date'][:10]}; {content['left_out']} images with labels the model does not know were left out. "
        "The predictions name images by the digest of their pixels; they hold no file names and no names of patients."
    )


def _model_card(report: StoredReport) -> None:
    """The model card, where the model is here with the weights of the report."""
    key = report.content["model"]
    if key not in available_models() or card_of(key).weights_sha256 != report.content["weights_sha256"]:
        st.caption("A model card needs the model itself, which is not here with the weights of this report.")
        return
    card_files(key, report)


def _scores_csv(report: StoredReport) -> bytes:
    import csv

    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(["part", "group", "score", "value", "low", "high", "images", "patients"])
    parts = [("all", "", report.test)]
    parts += [
        (key, name, part) for key, groups in report.test.items() if key.startswith("by_") for name, part in groups.items()
    ]
    for part, group, scored in parts:
        for score, found in scored["scores"].items():
            cells = [found[key] for key in ("value", "low", "high", "images", "patients")]
            writer.writerow([part, group, score, *cells])
    return stream.getvalue().encode()
