"""Leakage check: is a patient or a near-duplicate image in two splits?"""

from dataclasses import dataclass

import pandas as pd

from covid_model.data.duplicates import near_pairs


@dataclass(frozen=True)
class Leakage:
    """patients: names in more than one split. pairs: (path, path, Hamming distance) of near-duplicates across splits."""

    patients: tuple[str, ...]
    pairs: tuple[tuple[str, str, int], ...]

    @property
    def clean(self) -> bool:
        """True when nothing leaks."""
        return not self.patients and not self.pairs


def check_leakage(table: pd.DataFrame) -> Leakage:
    """Find leakage in a manifest's table, from patients and hashes and not from the groups that the split was made by."""
    splits = table.groupby("patient")["split"].nunique()
    paths, split = table["path"].tolist(), table["split"].tolist()
    pairs = [
        (paths[i], paths[j], int(distance)) for i, j, distance in near_pairs(table["phash"].tolist()) if split[i] != split[j]
    ]
    return Leakage(tuple(sorted(splits[splits > 1].index)), tuple(pairs))
