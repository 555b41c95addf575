"""Confounders: what reveals an image's label apart from the lungs, in sentences made from counts."""

from dataclasses import dataclass
from typing import Final

from covid_model.data.description import Counts, Description
from covid_model.data.filters import FILTERS, UNKNOWN
from covid_model.data.sources import sources_with

COLUMNS: Final = ("source", "age", "view", "sex")
REVEALING: Final = 0.05
"""A column reveals the label where it improves guessing by at least this much."""
APART: Final = 1.5
"""Medians that differ by more than this factor are reported."""


@dataclass(frozen=True)
class Guess:
    """right: share of labels guessed right from one column alone. always: share of the most frequent label."""

    column: str
    right: float
    always: float

    @property
    def gives_label_away(self) -> bool:
        """Does the column give the label away?"""
        return self.right - self.always >= REVEALING


def guess(column: str, counts: Counts) -> Guess:
    """Guess the most frequent label of each value. counts: value -> label -> images.

    >>> guess("source", {"a": {"COVID-19": 9, "Normal": 1}, "b": {"Normal": 10}})
    Guess(column='source', right=0.95, always=0.55)
    """
    total = sum(sum(cells.values()) for cells in counts.values())
    labels: dict[str, int] = {}
    for cells in counts.values():
        for label, images in cells.items():
            labels[label] = labels.get(label, 0) + images
    right = sum(max(cells.values()) for cells in counts.values())
    return Guess(column, right / max(1, total), max(labels.values(), default=0) / max(1, total))


def guesses(description: Description) -> list[Guess]:
    """One guess for each available column, the most revealing first."""
    found = [guess(column, description.counts[column]) for column in COLUMNS if column in description.counts]
    return sorted(found, key=lambda each: each.always - each.right)


def sentences(description: Description) -> list[str]:
    """Every confounder that the counts show, the strongest kinds first."""
    by_source = description.counts["source"]
    return [
        *_sources(by_source),
        *_children(by_source),
        *_guesses(description),
        *_missing(description),
        *_spreads(description),
    ]


def _sources(by_source: Counts) -> list[str]:
    """Labels whose images share no source with another label."""
    found = []
    children = sources_with(lambda source: source.children)  # `_children` reports these
    for label in sorted({label for cells in by_source.values() for label in cells}):
        own = {source for source, cells in by_source.items() if cells.get(label)}
        alone = {source for source in own if set(by_source[source]) == {label}}
        images = sum(by_source[source][label] for source in own)
        apart = sum(by_source[source][label] for source in alone)
        if apart == images:
            found.append(f"The source reveals {label}: all {images:,} images of it come from sources with no other label.")
        elif apart:
            found.append(
                f"The source often reveals {label}: {apart:,} of {images:,} images of it come from sources with no other "
                f"label ({', '.join(sorted(alone))})."
            )
        for source, cells in by_source.items():
            if label == "COVID-19" and not cells.get(label) and source not in children:
                found.append(f"{source} has no COVID-19 among its {sum(cells.values()):,} images.")
    return found


def _children(by_source: Counts) -> list[str]:
    found = []
    for source in sorted(sources_with(lambda source: source.children) & by_source.keys()):
        images, covid = sum(by_source[source].values()), by_source[source].get("COVID-19", 0)
        found.append(f"Age is a confounder: all {images:,} images of {source} show children, {covid} of them with COVID-19.")
    return found


def _guesses(description: Description) -> list[str]:
    return [
        f"{FILTERS[each.column].title} alone gives {each.right:.0%} of the labels; always guessing the most frequent label "
        f"gives {each.always:.0%}."
        for each in guesses(description)
        if each.gives_label_away
    ]


def _missing(description: Description) -> list[str]:
    """Columns that are empty more often for some labels than for others."""
    found = []
    for column in ("age", "view", "sex"):
        counts = description.counts.get(column, {})
        shares = {}
        for label in description.labels:
            images = sum(cells.get(label, 0) for cells in counts.values())
            if images:
                shares[label] = counts.get(UNKNOWN, {}).get(label, 0) / images
        if shares and max(shares.values()) - min(shares.values()) > 0.2:
            stated = ", ".join(f"{share:.0%} of {label}" for label, share in shares.items())
            found.append(
                f"A missing {FILTERS[column].title.lower()} reveals the label: it is not stated for {stated} images."
            )
    return found


def _spreads(description: Description) -> list[str]:
    """Image statistics whose medians differ much between sources."""
    found = []
    for column, title in (
        ("height", "height in pixels"),
        ("contrast", "contrast"),
        ("letters", "count of letter-like marks"),
    ):
        medians = {source: values[2] for source, values in description.spreads.get(column, {}).get("source", {}).items()}
        if len(medians) > 1 and max(medians.values()) > APART * max(min(medians.values()), 1e-9):
            low, high = min(medians, key=medians.__getitem__), max(medians, key=medians.__getitem__)
            found.append(
                f"Sources differ in {title}, not only in the lungs: the median is {medians[low]:.3g} in {low} and "
                f"{medians[high]:.3g} in {high}."
            )
    return found
