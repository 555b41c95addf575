"""Where a model looks on the test images: mean heatmap by cell of the confusion matrix and by source."""

from typing import Any, Final

import streamlit as st

from covid_model.evaluation.stored import StoredReport
from covid_model.explain.methods import METHODS
from covid_model.plots.mean_heatmaps import mean_heatmap_figure
from ui.evaluate.reports import PLAIN, estimate
from ui.inert import inert, inert_figure

ACROSS: Final = 2
"""Sources side by side: their names are long."""


def mean_heatmaps(report: StoredReport) -> None:
    """Both pictures, and their numbers as a table."""
    st.subheader("Where it looks", anchor=False)
    found = report.heatmaps
    if found is None:
        st.info(
            "This report has no mean heatmaps. `python -m covid_model evaluate --heatmaps` makes them.",
            icon=":material/info:",
        )
        return
    classes, cells, sources = report.classes, found["cells"], found["sources"]
    names = {f"{i}-{j}": f"{one} called {other}" for i, one in enumerate(classes) for j, other in enumerate(classes)}
    st.caption("Rows are true classes, columns predicted ones, as in the matrix above.")
    tiles = [(f"n = {cells[key]['images']:,}" if key in cells else "", cells.get(key, {"map": None})) for key in names]
    figure = mean_heatmap_figure(tiles, len(classes))
    st.plotly_chart(inert_figure(figure), key="heatmap_cells", config=PLAIN, alt="Mean heatmap by true and predicted class")
    tiles = [(f"{name}, n = {part['images']:,}", part) for name, part in sources.items()]
    figure = mean_heatmap_figure(tiles, min(ACROSS, len(sources)))
    st.plotly_chart(inert_figure(figure), key="heatmap_sources", config=PLAIN, alt="Mean heatmap by source")
    method = METHODS[found["method"]].label if found["method"] in METHODS else found["method"]
    st.caption(
        f"Mean {inert(method)} heatmap of the predicted class, each image squeezed to a square; 100% is the same "
        "everywhere. The line is where lungs are on half of the images. A mean that is brightest outside of it, or that "
        "differs by source, points at a shortcut."
    )
    with st.expander("Share of the heatmaps inside the lungs, as numbers", on_change="rerun", key="lung_shares") as place:
        if place.open:
            rows = [_row(names[key], part) for key, part in cells.items()]
            st.dataframe([*rows, *(_row(name, part) for name, part in sources.items())], hide_index=True)


def _row(name: str, part: dict[str, Any]) -> dict[str, str]:
    return {
        "images of": name,
        "images": f"{part['images']:,}",
        "without positive values": f"{part['without_map']:,}",
        "share inside the lungs": estimate(part["attention"]).text(".0%"),
    }
