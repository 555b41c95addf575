"""Tour: three films in three minutes, for people who see this for the first time."""

import streamlit as st

from covid_model.films.read import load_film
from covid_model.films.window import displayed
from covid_model.share.tour import STOPS, Finding, read_tour
from covid_model.synthetic.samples import shipped_samples
from ui.cards import card_of
from ui.links import explain_params
from ui.menu import require_entry


def show_stop(number: int, key: str, found: Finding) -> None:
    """One stop: the film, what to say, and the way to it."""
    stop, sample = STOPS[key], shipped_samples()[found.film]
    with st.container(border=True):
        picture, words = st.columns([1, 3], gap="large", vertical_alignment="center")
        picture.image(
            displayed(load_film(sample.path).pixels), alt=f"Synthetic film, drawn as {sample.label}", width="stretch"
        )
        with words:
            st.subheader(f"{number}. {stop.title}", anchor=False)
            st.markdown(stop.say.format(**vars(found)))
            st.page_link(
                "pages/explain.py",
                label=f"Open it: “{card_of(found.model).title}” on this film, with its tests",
                icon=":material/visibility:",
                query_params=explain_params(film=found.film, model=found.model, method=found.method),
            )
            st.caption(sample.origin)


require_entry()
st.header("Three films in three minutes", anchor=False)
st.markdown(
    "Models for COVID-19 chest films score nearly perfectly in papers and fail in the next hospital. A heatmap over the "
    "film is meant to show why a model answers as it does. **Should you believe it?** Open each film, read the answer, "
    "look at the map, and wait for the tests below it."
)
tour, day = read_tour()
for number, (key, found) in enumerate(tour.items(), 1):
    show_stop(number, key, found)
st.caption(f"Found among the synthetic films and the shipped models by `python -m covid_model tour` on {day}, not by hand.")
with st.container(horizontal=True):
    st.page_link("pages/models.py", label="What was claimed, and what is left of it", icon=":material/fact_check:")
    st.page_link("pages/dataset.py", label="What gives the labels away", icon=":material/photo_library:")
    st.page_link("pages/training.py", label="What a model looks at while it learns", icon=":material/model_training:")
