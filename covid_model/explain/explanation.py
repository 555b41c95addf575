"""The result of explaining one image, with everything needed to reproduce it."""

import json
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import cache, cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from covid_model import __version__
from covid_model.errors import ExplainError
from covid_model.explain.options import Setting
from covid_model.explain.scale import scale_top
from covid_model.files import write_json, written_whole

SCHEMA: Final = 2
LIBRARIES: Final = ("tensorflow", "tensorflow-cpu", "onnxruntime", "keras", "numpy", "tf-keras-vis")
"""Libraries that a map depends on, by the names of their distributions; TensorFlow has two."""


@cache
def _installed() -> dict[str, str]:
    found = {"covid_model": __version__}
    for name in LIBRARIES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def versions() -> dict[str, str]:
    """Versions of the project and of those of its libraries that are installed. Imports none of them."""
    return dict(_installed())


@dataclass(frozen=True, eq=False)
class Explanation:
    """One heatmap of one image.

    layer_map: (h, w) float32 raw, at the size of the layer. heatmap: (H, W) float32 raw, resized bilinearly to the image, 0
    where the model saw nothing. options: every setting of the method. measures: how closely the map satisfies its method's
    axioms, by name (empty for most methods). logits: one a unit. seconds: for the method alone, preparation excluded.
    """

    layer_map: NDArray[np.float32]
    heatmap: NDArray[np.float32]
    method: str
    target: str
    layer: str
    seed: int
    options: dict[str, Setting]
    measures: dict[str, float]
    classes: tuple[str, ...]
    logits: tuple[float, ...]
    probabilities: dict[str, float]
    model: str
    model_digest: str
    image_digest: str
    seconds: float
    versions: dict[str, str] = field(default_factory=versions)
    date: str = field(default_factory=lambda: datetime.now(UTC).isoformat("T", "seconds"))

    @cached_property
    def top(self) -> float:
        """Where the colours of the heatmap end (`scale.scale_top`)."""
        return scale_top(self.heatmap)

    def record(self) -> dict[str, Any]:
        """Everything but the maps, as JSON values."""
        cells = {part.name: getattr(self, part.name) for part in fields(self) if part.name not in ("layer_map", "heatmap")}
        strongest = float(self.heatmap.max())
        return {"schema": SCHEMA, **cells, "map": {"min": float(self.heatmap.min()), "max": strongest}}

    def save(self, folder: Path, stem: str) -> Path:
        """Write `<stem>.npy` (image map), `<stem>.layer.npy` and `<stem>.json` to `folder`; returns the JSON's path.

        The JSON comes last and is written whole or not at all, so a record that exists has its maps.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for name, values in ((f"{stem}.npy", self.heatmap), (f"{stem}.layer.npy", self.layer_map)):
            with written_whole(folder / name) as partial, partial.open("wb") as stream:
                np.save(stream, values)
        write_json(folder / f"{stem}.json", self.record())
        return folder / f"{stem}.json"

    @classmethod
    def load(cls, record: Path) -> "Explanation":
        """Read what `save` wrote, given the JSON's path.

        Raises ExplainError when a file is missing or damaged, or the maps are not those of the record.
        """
        try:
            cells = json.loads(record.read_text("utf-8"))
            if cells.pop("schema") != SCHEMA:
                raise ExplainError(f"{record.name} was written by another version of this program.")
            extent = cells.pop("map")
            cells["classes"], cells["logits"] = tuple(cells["classes"]), tuple(cells["logits"])
            maps = {"heatmap": record.with_suffix(".npy"), "layer_map": record.with_suffix(".layer.npy")}
            found = cls(**cells, **{name: np.load(path) for name, path in maps.items()})
        except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ExplainError(f"{record.name} is not a complete explanation record: {error}") from error
        if found.record()["map"] != extent or found.heatmap.dtype != np.float32:
            raise ExplainError(f"The map beside {record.name} is not the one it describes; save the explanation again.")
        return found
