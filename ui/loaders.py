"""Models loaded once for all sessions, and results remembered by what they were made from."""

import streamlit as st

from covid_model.explain.engine import explain
from covid_model.explain.explanation import Explanation
from covid_model.films.film import Film
from covid_model.films.read import read_film
from covid_model.lungs.segment import LungSegmenter
from covid_model.predict import Prediction, predict
from covid_model.zoo.classifier import Classifier, load


@st.cache_resource(show_spinner="Starting TensorFlow and the lung network: a few seconds, once …")
def segmenter() -> LungSegmenter:
    """The lung network, shared by all models and sessions; it guards itself with a lock."""
    return LungSegmenter.load()


@st.cache_resource(max_entries=4, show_spinner="Loading the model …")
def classifier(key: str) -> Classifier:
    """A shipped model, shared by all sessions; it guards itself with a lock."""
    return load(key, segmenter())


@st.cache_data(max_size="64MB", ttl="30m", show_spinner=False)
def film_from(data: bytes) -> Film:
    """The film in the bytes of an upload. Raises FilmError."""
    return read_film(data)


@st.cache_data(max_size="96MB", ttl="30m", show_spinner="Reading the film …", hash_funcs={Film: lambda film: film.digest})
def prediction(model: str, film: Film) -> Prediction:
    """What the model says about the film; remembered by film digest and model."""
    return predict(classifier(model), film)


@st.cache_data(max_size="96MB", ttl="30m", show_spinner="Making the heatmap …", hash_funcs={Film: lambda film: film.digest})
def explanation(model: str, film: Film, method: str, target: str, layer: str) -> Explanation:
    """One heatmap; remembered by film digest and choices."""
    return explain(classifier(model), prediction(model, film), method=method, target=target, layer=layer)
