"""The Dataset page's views of all images at once: what gives labels away, and the map."""

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import streamlit as st

from covid_model.data.browse import ManifestTable
from covid_model.data.confounders import sentences
from covid_model.data.description import Description, read_description
from covid_model.data.filters import FILTERS, Query
from covid_model.data.similar import embedding_path, similar
from covid_model.evaluation.label_noise import describe_with_noise
from covid_model.models.user_models import available_models
from covid_model.plots.dataset import counts_figure, legend_figure, map_figure, spread_figure
from ui.dataset.grid import SIZE, show_images
from ui.dataset.measuring import measuring
from ui.dataset.narrow import narrow_button
from ui.image_types import SUFFIXES
from ui.inert import inert, inert_figure, inert_message
from ui.manifest import images_of
from ui.notices import PRIVACY
from ui.uploads import visitor

SPREADS: Final = {
    "age": "Age in years",
    "height": "Height in pixels",
    "contrast": "Contrast",
    "mean": "Mean brightness",
    "letters": "Letter-like marks near the edges",
    "attention": "Attention in lungs",
    "confidence": "Confidence",
}
MOST_POINTS: Final = 20_000
PLAIN: Final = {"displayModeBar": False}


@st.cache_data(max_entries=4, show_spinner="Counting images …")
def _description(path: str, changed: float) -> Description:
    return describe_with_noise(images_of(Path(path)))


def understand(images: ManifestTable | None) -> None:
    """Distributions, and what they give away; of the public sources if there is no manifest."""
    found = read_description() if images is None else _description(str(images.path), images.path.stat().st_mtime)
    by = f", measured by {inert(found.model)}" if found.model else ""
    st.caption(
        f"{found.images:,} images of {found.patients:,} patients, counted on {inert(found.date[:10])}.",
        help=f"Data {inert(found.data_hash[:12])}{by}.",
    )
    st.subheader("What gives labels away besides the lungs", anchor=False)
    st.markdown("\n".join(f"- {inert_message(sentence)}" for sentence in sentences(found)) or "Nothing found.")
    if noise := found.noise_sentences:
        st.subheader("How far the labels can be believed", anchor=False)
        st.markdown("\n".join(f"- {inert_message(sentence)}" for sentence in noise))
    st.plotly_chart(inert_figure(legend_figure(found.labels)), key="labels", config=PLAIN, alt="Colours of the labels")
    columns = st.columns(2, gap="large")
    for place, (key, counts) in enumerate(found.counts.items()):
        figure = counts_figure(FILTERS[key].title, counts, found.labels)
        with columns[place % 2]:
            st.plotly_chart(
                inert_figure(figure), key=f"counts-{key}", config=PLAIN, alt=f"Share of each label by {FILTERS[key].title}"
            )
    by = st.segmented_control("Group numbers by", ["source", "label"], default="source", key="spread_by") or "source"
    columns = st.columns(2, gap="large")
    shown = [key for key in SPREADS if found.spreads.get(key, {}).get(by)]
    for place, key in enumerate(shown):
        with columns[place % 2]:
            figure = spread_figure(SPREADS[key], found.spreads[key][by])
            st.plotly_chart(
                inert_figure(figure), key=f"spread-{key}", config=PLAIN, alt=f"{SPREADS[key]} by {by}: 5% to 95%"
            )


def images_map(images: ManifestTable) -> None:
    """A map of the images by the model's features. Selected points are shown as images, with similar ones."""
    if "map_x" not in images.columns:
        st.info("The map needs a model's features of every image.", icon=":material/info:")
        measuring(images)
        return
    offered = [key for key, row in FILTERS.items() if row.kind == "choice" and row.needs in images.columns]
    colour = st.segmented_control(
        "Colour", offered, default="source", key="map_colour", format_func=lambda key: FILTERS[key].title
    )
    table = images.points(colour or "source", MOST_POINTS)
    st.caption(
        f"{len(table):,} images, arranged by t-SNE (van der Maaten 2008) of the model's features: images close together are "
        "similar to the model; distances between groups mean nothing. Select points to see their images."
    )
    search_by_upload(images)
    event = st.plotly_chart(
        inert_figure(map_figure(table, "value")), key="map", on_select="rerun", selection_mode=("lasso", "box", "points"),
        config={"displaylogo": False}, alt=f"Map of {len(table)} images by {colour}",
    )  # fmt: skip
    chosen = tuple(dict.fromkeys(str(point["customdata"]) for point in event.get("selection", {}).get("points", [])))
    if not chosen:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{len(chosen):,} images chosen**" + (f", the first {SIZE}" if len(chosen) > SIZE else ""))
        narrow_button("Chosen on the map", chosen)
    rows = images.page(Query(digests=chosen), 0, SIZE)
    show_images(images, "map", rows)
    neighbours(images, rows)


def search_by_upload(images: ManifestTable) -> None:
    """Images similar to an upload, according to the model that measured the manifest."""
    with st.expander("Search with your own image", icon=":material/image_search:"):
        upload = st.file_uploader("A chest X-ray", type=SUFFIXES, key="search_image", help=PRIVACY)
        path, model = embedding_path(images.path), str(images.rows([0])["model"].iloc[0])
        if upload is None or not path.is_file():
            return
        if model not in available_models():
            st.info(f"The images were measured by {inert(model)}, which is not available.", icon=":material/info:")
            return
        from covid_model.trust.source_probe import embedding  # TensorFlow is started only here
        from ui.loaders import ImageFile, cached_prediction, image_from, loaded_model

        image, loaded = image_from(ImageFile.of(upload.getvalue()), visitor()), loaded_model(model).classifier
        prediction = cached_prediction(model, image)
        features = embedding(loaded.forward, prediction.prepared.batch)[0]
        show_similar(images, "search", similar(path, features))


def neighbours(images: ManifestTable, rows: pd.DataFrame) -> None:
    """Images similar to one of the images shown."""
    names = {int(row.file_row_number): f"{row.label}, {Path(row.path).name}" for row in rows.itertuples()}
    number = st.selectbox("Images most similar to", list(names), format_func=names.__getitem__, key="similar_to")
    path = embedding_path(images.path)
    if number is None or not path.is_file():
        return
    found = similar(path, np.asarray(_features(str(path), path.stat().st_mtime)[number], np.float32), skip=number)
    show_similar(images, "similar", found)


def show_similar(images: ManifestTable, name: str, found: list[tuple[int, float]]) -> None:
    """Images by place in the manifest, with their similarity."""
    rows = images.rows([place for place, _ in found])
    show_images(images, name, rows, [f"similarity {score:.2f}" for _, score in found])


@st.cache_resource(max_entries=2)
def _features(path: str, changed: float) -> np.ndarray:
    return np.load(path, mmap_mode="r")
