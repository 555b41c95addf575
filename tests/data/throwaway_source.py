"""A source of one file that is not part of the program: what a new one takes."""

from covid_model.data.readers import read_listed
from covid_model.data.source import Source, register

register(
    Source(
        name="throwaway",
        title="Throwaway collection (Nobody 2026)",
        homepage="https://example.org/throwaway",
        licence="CC0",
        folders=("throwaway",),
        archives=("https://example.org/throwaway.zip",),
        reader=read_listed,
        tables=("list.csv",),
        columns={"path": "file", "finding": "dx", "patient": "who", "view": "view"},
        labels={"corona": "COVID-19", "well": "Normal"},
        children=True,
    )
)
