"""The CHECKS table: quality checks of a manifest; each lists images with a reason.

They are queries of the Parquet file, so that a million images need no more memory than a thousand.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model.data.browse import ManifestTable
from covid_model.data.duplicates import NEAR, near_pairs
from covid_model.data.filters import UNKNOWN

MOST: Final = 20_000
"""Near-duplicates and missing files are looked for among this many first images."""
LISTED: Final = 1_000
"""Images that a check lists; it counts all."""
LISTED_COLUMNS: Final = ("digest", "path", "source", "label", "split", "phash")
LETTERS: Final = 10
BORDER: Final = 0.1
INVERTED: Final = -0.15
"""Inverted images are near -0.5; images in a white frame come down to 0."""

Reasons = Sequence[tuple[int, str]]
"""(place in the manifest, reason) of images."""
Remedy = Literal["images", "copies", "rebuild"]
"""What helps: leave the images out, leave out all but one of each group of copies, or build the manifest again."""
Finder = Callable[[ManifestTable], tuple[int, Reasons]]
"""Counts the images and lists the first of them with their reasons."""


@dataclass(frozen=True)
class Check:
    """One quality check. needs: columns without which it cannot run. rule: one sentence.

    severe: must it find nothing in a clean data set? remedy: what helps against what it finds.
    """

    key: str
    title: str
    rule: str
    needs: tuple[str, ...]
    severe: bool
    find: Finder
    remedy: Remedy = "images"


def _asked(sql: str) -> Finder:
    """From a query for `place` and `why`, in the order of the list."""

    def find(images: ManifestTable) -> tuple[int, Reasons]:
        count = int(images.ask(f"SELECT count(*) AS n FROM ({sql})")["n"][0])
        rows = images.ask(f"{sql} LIMIT {LISTED}")
        return count, list(zip(rows["place"].astype(int), rows["why"].astype(str), strict=True))

    return find


def _where(condition: str, why: str, order: str = "file_row_number") -> Finder:
    return _asked(f"SELECT file_row_number AS place, {why} AS why FROM images WHERE {condition} ORDER BY {order}")


REPEATED: Final = """
SELECT file_row_number AS place, n || ' rows have this file (' || left(images.digest, 8) || ')' AS why
FROM images JOIN (SELECT digest, count(*) AS n FROM images GROUP BY digest HAVING n > 1) AS twice USING (digest)
ORDER BY images.digest, place
"""
MISLABELLED: Final = """
WITH usual AS (SELECT predicted, avg(confidence) AS threshold FROM images WHERE correct GROUP BY predicted)
SELECT file_row_number AS place,
    'labelled ' || label || ', predicted ' || predicted || ' at ' || round(100 * confidence)::INTEGER || '%' AS why
FROM images JOIN usual USING (predicted)
WHERE NOT correct AND split <> 'train' AND confidence >= threshold ORDER BY confidence DESC, place
"""
"""Confident learning's threshold (Northcutt 2021, arXiv 1911.00068, eq. 2) on the most probable class."""
_BARE: Final = " AND ".join(f"coalesce(CAST({name} AS VARCHAR), '') IN ('', 'nan')" for name in ("view", "sex", "age"))


@lru_cache(maxsize=1)
def _pairs(hashes: tuple[str, ...]) -> NDArray[np.int64]:
    """Near-duplicate pairs, found once for all checks that use them."""
    return near_pairs(hashes)


def _pairs_differing(column: str, why: str) -> Finder:
    """Near-duplicates whose `column` differs. why: a format string of distance, and name and value of the other image."""

    def find(images: ManifestTable) -> tuple[int, Reasons]:
        table = images.head(["path", "phash", column], MOST)
        names = [Path(path).name for path in table["path"]]
        values = table[column].tolist()
        found: dict[int, str] = {}
        for first, second, distance in _pairs(tuple(table["phash"])):
            if values[first] != values[second]:
                for one, other in ((first, second), (second, first)):
                    found.setdefault(int(one), why.format(distance=distance, name=names[other], value=values[other]))
        return len(found), list(found.items())[:LISTED]

    return find


def _gone(images: ManifestTable) -> tuple[int, Reasons]:
    paths = images.head(["path"], MOST)["path"]
    places = [place for place, path in enumerate(paths) if not Path(path).is_file()]
    return len(places), [(place, "there is no file at its path") for place in places[:LISTED]]


