"""Heatmaps of a report's test images: where they point, mean by confusion cell and by source; verdicts on request."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model import __version__
from covid_model.api.model import Model
from covid_model.audit.outline import made_from
from covid_model.backends.base import Progress
from covid_model.engines.engine import FoundOn, found_on
from covid_model.engines.parts import finished_parts
from covid_model.engines.work import Row
from covid_model.errors import DataError
from covid_model.evaluation.bootstrap import mean_interval
from covid_model.evaluation.report import rounded
from covid_model.evaluation.stored import HEATMAPS, PREDICTIONS, StoredReport
from covid_model.explain.methods import DEFAULT_METHOD
from covid_model.files import read_arrays, write_arrays, write_json, written_whole
from covid_model.images.preprocess import resized
from covid_model.images.xray_image import XrayImage
from covid_model.models.predict import predict

SIDE: Final = 16
"""Mean heatmaps have SIDE x SIDE values, each image squeezed to a square."""
EVERY: Final = 50
"""Images between two writes."""
TIMED: Final = 5
"""Images after which the time of all is estimated."""

Found = Iterator[tuple[str, Row]]
Arrays = dict[str, NDArray[Any]]
"""map (n, SIDE, SIDE), lungs (n, SIDE, SIDE) share of lungs, attention (n,), and verdict (n,) text where asked for."""


def add_heatmaps(
    model: Model,
    table: pd.DataFrame,
    report: StoredReport,
    *,
    verdicts: bool = False,
    say: Callable[[str], None] = print,
    work_on: FoundOn = found_on,
) -> dict[str, Any]:
    """Explain every test image of a report for its predicted class with the default method; returns what is written.

    Writes `heatmaps.json` to the report's folder, and the columns `attention` (share of the heatmap inside the lungs) and,
    with `verdicts`, `verdict` to its predictions. verdicts: run the trust tests, which takes seconds an image. say: gets an
    estimate of the time. work_on: who works on the images. An interrupted call continues. Raises DataError
    where report and model, or report and manifest, are not of each other, and at an image that cannot be read.
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
    settings = {"verdicts": verdicts}

    def find(paths: list[str]) -> Found:
        return _timed(work_on(model, explained, paths, settings), len(paths), say)

    of = "".join([*made_from(model.classifier).values(), str(verdicts)])
    files = finished_parts(find, rows, parts / "*.npz", of, _write, "explaining test images", EVERY)
    read = [read_arrays(path) for path in files]
    found = {key: np.concatenate([part[key] for part in read]) for key in read[0]}
    content: dict[str, Any] = rounded(_means(model, report, rows, found))
    for name in ("attention", "verdict"):
        if name in found:
            predictions = predictions.assign(**{name: pd.Series(found[name], index=rows.index)})
    with written_whole(report.folder / PREDICTIONS) as partial:
        predictions.to_parquet(partial, index=False, compression="zstd")
    write_json(report.folder / HEATMAPS, content, indent=None)
    shutil.rmtree(parts)
    return content


def _write(path: Path, rows: list[Row]) -> None:
    write_arrays(path, _arrays(rows))


def _timed(found: Found, count: int, say: Callable[[str], None]) -> Found:
    """The same; after TIMED images the time of all `count` is said."""
    begun = time.monotonic()
    for done, one in enumerate(found, 1):
        if done == TIMED:
            say(f"about {(time.monotonic() - begun) / done * count / 60:.0f} minutes for {count} images")
        yield one


def explained(model: Model, image: XrayImage, settings: Mapping[str, Any], progress: Progress) -> Row:
    """What is found on one test image, as `engines.work.ImageFunction`. settings: verdicts, whether to give them.

    map, lungs: SIDE lists of SIDE numbers, the positive part of the heatmap over its mean and the share of lungs; the map
    is None where nothing is positive.
    """
    # a verdict needs the input check, which a mean heatmap does not
    prediction = model.predict(image, force=True) if settings["verdicts"] else predict(model.classifier, image)
    result = model.explain(image, prediction=prediction, progress=progress)
    share, mask = result.lung_share, prediction.prepared.lungs.mask
    positive = resized(np.maximum(result.heatmap, 0), (SIDE, SIDE))
    mean = float(positive.mean())
    found: Row = {
        "map": (positive / mean).tolist() if mean > 0 else None,
        "lungs": resized(mask.astype(np.float32), (SIDE, SIDE)).tolist(),
        "attention": share.inside if share else None,
    }
    if settings["verdicts"]:
        found["verdict"] = result.verdict(progress).word
    return found


def _arrays(rows: list[Row]) -> Arrays:
    """Rows as arrays, with NaN for None."""
    blank = np.full((SIDE, SIDE), np.nan)
    numbers = {
        "map": [blank if row["map"] is None else row["map"] for row in rows],
        "lungs": [row["lungs"] for row in rows],
        "attention": [np.nan if row["attention"] is None else row["attention"] for row in rows],
    }
    words = {"verdict": np.array([row["verdict"] for row in rows])} if "verdict" in rows[0] else {}
    return {key: np.array(values, np.float32) for key, values in numbers.items()} | words


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
