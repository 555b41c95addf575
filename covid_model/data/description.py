"""A description of a manifest in counts, which may be published where its images may not."""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from covid_model import __version__
from covid_model.data.browse import ManifestTable
from covid_model.data.filters import FILTERS
from covid_model.data.labels import LABELS
from covid_model.errors import DataError
from covid_model.files import write_json
from covid_model.settings import ASSETS

SHIPPED: Final = ASSETS / "dataset.json"
"""The description of the public sources that the shipped models were trained on."""
COUNTED: Final[tuple[str, ...]] = ("source", "split", "view", "sex", "age", "lungs", "prediction")
MEASURED: Final[tuple[str, ...]] = (
    "age",
    "height",
    "width",
    "mean",
    "contrast",
    "border",
    "letters",
    "attention",
    "confidence",
)
QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)

Counts = dict[str, dict[str, int]]


@dataclass(frozen=True)
class Description:
    """images, patients: how many. counts: column -> value -> label -> images.

    spreads: column -> "source" or "label" -> value -> quantiles (QUANTILES). data_hash: of the manifest. model: key and
    first digits of the weights of the model that measured the images, empty where none did. date, version: when and by
    which version of the project it was made. second_reads: label by the source -> of its images that people read again,
    `read_as` (label -> images) and `differs`, the share read otherwise with its interval (`evaluation.label_noise`).
    """

    images: int
    patients: int
    counts: dict[str, Counts]
    spreads: dict[str, dict[str, dict[str, list[float]]]]
    data_hash: str
    model: str
    date: str
    version: str
    second_reads: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def noise_sentences(self) -> list[str]:
        """What second reads say of each label."""
        found = []
        for label, reads in self.second_reads.items():
            differs, others = reads["differs"], {name: n for name, n in reads["read_as"].items() if name != label}
            listed = ", ".join(f"{count:,} as {name}" for name, count in others.items())
            found.append(
                f"Of {differs['images']:,} images labelled {label} by their source that people read again, "
                f"{differs['value']:.0%} were read otherwise (95% interval {differs['low']:.0%} to "
                f"{differs['high']:.0%}{f': {listed}' if listed else ''})."
            )
        return found

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label that occurs, those of LABELS first."""
        found = {label for cells in self.counts["source"].values() for label in cells}
        return (*(label for label in LABELS if label in found), *sorted(found - set(LABELS)))

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        write_json(path, asdict(self))


def describe(images: ManifestTable) -> Description:
    """Count a manifest. Raises DataError where it cannot be read."""
    counts: dict[str, Counts] = {}
    for key in COUNTED:
        if FILTERS[key].needs in images.columns:
            found: Counts = {}
            for row in images.groups([key, "label"]).to_dict("records"):
                found.setdefault(str(row[key]), {})[str(row["label"])] = int(row["images"])
            counts[key] = found
    present = [column for column in MEASURED if column in images.columns]
    spreads = {column: {by: images.spread(column, by, QUANTILES) for by in ("source", "label")} for column in present}
    patients = images.distinct("patient") if "patient" in images.columns else images.count()
    first = images.rows([0]).to_dict("records") if "weights" in images.columns else []
    return Description(
        images.count(),
        patients,
        counts,
        spreads,
        images.data_hash(),
        f"{first[0]['model']} {first[0]['weights'][:12]}" if first else "",
        datetime.now(UTC).isoformat("T", "seconds"),
        __version__,
    )


def read_description(path: Path = SHIPPED) -> Description:
    """What `Description.save` wrote. Raises DataError where the file is missing or damaged."""
    try:
        cells: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return Description(**cells)
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{path.name} is not a readable description of a data set: {error}") from error