_AMONG: Final = f"Checked for the first {MOST:,} images."
_NEAR: Final = f"Perceptual hashes differ in at most {NEAR} of 256 bits"

CHECKS: Final = {
    row.key: row
    for row in (
        Check("patients", "Patients in several splits", "A patient's images must share a split.", ("patient",), True, _where(
            "patient IN (SELECT patient FROM images GROUP BY patient HAVING min(split) <> max(split))",
            "'patient ' || regexp_replace(patient, '^[^:]*:', '') || ' is in several splits'"), "rebuild"),
        Check("leaks", "Near-duplicates across splits", f"{_NEAR}, and the splits differ. {_AMONG}", ("phash",), True,
              _pairs_differing("split", "{distance} of 256 bits from an image of the {value} split"), "copies"),
        Check("repeated", "Same file twice", "Several rows have the same digest.", (), True, _asked(REPEATED), "copies"),
        Check("gone", "Missing files", f"There is no file at the path in the manifest. {_AMONG}", (), True, _gone),
        Check("disputed", "One image, two labels", f"{_NEAR}, and the labels differ. {_AMONG}", ("phash",), False,
              _pairs_differing("label", "{distance} of 256 bits from {name}, labelled {value}")),
        Check("near", "Near-duplicates of different patients", f"{_NEAR}, and the patients differ. {_AMONG}",
              ("phash", "patient"), False,
              _pairs_differing("patient", "{distance} of 256 bits from {name}"), "copies"),
        Check("mislabelled", "Possibly mislabelled", "Outside the training split, the model predicts another class with at "
              "least its mean confidence in that class (Northcutt 2021).", ("correct", "confidence"), False,
              _asked(MISLABELLED)),
        Check("second-read", "Labels that a second read does not share",
              "People read the image again and saw something else.", ("second_read",), False,
              _where("second_read NOT IN ('', label)", "'labelled ' || label || ', read again as ' || second_read")),
        Check("lateral", "Lateral images", "The view in the manifest is lateral.", ("view",), False,
              _where("regexp_matches(upper(coalesce(view, '')), '^(L$|LL|LAT)')", "'view ' || view")),
        Check("inverted", "Inverted images", f"The correlation with a drawn chest X-ray is below {INVERTED}.", ("likeness",),
              False, _where(f"likeness < {INVERTED}",
                            "'correlation ' || printf('%.2f', likeness) || ' with a drawn chest X-ray'")),
        Check("text", "Burned-in text", f"{LETTERS} or more small bright marks are near the edges.", ("letters",), False,
              _where(f"letters >= {LETTERS}", "letters || ' letter-like marks near the edges'",
                     "letters DESC, file_row_number")),
        Check("framed", "Flat frames", f"More than {BORDER:.0%} of the image is in flat rows and columns at its edges.",
              ("border",), False,
              _where(f"border > {BORDER}", "round(100 * border)::INTEGER || '% of the image is a flat frame'")),
        Check("no-lungs", "Lungs not found", "The lung network found no plausible outline.", ("lungs",), False,
              _where("lungs = 'failed'", "'lungs not found'")),
        Check("bare", "No view, sex and age", "All three are empty.", ("view", "sex", "age"), False,
              _where(_BARE, f"'view, sex and age {UNKNOWN}'")),
    )
}  # fmt: skip


@dataclass(frozen=True)
class CheckResult:
    """What one check found. count: of images; None where the check's columns are missing. images: the first LISTED of them,
    with digest, path, source, label, split, phash (where there are any) and why.
    """

    key: str
    count: int | None
    images: pd.DataFrame

    @property
    def check(self) -> Check:
        """Its row of CHECKS."""
        return CHECKS[self.key]


def run_check(check: Check, images: ManifestTable) -> CheckResult:
    """Run one check on all images of a manifest."""
    measured = all(column in images.columns for column in check.needs)
    count, reasons = check.find(images) if measured else (None, [])
    shown = [name for name in LISTED_COLUMNS if name in images.columns]
    rows = images.rows([place for place, _ in reasons])[shown]
    return CheckResult(check.key, count, rows.assign(why=[why for _, why in reasons]))


def run_checks(images: ManifestTable) -> list[CheckResult]:
    """Run every check on all images of a manifest."""
    return [run_check(check, images) for check in CHECKS.values()]
