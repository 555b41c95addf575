"""What gives an image's label away apart from the lungs, in sentences made from counts."""

from dataclasses import dataclass
from typing import Final

from covid_model.data.description import Counts, Description
from covid_model.data.filters import FILTERS, UNKNOWN
from covid_model.data.sources import sources_with

COLUMNS: Final = ("source", "age", "view", "sex")
REVEALING: Final = 0.05
"""A column that improves guessing by less than this gives little away."""
APART: Final = 1.5
"""Medians this many times apart are named."""


@dataclass(frozen=True)
class Guess:
    """How often a label is guessed right from one column alone, and by always naming the most frequent label."""

    column: str
    right: float
    always: float

    @property
    def gives_label_away(self) -> bool:
        """Does the column give the label away?"""
        return self.right - self.always >= REVEALING


def guess(column: str, counts: Counts) -> Guess:
    """Guess the most frequent label of each value. counts: value -> label -> images."""
    total = sum(sum(cells.values()) for cells in counts.values())
    labels: dict[str, int] = {}
    for cells in counts.values():
        for label, images in cells.items():
            labels[label] = labels.get(label, 0) + images
    right = sum(max(cells.values()) for cells in counts.values())
    return Guess(column, right / max(1, total), max(labels.values(), default=0) / max(1, total))


def guesses(description: Description) -> list[Guess]:
    """One for each column that is there, the most revealing first."""
    found = [guess(column, description.counts[column]) for column in COLUMNS if column in description.counts]
    return sorted(found, key=lambda each: each.always - each.right)


def sentences(description: Description) -> list[str]:
    """Every confound that the counts show, the plainest first."""
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
    children = sources_with(lambda source: source.children)  # which have a sentence of their own
    for label in sorted({label for cells in by_source.values() for label in cells}):
        own = {source for source, cells in by_source.items() if cells.get(label)}
        alone = {source for source in own if set(by_source[source]) == {label}}
        images = sum(by_source[source][label] for source in own)
        apart = sum(by_source[source][label] for source in alone)
        if apart == images:
            found.append(
                f"All {images:,} {label} images come from sources with no other label; a model can tell the source."
            )
        elif apart:
            found.append(
                f"{apart:,} of {images:,} {label} images come from sources with no other label ({', '.join(sorted(alone))})."
            )
        for source, cells in by_source.items():
            if label == "COVID-19" and not cells.get(label) and source not in children:
                found.append(f"{source} holds {sum(cells.values()):,} images and none of COVID-19.")
    return found


def _children(by_source: Counts) -> list[str]:
    found = []
    for source in sorted(sources_with(lambda source: source.children) & by_source.keys()):
        images, covid = sum(by_source[source].values()), by_source[source].get("COVID-19", 0)
        found.append(
            f"All {images:,} images of {source} show children, {covid} of them with COVID-19; a model can tell the age."
        )
    return found


def _guesses(description: Description) -> list[str]:
    return [
        f"{FILTERS[each.column].title} alone guesses {each.right:.0%} of the labels right; always naming the most frequent "
        f"label is right for {each.always:.0%}."
        for each in guesses(description)
        if each.gives_label_away
    ]


def _missing(description: Description) -> list[str]:
    """Columns whose being empty depends on the label."""
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
                f"{FILTERS[column].title} is not stated for {stated} images: a missing value gives the label away too."
            )
    return found


def _spreads(description: Description) -> list[str]:
    """Numbers of the images whose medians differ much between sources."""
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
                f"The median {title} is {medians[low]:.3g} in {low} and {medians[high]:.3g} in {high}: sources differ "
                "in more than the lungs."
            )
    return found
