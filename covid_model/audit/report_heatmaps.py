"""Heatmaps of a report's test images: where they point, mean by confusion cell and by source; verdicts on request."""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model import __version__
from covid_model.api.model import Model
from covid_model.backends.base import Progress
from covid_model.errors import DataError
from covid_model.evaluation.bootstrap import mean_interval
from covid_model.evaluation.report import rounded
from covid_model.evaluation.stored import HEATMAPS, PREDICTIONS, StoredReport
from covid_model.explain.methods import DEFAULT_METHOD
from covid_model.files import read_arrays, write_arrays, write_json, written_whole
from covid_model.images.preprocess import resized
from covid_model.images.read import load_image
from covid_model.models.predict import predict
from covid_model.progress import ProgressLog
from covid_model.threads import in_order

SIDE: Final = 16
"""Mean heatmaps have SIDE x SIDE values, each image squeezed to a square."""
EVERY: Final = 50
"""Images between two writes: an interruption loses at most the work on these."""
TIMED: Final = 5
"""Images after which the time of all is estimated."""

Arrays = dict[str, NDArray[Any]]
"""map (n, SIDE, SIDE), lungs (n, SIDE, SIDE) share of lungs, attention (n,), and verdict (n,) text where asked for."""


def add_heatmaps(
    model: Model, table: pd.DataFrame, report: StoredReport, *, verdicts: bool = False, say: Callable[[str], None] = print
) -> dict[str, Any]:
    """Explain every test image of a report for its predicted class with the default method; returns what is written.

    Writes `heatmaps.json` to the report's folder, and the columns `attention` (share of the heatmap inside the lungs) and,
    with `verdicts`, `verdict` to its predictions. verdicts: run the trust tests, which takes seconds an image. say: gets an
    estimate of the time. An interrupted call continues. Raises DataError where report and model, or report and manifest,
    are not of each other.
    """
    if report.content["weights_sha256"] != model.classifier.weights_digest:
        raise DataError(f"The report in {report.folder} is about other weights than {model.key!r}; evaluate again.")
    paths = table.drop_duplicates("digest").set_index("digest")["path"]
    predictions = report.predictions
    rows = predictions[predictions["split"] == "test"]
    if absent := int((~rows["digest"].isin(paths.index)).sum()):
        raise DataError(
            f"The manifest lacks {absent} of the report's {len(rows)} test images; use the one it was made from."
        )
    rows = rows.assign(path=rows["digest"].map(paths))
    parts = report.folder / "heatmaps.parts"
    found = _of_all(model, rows, parts, verdicts, say)
    content: dict[str, Any] = rounded(_means(model, report, rows, found))
    for name in ("attention", "verdict"):
        if name in found:
            predictions = predictions.assign(**{name: pd.Series(found[name], index=rows.index)})
    with written_whole(report.folder / PREDICTIONS) as partial:
        predictions.to_parquet(partial, index=False, compression="zstd")
    write_json(report.folder / HEATMAPS, content, indent=None)
    shutil.rmtree(parts)
    return content


def _of_all(model: Model, rows: pd.DataFrame, parts: Path, verdicts: bool, say: Callable[[str], None]) -> Arrays:
    """The arrays of all rows, read from disk where an earlier call made them."""
    parts.mkdir(parents=True, exist_ok=True)
    found: list[Arrays] = []
    begun, done = time.monotonic(), 0
    with ProgressLog("explaining test images", len(rows)) as log:
        for start in range(0, len(rows), EVERY):
            chunk = rows.iloc[start : start + EVERY]
            stem = "".join([model.classifier.weights_digest, str(verdicts), *chunk["digest"]])
            path = parts / f"{sha256(stem.encode()).hexdigest()[:32]}.npz"
            if not path.is_file():
                made = []
                for one in _explained(model, chunk["path"], verdicts):
                    made.append(one)
                    log.add()
                    if (done := done + 1) == TIMED:
                        minutes = (time.monotonic() - begun) / done * (len(rows) - start) / 60
                        say(f"about {minutes:.0f} minutes for {len(rows) - start} images")
                write_arrays(path, {key: np.stack([one[key] for one in made]) for key in made[0]})
            else:
                log.add(len(chunk))
            found.append(read_arrays(path))
    return {key: np.concatenate([part[key] for part in found]) for key in found[0]}


def _explained(model: Model, paths: "pd.Series[str]", verdicts: bool) -> Iterator[Arrays]:
    def explained(path: str, progress: Progress) -> Arrays:
        image = load_image(Path(path))
        # a verdict needs the input check, which a mean heatmap does not
        prediction = model.predict(image, force=True) if verdicts else predict(model.classifier, image)
        result = model.explain(image, prediction=prediction, progress=progress)
        share, mask = result.lung_share, prediction.prepared.lungs.mask
        positive = resized(np.maximum(result.heatmap, 0), (SIDE, SIDE))
        mean = float(positive.mean())
        found: Arrays = {
            "map": positive / mean if mean > 0 else np.full_like(positive, np.nan),
            "lungs": resized(mask.astype(np.float32), (SIDE, SIDE)),
            "attention": np.array(share.inside if share else np.nan, np.float32),
        }
        if verdicts:
            found["verdict"] = np.array(result.verdict(progress).word)
        return found

    return in_order(explained, paths)


def _means(model: Model, report: StoredReport, rows: pd.DataFrame, found: Arrays) -> dict[str, Any]:
    """By confusion cell ("true-predicted" as indices) and by source: number of images, mean map, lungs, share in lungs."""
    index = {name: place for place, name in enumerate(report.classes)}
    cells = rows["class"].map(index).astype(str) + "-" + rows["predicted"].map(index).astype(str)
    return {
        "model": model.key,
        "weights_sha256": model.classifier.weights_digest,
        "method": DEFAULT_METHOD,
        "date": datetime.now(UTC).isoformat("T", "seconds"),
        "version": __version__,
        "cells": _grouped(cells, rows, found),
        "sources": _grouped(rows["source"], rows, found),
    }


def _grouped(names: "pd.Series[str]", rows: pd.DataFrame, found: Arrays) -> dict[str, Any]:
    groups, drawn = names.to_numpy(str), ~np.isnan(found["map"]).any(axis=(1, 2))
    means = {}
    for name in np.unique(groups):
        inside = (groups == name) & drawn
        known = inside & ~np.isnan(found["attention"])
        means[str(name)] = {
            "images": int((groups == name).sum()),
            "without_map": int((groups == name).sum() - inside.sum()),
            "attention": asdict(mean_interval(rows["patient"].to_numpy()[known], found["attention"][known])),
            "map": _percent(found["map"][inside]),
            "lungs": _percent(found["lungs"][inside]),
        }
    return means


def _percent(maps: NDArray[Any]) -> list[list[int]] | None:
    """The mean of maps (n, SIDE, SIDE) in whole percent; None without any."""
    return np.round(100 * maps.mean(axis=0, dtype=np.float64)).astype(int).tolist() if len(maps) else None
