"""The CHECKS table: what may be wrong with films of a manifest, each list with its rule and its reasons."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model.data.browse import Films
from covid_model.data.duplicates import NEAR, near_pairs
from covid_model.data.filters import UNKNOWN

MOST: Final = 20_000
"""Near-duplicates and missing files are looked for among at most this many films."""
LETTERS: Final = 10
BORDER: Final = 0.1
INVERTED: Final = -0.15
"""Inverted films lie near -0.5; films in a white frame come down to 0."""

Found = Iterator[tuple[int, str]]
"""(place in the table, why) of each film."""


@dataclass(frozen=True)
class Check:
    """One thing that may be wrong. needs: columns without which it cannot be looked for. rule: one sentence.

    severe: must be empty in a clean data set. find: places and reasons.
    """

    key: str
    title: str
    rule: str
    needs: tuple[str, ...]
    severe: bool
    find: Callable[[pd.DataFrame], Found]


@lru_cache(maxsize=1)
def _pairs(hashes: tuple[str, ...]) -> NDArray[np.int64]:
    """Near pairs, found once for the two checks that ask for them."""
    return near_pairs(hashes)


def _repeated(table: pd.DataFrame) -> Found:
    for digest, rows in table.groupby("digest", sort=False).groups.items():
        if len(rows) > 1:
            for place in rows:
                yield place, f"{len(rows)} rows hold this very file ({str(digest)[:8]})"


def _near(table: pd.DataFrame) -> Found:
    paths = table["path"].map(lambda path: Path(path).name)
    for first, second, distance in _pairs(tuple(table["phash"].head(MOST))):
        if table["patient"].iloc[first] != table["patient"].iloc[second]:
            yield first, f"{distance} of 256 bits from {paths.iloc[second]}"
            yield second, f"{distance} of 256 bits from {paths.iloc[first]}"


def _leaking_patients(table: pd.DataFrame) -> Found:
    splits = table.groupby("patient")["split"].transform("nunique")
    for place in table.index[splits > 1]:
        yield place, f"patient {table['patient'][place]} stands in several splits"


def _leaking_pairs(table: pd.DataFrame) -> Found:
    split = table["split"].tolist()
    for first, second, distance in _pairs(tuple(table["phash"].head(MOST))):
        if split[first] != split[second]:
            yield first, f"{distance} of 256 bits from a film of the {split[second]} split"
            yield second, f"{distance} of 256 bits from a film of the {split[first]} split"


def _mislabelled(table: pd.DataFrame) -> Found:
    """Confident learning's threshold (Northcutt 2021, arXiv 1911.00068, eq. 2) on the most probable class."""
    right = table[table["correct"].fillna(False).astype(bool)]
    usual = right.groupby("predicted")["confidence"].mean()
    wrong = table[table["correct"].notna() & ~table["correct"].fillna(True).astype(bool) & (table["split"] != "train")]
    for row in wrong.sort_values("confidence", ascending=False).itertuples():
        if row.confidence >= usual.get(row.predicted, 1.0):
            yield row.Index, f"labelled {row.label}, taken for {row.predicted} at {row.confidence:.0%}"


def _lateral(table: pd.DataFrame) -> Found:
    for place in table.index[table["view"].fillna("").str.upper().str.match(r"(L$|LL|LAT)")]:
        yield place, f"view {table['view'][place]}"


def _inverted(table: pd.DataFrame) -> Found:
    for place in table.index[table["likeness"] < INVERTED]:
        yield place, f"correlation {table['likeness'][place]:.2f} with a drawn chest film"


def _text(table: pd.DataFrame) -> Found:
    for place in table["letters"].sort_values(ascending=False, kind="stable").index:
        if table["letters"][place] < LETTERS:
            return
        yield place, f"{table['letters'][place]} letter-like marks near the edges"


def _framed(table: pd.DataFrame) -> Found:
    for place in table.index[table["border"] > BORDER]:
        yield place, f"{table['border'][place]:.0%} of the film is a flat frame"


def _no_lungs(table: pd.DataFrame) -> Found:
    for place in table.index[table["lungs"] == "failed"]:
        yield place, "lungs not found"


def _bare(table: pd.DataFrame) -> Found:
    empty = pd.DataFrame({name: table[name].isna() | (table[name].astype(str) == "") for name in ("view", "sex", "age")})
    for place in table.index[empty.all(axis=1)]:
        yield place, f"view, sex and age {UNKNOWN}"


def _gone(table: pd.DataFrame) -> Found:
    for place, path in table["path"].head(MOST).items():
        if not Path(path).is_file():
            yield int(str(place)), "the file is not where the manifest says"


CHECKS: Final = {
    row.key: row
    for row in (
        Check("patients", "Patients in several splits", "A patient's films must share a split.", ("patient",), True,
              _leaking_patients),
        Check("leaks", "Near-duplicates across splits",
              f"At most {NEAR} of 256 bits of a perceptual hash apart, splits differ.", ("phash",), True, _leaking_pairs),
        Check("repeated", "Same file twice", "Two rows with one digest.", (), True, _repeated),
        Check("gone", "Missing files", "The path of the manifest leads nowhere.", (), True, _gone),
        Check("near", "Near-duplicates of different patients", f"At most {NEAR} of 256 bits of a perceptual hash apart.",
              ("phash", "patient"), False, _near),
        Check("mislabelled", "Perhaps mislabelled", "Outside the training split, the model names another class with at "
              "least its usual confidence in that class (Northcutt 2021).", ("correct", "confidence"), False, _mislabelled),
        Check("lateral", "Lateral films", "The view says so.", ("view",), False, _lateral),
        Check("inverted", "Inverted films", f"Coarse correlation with a drawn chest film below {INVERTED}.", ("likeness",),
              False, _inverted),
        Check("text", "Burned-in text", f"{LETTERS} or more small glaring marks near the edges.", ("letters",), False,
              _text),
        Check("framed", "Flat frames", f"More than {BORDER:.0%} of the film in flat rows and columns at its edges.",
              ("border",), False, _framed),
        Check("no-lungs", "Lungs not found", "The lung network's outline failed its own checks.", ("lungs",), False,
              _no_lungs),
        Check("bare", "No view, sex and age", "All three are empty.", ("view", "sex", "age"), False, _bare),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """What one check found. films: digest, path and why, a film at most once; None where its columns are missing."""

    check: Check
    films: pd.DataFrame | None


def run_check(check: Check, table: pd.DataFrame) -> Finding:
    """Look for one thing. table: rows of a manifest, measured or not."""
    if any(column not in table.columns for column in check.needs):
        return Finding(check, None)
    table = table.reset_index(drop=True)
    found: dict[int, str] = {}
    for place, why in check.find(table):
        found.setdefault(place, why)
    rows = table.loc[list(found), ["digest", "path", "source", "label", "split"]]
    return Finding(check, rows.assign(why=list(found.values())).reset_index(drop=True))


def run_checks(films: Films) -> list[Finding]:
    """Every check on all films of a manifest."""
    table = films.column_of([name for name in films.columns if name != "file_row_number"])
    return [run_check(check, table) for check in CHECKS.values()]
