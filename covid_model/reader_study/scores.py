"""What a reader study found: accuracy with and without heatmaps, and how often a wrong answer was followed."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from covid_model.evaluation.bootstrap import Interval, share_interval
from covid_model.reader_study.session import Reading

Row = dict[str, str | int | float | bool]


@dataclass(frozen=True)
class Measure:
    """One share: of the rows that `among` selects, those for which `counts` holds. meaning: in words, for a table."""

    key: str
    meaning: str
    among: Callable[[Row], bool]
    counts: Callable[[Row], bool]


def _was_wrong(row: Row) -> bool:
    return not row["shown_right"]


MEASURES: Final = (
    Measure("before", "right before the heatmap", lambda row: True, lambda row: row["first"] == row["truth"]),
    Measure("after", "right after the heatmap", lambda row: True, lambda row: row["second"] == row["truth"]),
    Measure(
        "followed_wrong",
        "changed to a wrong answer that was shown",
        lambda row: _was_wrong(row) and row["first"] != row["shown"],
        lambda row: row["second"] == row["shown"],
    ),
    Measure(
        "followed_right",
        "changed to a right answer that was shown",
        lambda row: bool(row["shown_right"]) and row["first"] != row["shown"],
        lambda row: row["second"] == row["shown"],
    ),
    Measure(
        "same_region",
        "the heatmap's strongest region was one the reader had marked",
        lambda row: bool(row["region"]),
        lambda row: str(row["heatmap_region"]) in str(row["region"]).split("; "),
    ),
)
"""Over-reliance is `followed_wrong`, under-reliance what is missing from `followed_right` to 1."""


def rows_of(reader: str, readings: Sequence[Reading], regions: Mapping[int, str], verdicts: Mapping[int, str]) -> list[Row]:
    """One flat row a trial. regions, verdicts: of the heatmaps shown, by number of the trial, where known."""
    return [
        {
            "reader": reader,
            "number": reading.trial.number,
            "image": reading.trial.image,
            "truth": reading.trial.truth,
            "shown": reading.trial.shown,
            "shown_right": reading.trial.right,
            "method": reading.trial.method,
            "first": reading.first,
            "region": "; ".join(reading.region),
            "first_seconds": reading.first_seconds,
            "second": reading.second,
            "second_seconds": reading.second_seconds,
            "heatmap_region": regions.get(reading.trial.number, ""),
            "verdict": verdicts.get(reading.trial.number, ""),
        }
        for reading in readings
    ]


def measured(rows: Sequence[Row]) -> dict[str, Interval]:
    """Every measure with its 95% interval: bootstrapped by reader where there are several, else Wilson's (1927).

    A bootstrap of few images of one reader would call 0 of 2 certain, and one of readers who agree has no width: where all
    or none count, the interval is the exact one for so many readers.

    >>> row = {"reader": "a", "image": "x", "truth": "N", "shown": "C", "shown_right": False, "first": "N", "second": "C",
    ...        "region": "", "heatmap_region": ""}
    >>> found = measured([row, {**row, "image": "y", "second": "N"}])
    >>> found["before"].value, found["after"].value, found["followed_wrong"].value, found["followed_right"].value
    (1.0, 0.5, 0.5, None)
    """
    several = len({row["reader"] for row in rows}) > 1
    found = {}
    for measure in MEASURES:
        among = [row for row in rows if measure.among(row)]
        counted = [measure.counts(row) for row in among]
        readers = [str(row["reader"]) for row in among]
        found[measure.key] = share_interval(readers, np.array(counted, float)) if several else _wilson(counted)
    return found


def _wilson(counted: Sequence[bool]) -> Interval:
    """The share of True among trials of one reader."""
    from scipy.stats import binomtest

    n, k = len(counted), sum(counted)
    if n == 0:
        return Interval(None, None, None, 0, 0)
    ends = binomtest(k, n).proportion_ci(method="wilson")
    return Interval(k / n, float(ends.low), float(ends.high), n, n)


def measured_by(rows: Sequence[Row], column: str) -> dict[str, dict[str, Interval]]:
    """`measured` for each value of a column, such as "method" or "verdict"; rows without a value are left out."""
    values = sorted({str(row[column]) for row in rows} - {""})
    return {value: measured([row for row in rows if str(row[column]) == value]) for value in values}


def csv_text(rows: Sequence[Row]) -> str:
    """The rows as CSV with a header; empty without rows."""
    if not rows:
        return ""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()
