"""The choices of the Explain page, each a widget that a link can carry."""

from dataclasses import dataclass

import streamlit as st

from covid_model.errors import FilmError
from covid_model.explain.methods import METHODS
from covid_model.explain.overlay import COLORMAPS
from covid_model.explain.target import MINUS
from covid_model.films.film import Film
from covid_model.films.raster import FORMATS
from covid_model.zoo.card import Card
from covid_model.zoo.models import MODELS
from ui.films_at_hand import films_at_hand
from ui.links import linked_select
from ui.loaders import film_from
from ui.notices import PRIVACY

SUFFIXES = [*(kind.name for kind in FORMATS), "jpg", "tif", "dcm", "dicom"]
PREDICTED = "predicted"
"""Stands in links for whatever class the model predicts."""


@dataclass(frozen=True)
class PickedFilm:
    """The film on show and what to call it."""

    film: Film
    title: str
    synthetic: bool


def film_picker() -> PickedFilm | None:
    """An upload where there is one, else a film at hand. A bad upload is one sentence, and the picked film stays."""
    upload = st.file_uploader("Upload a chest film", type=SUFFIXES, help=f"PNG, JPEG, WebP, BMP, TIFF or DICOM. {PRIVACY}")
    offered = films_at_hand()
    titles = {key: film.title for key, film in offered.items()}
    key = linked_select("or pick one at hand", titles, "film", off=upload is not None)
    try:
        if upload is not None:
            return PickedFilm(film_from(upload.getvalue()), "Your upload", False)
    except FilmError as error:
        st.error(f"The upload cannot be used. {error}", icon=":material/error:")
    try:
        chosen = offered[key]
        return PickedFilm(chosen.read(), chosen.title, chosen.synthetic)
    except FilmError as error:
        st.error(str(error), icon=":material/error:")
        return None


def model_picker() -> str:
    """The key of a model of the zoo."""
    summaries = "  \n".join(f"**{row.title}**: {row.summary}" for row in MODELS.values())
    return linked_select("Model", {key: row.title for key, row in MODELS.items()}, "model", help=summaries)


@dataclass(frozen=True)
class HowToExplain:
    """Method, class (a name, or PREDICTED) and layer."""

    method: str
    target: str
    layer: str


def how_picker(card: Card, predicted: str) -> HowToExplain:
    """What to explain and how; the layer stands under "Advanced"."""
    differences = [f"{a}{MINUS}{b}" for a in card.classes for b in card.classes if a != b]
    targets = {PREDICTED: f"Predicted: {predicted}"} | {name: name for name in (*card.classes, *differences)}
    meaning = "A difference, such as COVID-19 - Normal, shows what speaks for the first rather than the second."
    target = linked_select("Class to explain", targets, "target", help=meaning)
    method = linked_select("Method", {key: row.label for key, row in METHODS.items()}, "method")
    with st.expander("Advanced"):
        finer = "Earlier layers give finer maps of simpler features; the first is the default."
        layer = linked_select("Layer", {name: name for name in card.explanation_layers}, "layer", help=finer)
    return HowToExplain(method, predicted if target == PREDICTED else target, layer)


@dataclass(frozen=True)
class Look:
    """How film and map are displayed; nothing here changes what the model sees."""

    opacity: float
    colormap: str
    window: tuple[float, float]
    invert: bool
    lungs: bool


def look_picker() -> Look:
    """Display choices in one row under the picture."""
    first, second, third, fourth = st.columns([3, 2, 3, 2], vertical_alignment="bottom")
    opacity = first.slider("Overlay opacity", 0.0, 1.0, 0.6, 0.05, key="opacity", bind="query-params")
    with second:
        colormap = linked_select("Colour map", {key: row.label for key, row in COLORMAPS.items()}, "cmap")
    window = third.slider(
        "Window (black to white)",
        0.0,
        1.0,
        (0.0, 1.0),
        0.01,
        key="window",
        bind="query-params",
        help="Film values shown as black and as white. Level is their middle, width their distance.",
    )
    with fourth:
        lungs = st.toggle("Lung outline", True, key="lungs", bind="query-params")
        invert = st.toggle("Invert film", key="invert", bind="query-params")
    return Look(opacity, colormap, window, invert, lungs)
