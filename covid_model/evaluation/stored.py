"""Reports as they are stored: the shipped ones, and those that `evaluate` wrote to the folder of reports."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from covid_model.errors import DataError
from covid_model.settings import ASSETS, reports_folder

if TYPE_CHECKING:
    import pandas as pd

    from covid_model.evaluation.cases import Cases

REPORT: Final = "report.json"
PREDICTIONS: Final = "predictions.parquet"
SHORTCUTS: Final = "shortcuts.json"
"""Of `audit --shortcuts`, in the folder of the report of the same model."""
HEATMAPS: Final = "heatmaps.json"
"""Of `evaluate --heatmaps`: mean heatmaps of the test images."""
SHORTCUT_ROWS: Final = (
    *("matrix", "without_network", "source", "leave_one_out", "marker_flips", "shortcut_ratio"),
    *("told", "between_sources", "elsewhere", "leakage"),
)
"""What such an audit holds beside its facts."""
SHIPPED: Final = ASSETS / "reports"
NEEDED: Final = (
    *("model", "title", "classes", "head", "date", "version", "data_hash", "weights_sha256", "left_out", "splits"),
    *("operating_points", "curves", "reliability", "abstention", "conformal", "worst"),
)


@dataclass(frozen=True)
class StoredReport:
    """One report. name: of its folder. content: report.json."""

    name: str
    folder: Path
    content: dict[str, Any]

    @cached_property
    def predictions(self) -> "pd.DataFrame":
        """The rows of `predictions.parquet`, one an image of the validation and test splits. Raises DataError."""
        import pandas as pd

        path = self.folder / PREDICTIONS
        try:
            table = pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise DataError(f"{path} is not readable; run `evaluate` again.") from error
        needed = {"digest", "source", "patient", "split", "class", "predicted", *map(probability_column, self.classes)}
        if missing := sorted(needed - set(table)):
            raise DataError(f"{path} lacks the column(s) {', '.join(missing)}; run `evaluate` again.")
        return table

    @cached_property
    def shortcuts(self) -> dict[str, Any] | None:
        """The shortcut audit in the report's folder; None where there is none for the same weights. Raises DataError."""
        path = self.folder / SHORTCUTS
        if not path.is_file():
            return None
        try:
            found: dict[str, Any] = json.loads(path.read_text("utf-8"))
            missing = [key for key in SHORTCUT_ROWS if key not in found]
            same = found["without_lungs"] in found["matrix"] and found["weights_sha256"] == self.content["weights_sha256"]
        except (OSError, ValueError, TypeError, KeyError):
            raise DataError(f"{path} is not readable; run `audit --shortcuts` again.") from None
        if missing:
            raise DataError(f"{path} lacks {', '.join(missing)}; run `audit --shortcuts` again, which adds them.")
        return found if same else None

    @cached_property
    def heatmaps(self) -> dict[str, Any] | None:
        """The mean heatmaps in the report's folder; None where there are none for the same weights. Raises DataError."""
        path = self.folder / HEATMAPS
        if not path.is_file():
            return None
        try:
            found: dict[str, Any] = json.loads(path.read_text("utf-8"))
            same = found["weights_sha256"] == self.content["weights_sha256"]
            return found if same and found["cells"] and found["sources"] else None
        except (OSError, ValueError, TypeError, KeyError):
            raise DataError(f"{path} is not readable; run `evaluate --heatmaps` again.") from None

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the probabilities."""
        return tuple(self.content["classes"])

    @property
    def test(self) -> dict[str, Any]:
        """Scores on the test images."""
        return dict(self.content["splits"]["test"])

    def cases(self, rows: "pd.DataFrame") -> "Cases":
        """The cases of some rows of `predictions`."""
        from covid_model.evaluation.cases import Cases

        return Cases(
            classes=self.classes,
            label=rows["class"].map(self.classes.index).to_numpy(np.int64),
            probabilities=rows[[probability_column(name) for name in self.classes]].to_numpy(np.float64),
            patients=rows["patient"].to_numpy(),
            head=self.content["head"],
        )

    @property
    def thresholds_by_class(self) -> dict[str, dict[str, float]]:
        """Class -> {name of an operating point: threshold}, for the classes that have any."""
        return {name: found["thresholds"] for name, found in self.content["operating_points"].items()}


def probability_column(name: str) -> str:
    """The column of a class's probability in `predictions.parquet`."""
    return f"probability/{name}"


def read_report(folder: Path) -> StoredReport:
    """The report in a folder. Raises DataError where there is none or it lacks a part."""
    try:
        content = json.loads((folder / REPORT).read_text("utf-8"))
    except (OSError, ValueError):
        raise DataError(
            f"{folder} holds no readable {REPORT}; `python -m covid_model evaluate --out {folder}` writes one."
        ) from None
    missing = [key for key in NEEDED if key not in content] if isinstance(content, dict) else list(NEEDED)
    if missing:
        raise DataError(f"{folder / REPORT} lacks {', '.join(missing)}; run `evaluate` again.")
    return StoredReport(folder.name, folder, content)


def find_reports() -> dict[str, Path]:
    """Name -> folder of every report: the shipped ones first, then the user's, which replace shipped ones of their name."""
    found = {}
    for place in (SHIPPED, reports_folder()):
        for path in sorted(place.glob(f"*/{REPORT}")):
            found[path.parent.name] = path.parent
    return found
