"""Groups of images by what is known of them: source, view, sex, age band."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from covid_model.data.filters import AGE_BANDS, OLDEST, UNKNOWN

if TYPE_CHECKING:
    import pandas as pd

LEAST: Final = 20
"""Images of a group, fewer than which its scores are not shown."""


@dataclass(frozen=True)
class Grouping:
    """One way to group images. column: of the manifest. value: that column -> text a row, UNKNOWN where it is empty."""

    key: str
    title: str
    column: str
    value: Callable[["pd.Series"], "pd.Series"]

    def of(self, table: "pd.DataFrame") -> "pd.Series":
        """(n,) text: the group of each manifest row; UNKNOWN everywhere where the manifest lacks the column."""
        import pandas as pd

        if self.column not in table:
            return pd.Series(UNKNOWN, index=table.index)
        return self.value(table[self.column])


def _text(column: "pd.Series") -> "pd.Series":
    return column.fillna("").astype(str).replace("", UNKNOWN)


def _age_band(column: "pd.Series") -> "pd.Series":
    import pandas as pd

    ages = pd.to_numeric(column, errors="coerce")
    ends, names = [end for end, _ in AGE_BANDS], [name for _, name in AGE_BANDS]
    found = pd.cut(ages, [-np.inf, *ends, np.inf], right=False, labels=[*names, OLDEST])
    return found.astype(object).where(ages.notna(), UNKNOWN)


GROUPINGS: Final = {
    row.key: row
    for row in (
        Grouping("source", "Source", "source", _text),
        Grouping("view", "View", "view", _text),
        Grouping("sex", "Sex", "sex", _text),
        Grouping("age", "Age", "age", _age_band),
    )
}
