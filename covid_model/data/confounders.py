"""What gives an image's label away without a look at the lungs, in sentences made from counts."""

from dataclasses import dataclass
from typing import Final

from covid_model.data.description import Counts, Description
from covid_model.data.filters import FILTERS, UNKNOWN
from covid_model.data.sources import SOURCES

LOOKED_AT: Final = ("source", "age", "view", "sex")
TELLING: Final = 0.05
"""A column that improves guessing by less than this gives little away."""
APART: Final = 1.5
"""Two middles this many times apart are told apart at a glance."""


@dataclass(frozen=True)
class Guess:
    """How often a label is guessed right from one column alone, and by always naming the most frequent label."""

    column: str
    right: float
    always: float

    @property
    def telling(self) -> bool:
        """Does the column give the label away?"""
        return self.right - self.always >= TELLING


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
    """One for each column that is there, the most telling first."""
    found = [guess(column, description.counts[column]) for column in LOOKED_AT if column in description.counts]
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
    said = []
    for label in sorted({label for cells in by_source.values() for label in cells}):
        own = {source for source, cells in by_source.items() if cells.get(label)}
        alone = {source for source in own if set(by_source[source]) == {label}}
        images = sum(by_source[source][label] for source in own)
        apart = sum(by_source[source][label] for source in alone)
        if apart == images:
            said.append(f"All {images:,} {label} images come from sources with no other label; a model can tell the source.")
        elif apart:
            said.append(
                f"{apart:,} of {images:,} {label} images come from sources with no other label ({', '.join(sorted(alone))})."
            )
        for source, cells in by_source.items():
            if label == "COVID-19" and not cells.get(label):
                said.append(f"{source} holds {sum(cells.values()):,} images and none of COVID-19.")
    return said


def _children(by_source: Counts) -> list[str]:
    said = []
    for source in (row.name for row in SOURCES.values() if row.children and row.name in by_source):
        images, covid = sum(by_source[source].values()), by_source[source].get("COVID-19", 0)
        said.append(
            f"All {images:,} images of {source} show children, {covid} of them with COVID-19; a model can tell the age."
        )
    return said


def _guesses(description: Description) -> list[str]:
    return [
        f"{FILTERS[each.column].title} alone guesses {each.right:.0%} of the labels right; always naming the most frequent "
        f"label is right for {each.always:.0%}."
        for each in guesses(description)
        if each.telling
    ]


def _missing(description: Description) -> list[str]:
    """Columns whose being empty depends on the label."""
    said = []
    for column in ("age", "view", "sex"):
        counts = description.counts.get(column, {})
        shares = {}
        for label in description.labels:
            images = sum(cells.get(label, 0) for cells in counts.values())
            if images:
                shares[label] = counts.get(UNKNOWN, {}).get(label, 0) / images
        if shares and max(shares.values()) - min(shares.values()) > 0.2:
            told = ", ".join(f"{share:.0%} of {label}" for label, share in shares.items())
            said.append(f"{FILTERS[column].title} is not stated for {told} images: what is missing tells labels apart too.")
    return said


def _spreads(description: Description) -> list[str]:
    """Numbers of the pictures whose middles lie far apart between sources."""
    said = []
    for column, title in (
        ("height", "height in pixels"),
        ("contrast", "contrast"),
        ("letters", "count of letter-like marks"),
    ):
        middles = {source: values[2] for source, values in description.spreads.get(column, {}).get("source", {}).items()}
        if len(middles) > 1 and max(middles.values()) > APART * max(min(middles.values()), 1e-9):
            low, high = min(middles, key=middles.__getitem__), max(middles, key=middles.__getitem__)
            said.append(
                f"The middle {title} is {middles[low]:.3g} in {low} and {middles[high]:.3g} in {high}: sources look "
                "different before anything in the lungs does."
            )
    return said
