"""The reports that the Evaluate page offers, each read once for all sessions, and their images where they can be opened."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from covid_model.audit.shortcut_probes import source_by_label
from covid_model.errors import DataError
from covid_model.evaluation.people import Estimate
from covid_model.evaluation.stored import StoredReport, find_reports, probability_column, read_report
from covid_model.models.specs import MODELS
from ui.dataset.grid import show_images
from ui.inert import inert_message
from ui.manifest import images_of, manifest_path

if TYPE_CHECKING:
    import pandas as pd

PLAIN: Final = {"displayModeBar": False}
PAGE: Final = 18
"""Images shown at once."""
MEASURED: Final = ("attention", "verdict")
"""Columns of the predictions that `evaluate --heatmaps` and `--verdicts` add."""


@st.cache_resource(max_entries=32, show_spinner="Reading the report …")
def _report(folder: str, changed: float) -> StoredReport:
    return read_report(Path(folder))


def report_in(folder: Path) -> StoredReport:
    """A report, read once for all sessions until it changes. Raises DataError."""
    return _report(str(folder), max((path.stat().st_mtime for path in folder.glob("*.*")), default=0.0))


def offered_reports() -> dict[str, Path]:
    """Name -> folder: those of the models that ship in the table's order, then the others."""
    place = {name: number for number, name in enumerate(MODELS)}
    found = find_reports()
    return {name: found[name] for name in sorted(found, key=lambda name: (place.get(name, len(place)), name))}


def titles(offered: Mapping[str, Path]) -> dict[str, str]:
    """Name -> the title of the model and, where they differ, the name of the report; the name alone if it is damaged."""
    found = {}
    for name, folder in offered.items():
        try:
            content = report_in(folder).content
        except DataError:
            found[name] = name
        else:
            found[name] = content["title"] if name == content["model"] else f"{content['title']}, {name}"
    return found


def estimate(score: Mapping[str, Any] | None) -> Estimate:
    """A score of a report; undefined where it is missing."""
    return Estimate(score["value"], score["low"], score["high"]) if score else Estimate(None, None, None)


def label_alone(report: StoredReport) -> dict[str, Any]:
    """`source_by_label` of a report, measured once: its draws of patients need not be repeated with every click."""
    return _label_alone(str(report.folder), report.content["date"])


@st.cache_data(max_entries=16, show_spinner=False)
def _label_alone(folder: str, date: str) -> dict[str, Any]:
    return source_by_label(report_in(Path(folder)).predictions)


def show_report_images(name: str, report: StoredReport, rows: "pd.DataFrame") -> None:
    """The images of some rows of a report's predictions, as far as the manifest has them, and which it does not have.

    name: of this list of images, another one for each list of the page.
    """
    from covid_model.data.filters import Query

    path = manifest_path()
    try:
        images = images_of(path)
    except DataError as error:
        st.info(
            f"These {len(rows)} images cannot be opened here, because reports hold numbers and no images. "
            f"{inert_message(error)}",
            icon=":material/hide_image:",
        )
        _list(rows)
        return
    found = images.page(Query(digests=tuple(rows["digest"])), 0, len(rows)).drop_duplicates("digest").set_index("digest")
    here = rows[rows["digest"].isin(found.index)]
    if len(here):
        shown = found.loc[here["digest"]].reset_index()
        shown["predicted"] = here["predicted"].to_numpy(object)
        shown["confidence"] = here[[probability_column(name) for name in report.classes]].max(axis=1).to_numpy()
        shown["correct"] = (here["predicted"] == here["class"]).to_numpy()
        shown["model"] = report.content["model"]
        show_images(images, name, shown, _lines(here))
    missing = rows[~rows["digest"].isin(found.index)]
    if len(missing):
        st.caption(f"{len(missing)} of these {len(rows)} images are not in the current manifest and cannot be opened:")
        _list(missing)


def _lines(rows: "pd.DataFrame") -> list[str] | None:
    """What a report with heatmaps adds to each image: the share of its heatmap inside the lungs, and the verdict."""
    if "attention" not in rows:
        return None
    shares = rows["attention"].map("{:.0%} in the lungs".format).where(rows["attention"].notna(), "no heatmap in the lungs")
    return (shares + ", " + rows["verdict"] if "verdict" in rows else shares).tolist()


def _list(rows: "pd.DataFrame") -> None:
    probabilities = [name for name in rows if name.startswith("probability/")]
    columns = ["source", "class", "predicted", *probabilities, *(name for name in MEASURED if name in rows)]
    titles = {name: name.split("/", 1)[1] for name in probabilities} | {"attention": "in lungs"}
    numbers = {name: st.column_config.NumberColumn(title, format="percent") for name, title in titles.items()}
    shown = rows[columns].assign(image=rows["digest"].str.slice(0, 16))
    st.dataframe(shown, hide_index=True, column_config={**numbers, "class": "true"})
