"""The FILTERS table: how the images of a manifest can be filtered, for pages, links and queries."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

UNKNOWN: Final = "not stated"
"""Label of an empty cell."""

Kind = Literal["choice", "range"]


@dataclass(frozen=True)
class Filter:
    """One filter. needs: column without which it is not offered; sql: the SQL expression that is compared.

    low, high: ends of a range.
    """

    key: str
    title: str
    kind: Kind
    needs: str
    sql: str
    low: float = 0.0
    high: float = 1.0


def _plain(column: str) -> str:
    return f"coalesce(nullif({column}, ''), '{UNKNOWN}')"


AGE_BANDS: Final = ((18, "under 18"), (40, "18 to 39"), (60, "40 to 59"), (80, "60 to 79"))
"""(first age above the band, name)."""
OLDEST: Final = "80 and more"
_AGE: Final = " ".join(f"WHEN age < {end} THEN '{name}'" for end, name in AGE_BANDS)

FILTERS: Final = {
    row.key: row
    for row in (
        Filter("source", "Source", "choice", "source", _plain("source")),
        Filter("split", "Split", "choice", "split", _plain("split")),
        Filter("label", "Label", "choice", "label", _plain("label")),
        Filter("predicted", "Prediction", "choice", "predicted", _plain("predicted")),
        Filter("prediction", "Correctness", "choice", "correct", "CASE WHEN correct THEN 'right' ELSE 'wrong' END"),
        Filter("view", "View", "choice", "view", _plain("view")),
        Filter("sex", "Sex", "choice", "sex", _plain("sex")),
        Filter("age", "Age", "choice", "age", f"CASE WHEN age IS NULL THEN '{UNKNOWN}' {_AGE} ELSE '{OLDEST}' END"),
        Filter("second_read", "Second read", "choice", "second_read", _plain("second_read")),
        Filter("lungs", "Lung outline", "choice", "lungs", _plain("lungs")),
        Filter("confidence", "Confidence", "range", "confidence", "confidence"),
        Filter("attention", "Attention in lungs", "range", "attention", "attention"),
    )
}

SEARCHED: Final = ("finding", "patient", "view", "licence", "path")
"""Columns that a search text is looked for in."""
SORTS: Final = {
    "": "As in the manifest",
    "confidence": "Confidence",
    "attention": "Attention in lungs",
    "age": "Age",
    "height": "Size",
    "patient": "Patient",
}
"""Column by which images can be sorted -> title."""


@dataclass(frozen=True)
class Query:
    """Which images, in which order. choices: filter -> values; ranges: filter -> (low, high). text: search terms, all of
    which must be in the SEARCHED columns. digests: only these images, where given. tags: only images with one of these,
    which `data.tags.with_tags` turns into digests.
    """

    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    text: str = ""
    sort: str = ""
    descending: bool = False
    digests: tuple[str, ...] | None = None
    tags: tuple[str, ...] = ()

    def without(self, key: str) -> "Query":
        """The same query without the choice of one filter."""
        return replace(self, choices={name: values for name, values in self.choices.items() if name != key})


def condition(query: Query, columns: Iterable[str]) -> tuple[str, list[object]]:
    """(SQL condition with ? placeholders, their values). Filters whose column is missing are left out.

    >>> condition(Query(ranges={"confidence": (0.5, 1.0)}), ["confidence"])
    ('true AND confidence BETWEEN ? AND ?', [0.5, 1.0])
    """
    known, parts, values = set(columns), ["true"], list[object]()
    for key, chosen in query.choices.items():
        row = FILTERS.get(key)
        if row is not None and row.needs in known and chosen:
            parts.append(f"{row.sql} IN ({', '.join('?' * len(chosen))})")
            values += chosen
    for key, (low, high) in query.ranges.items():
        row = FILTERS.get(key)
        if row is not None and row.needs in known and (low, high) != (row.low, row.high):
            parts.append(f"{row.sql} BETWEEN ? AND ?")
            values += [low, high]
    for term in query.text.split():
        searched = [f"contains(lower({column}), ?)" for column in SEARCHED if column in known]
        parts.append(f"({' OR '.join(searched) or 'false'})")
        values += [term.lower()] * len(searched)
    if query.digests is not None:
        parts.append("list_contains(?, digest)")
        values.append(list(query.digests))
    return " AND ".join(parts), values
