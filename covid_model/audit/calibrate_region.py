"""Calibrate the size of conformal regions on validation images, and count on test images how often the promise is kept."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model import __version__
from covid_model.api.model import Model
from covid_model.audit.outline import is_about, made_from
from covid_model.backends.base import Progress
from covid_model.data.manifest import data_hash
from covid_model.errors import DataError
from covid_model.evaluation.bootstrap import share_interval
from covid_model.evaluation.conformal import LEVEL, limit
from covid_model.evaluation.groups import LEAST
from covid_model.evaluation.report import rounded
from covid_model.explain.engine import INPUT
from covid_model.explain.methods import get_method
from covid_model.files import write_json
from covid_model.images.read import load_image
from covid_model.progress import ProgressLog
from covid_model.threads import in_order
from covid_model.trust.likeness import likeness
from covid_model.trust.region import STEPS, least_share, region_path

TYPICAL: Final = 0.99
"""Share of the calibration images that count as like themselves."""
CALIBRATION, TEST = "val", "test"


def calibrate_region(
    model: Model, table: pd.DataFrame, methods: Sequence[str], out: Path, folder: Path, level: float = LEVEL
) -> dict[str, Any]:
    """Write `<model>.region.json` to `folder` and return it; sizes of other methods stay that were measured alike.

    out: folder of one record an image; a later call continues it. Only images that the input check accepts count. Raises
    DataError where a split has no images of the model's labels, or a file cannot be written.
    """
    rows = table[table["split"].isin((CALIBRATION, TEST)) & table["label"].isin(model.card.labels)]
    if set(rows["split"]) != {CALIBRATION, TEST}:
        raise DataError("A region needs validation and test images of the model's labels; build the manifest with more.")
    try:
        measured = pd.DataFrame(_measured(model, rows, methods, out / model.key))
    except OSError as error:
        raise DataError(f"{out} cannot be written: {error.strerror}.") from error
    found = rows.reset_index(drop=True).join(measured)
    found = found[found["accepted"]]
    path = region_path(model.key, folder)
    older = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    about = {
        "model": model.key,
        **made_from(model.classifier),
        "data_hash": data_hash(table),
        "level": level,
        "steps": STEPS,
        "region": model.card.preprocessing.region,
    }
    same = is_about(older, about)
    distances = found.loc[found["split"] == CALIBRATION, "distance"].dropna().to_numpy(np.float64)
    record = {
        **about,
        "date": datetime.now(UTC).isoformat("T", "seconds"),
        "version": __version__,
        "refused": int((~measured["accepted"]).sum()),
        "typical": float(np.quantile(distances, TYPICAL)) if len(distances) else None,
        "methods": {
            **(older["methods"] if same else {}),
            **{
                method: {"layer": _layer(model, method), **summary(found, found[method].to_numpy(float), level)}
                for method in methods
            },
        },
    }
    record = rounded(record)
    write_json(path, record)
    return record


def _layer(model: Model, method: str) -> str:
    """The layer of the method's default heatmap."""
    return model.layers[0] if get_method(method).needs_layer else INPUT


def _measured(model: Model, rows: pd.DataFrame, methods: Sequence[str], folder: Path) -> Iterator[dict[str, Any]]:
    """For each image: did the input check accept it, its distance, and its least share by method."""
    folder.mkdir(parents=True, exist_ok=True)
    about = {**made_from(model.classifier), "steps": STEPS}

    def measure(row: Any, _: Progress) -> dict[str, Any]:
        path = folder / f"{row.digest[:32]}.json"
        known = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        if not is_about(known, about):
            known = dict(about)
        missing = [method for method in methods if method not in known]
        if missing:
            image = load_image(Path(row.path))
            prediction = model.predict(image, force=True)
            known["accepted"] = prediction.input_check is None or prediction.input_check.accepted
            known["distance"] = likeness(model.classifier, prediction).distance
            for method in missing:
                heatmap = model.explain(image, method, prediction=prediction).explanation.layer_map
                known[method] = least_share(model.classifier, prediction, heatmap)
            write_json(path, known, indent=None)
        return known

    with ProgressLog(f"regions of {model.key}", len(rows)) as shown:
        for known in in_order(measure, rows.itertuples()):
            shown.add()
            yield known


def summary(rows: pd.DataFrame, shares: NDArray[np.float64], level: float = LEVEL) -> dict[str, Any]:
    """Size and coverage from the least shares (n,) of manifest rows (n), validation and test.

    share: the order statistic ceil((n + 1) level) of the validation images.
    coverage: of test images, with intervals by patient; by_source: of each source; left_out: of each source with the size
    calibrated on the others, as for a hospital never seen. Sources with fewer than LEAST test images are left out.
    """
    split, source = rows["split"].to_numpy(str), rows["source"].to_numpy(str)
    patients, inside, test = rows["patient"].to_numpy(str), split == CALIBRATION, split == TEST
    share = limit(shares[inside], level)

    def coverage(size: float, chosen: NDArray[np.bool_]) -> dict[str, Any]:
        return asdict(share_interval(patients[chosen], (shares[chosen] <= size).astype(np.float64)))

    by_source: dict[str, Any] = {}
    left_out: dict[str, Any] = {}
    for name in np.unique(source):
        own = source == name
        if (test & own).sum() < LEAST:
            continue
        by_source[str(name)] = coverage(share, test & own)
        others = limit(shares[inside & ~own], level)
        left_out[str(name)] = {"share": others, **coverage(others, test & own)}
    return {
        "share": share,
        "calibrated_on": int(inside.sum()),
        "coverage": coverage(share, test),
        "by_source": by_source,
        "left_out": left_out,
        "least": float(np.median(shares[test])),
    }


def lines(record: Mapping[str, Any]) -> Iterator[str]:
    """The record as lines of text."""
    for method, found in record["methods"].items():
        half = f"half of the test images need {found['least']:.0%} at most"
        yield f"{method}: {found['share']:.0%}, calibrated on {found['calibrated_on']} images; {half}"
        yield f"  test images: {_text(found['coverage'])}"
        for name, one in found["by_source"].items():
            other = found["left_out"][name]
            yield f"  {name}: {_text(one)}; with the size of the other sources, {other['share']:.0%}: {_text(other)}"


def _text(interval: Mapping[str, Any]) -> str:
    return f"{interval['value']:.1%} [{interval['low']:.1%}, {interval['high']:.1%}] of {interval['images']} images"
