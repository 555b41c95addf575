"""Patients: identifiers written in several ways, unknown patients, and patients in several sources."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Final

import pandas as pd

UNKNOWN_PATIENTS: Final = frozenset(
    {
        "",
        "unknown",
        "unk",
        "n/a",
        "na",
        "nan",
        "none",
        "null",
        "nil",
        "-",
        "--",
        "?",
        "missing",
        "not available",
        "not stated",
    }
    | {"anonymous", "anonymized", "anonymised", "anon"}
)
"""Cells that mean an unknown patient, in lower case: images with the same one do not share a patient."""


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def is_known(patient: str) -> bool:
    """Is it an identifier, and not a cell that means an unknown patient?

    >>> is_known("p17"), is_known(" Unknown "), is_known("")
    (True, False, False)
    """
    return _plain(patient) not in UNKNOWN_PATIENTS


def spelling_key(patient: str) -> str:
    """The common form of the spellings of an identifier: case, spaces, leading zeros and a fraction of zero are ignored.

    >>> {spelling_key(text) for text in ("1", "1.0", "001")}, spelling_key(" p1") == spelling_key("P01")
    ({'1'}, True)
    """
    plain = _plain(patient)
    match = re.fullmatch(r"(\D*)0*(\d+)(?:\.0+)?", plain)
    return f"{match[1]}{match[2]}" if match else plain


def one_spelling(patients: Iterable[str]) -> dict[str, str]:
    """Identifier -> its most frequent spelling, for those written in several ways.

    >>> one_spelling(["P1", "P1", "p01", "P2"])
    {'P1': 'P1', 'p01': 'P1'}
    """
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for patient in patients:
        spellings[spelling_key(patient)][patient] += 1
    return {
        patient: min(counts, key=lambda text: (-counts[text], len(text), text))
        for counts in spellings.values()
        if len(counts) > 1
        for patient in counts
    }


def shared_patients(table: pd.DataFrame, unique_stems: Collection[str]) -> Mapping[str, str]:
    """Patient -> name in another source, for patients with a file named like one of a source in `unique_stems`.

    table: columns path, source, patient.
    """
    stems = table["path"].map(lambda path: Path(path).stem)
    own = table["source"].isin(unique_stems)
    known = dict(zip(stems[own], table.loc[own, "patient"], strict=True))
    elsewhere = ~own & stems.isin(known)
    return dict(zip(table.loc[elsewhere, "patient"], stems[elsewhere].map(known), strict=True))
