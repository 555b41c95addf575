"""Heatmaps against what radiologists saw: `python -m covid_model referees` writes the numbers.

Three referees: boxes of the RSNA challenge, outlines of ground glass and consolidation, Brixia scores by lung zone.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from covid_model.api.model import Model
from covid_model.audit.outline import is_about, outline_sha256
from covid_model.audit.referee_results import BASELINES
from covid_model.audit.zones import zone_correlation, zone_means
from covid_model.data.marked import ZONE_SCORES, Marked, Mask, marked_images
from covid_model.errors import DataError
from covid_model.explain.engine import explain
from covid_model.files import write_json
from covid_model.images.read import load_image
from covid_model.lungs.segment import LungMask, LungSegmenter
from covid_model.models.predict import Prediction, predict
from covid_model.trust.baseline_maps import BASELINE_MAPS
from covid_model.trust.localisation import lesion_scores

Record = dict[str, Any]

QUICK: Final = ("gradcam", "gradcampp", "hirescam", "layercam", "eigencam", "saliency", "inputxgradient")
"""Methods of at most one forward and one backward pass: of every image."""
LONGER: Final = ("scorecam", "smoothgrad", "integratedgradients")
"""Methods of tens of passes: of test images, which no model of ours was trained on."""
LONGEST: Final = ("occlusion",)
"""Methods of hundreds of passes: of test images, by our models, whose ONNX graphs are fast. RISE takes longer than all
others together and is left out.
"""
TEST: Final = "test"


def measure_referees(models: Sequence[Model], table: pd.DataFrame, folder: Path) -> Iterator[Record]:
    """One record an image and model, BASELINES first: the scores of every map by every referee.

    Continues an interrupted call for the same weights and outlines, and adds maps that a record lacks. Raises DataError
    where `folder` cannot be written.
    """
    images, segmenter = marked_images(table), LungSegmenter.load()
    try:
        for model in (None, *models):
            key, weights = (BASELINES, "") if model is None else (model.key, model.classifier.weights_digest)
            about = {"model": key, "weights": weights, "outline_sha256": outline_sha256()}
            (folder / key).mkdir(parents=True, exist_ok=True)
            for one in tqdm(images, desc=f"referees, {key}", unit="image", disable=None):
                path = folder / key / f"{one.digest[:32]}.json"
                known = json.loads(path.read_text("utf-8")) if path.is_file() else {}
                if not is_about(known, about):
                    known = {**about, "maps": {}}
                missing = [name for name in _maps_to_make(model, one.split) if name not in known["maps"]]
                if missing:
                    found = _record(model, one, segmenter, missing)
                    known |= {**found, "maps": {**known["maps"], **found["maps"]}}
                    write_json(path, known, indent=None)
                yield known
    except OSError as error:
        raise DataError(f"{folder} cannot be written: {error.strerror}.") from error


def _maps_to_make(model: Model | None, split: str) -> tuple[str, ...]:
    """The methods of a model, or the baseline maps, for an image of a split."""
    if model is None:
        return tuple(BASELINE_MAPS)
    if split != TEST:
        return QUICK
    return (*QUICK, *LONGER) if model.card.replication else (*QUICK, *LONGER, *LONGEST)


def _record(model: Model | None, one: Marked, segmenter: LungSegmenter, names: Sequence[str]) -> Record:
    """The scores of the named maps of one image by one model, or of the baseline maps."""
    image = load_image(one.path)
    lungs, masks = segmenter.find(image.pixels), one.masks(image.shape)
    known: Record = {"image": one.digest, "patient": one.patient, "split": one.split}
    maps: Iterator[tuple[str, NDArray[np.float32]]]
    if model is None:
        maps = ((name, BASELINE_MAPS[name](image.pixels, lungs.mask)) for name in names)
        senior = one.zones["senior"].zones if one.zones else {}
        known |= {"zones": dict(senior), "junior": _agreement(one)}
    else:
        maps = _maps_of(model, predict(model.classifier, image, lungs), one.label, names)
    return {**known, "maps": {method: _scores(heatmap, one, masks, lungs) for method, heatmap in maps}}


def _maps_of(
    model: Model, prediction: Prediction, label: str, methods: Sequence[str]
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """One model's maps, for the true class of the image where the model has it, else for the predicted one."""
    target = label if label in model.classes else prediction.predicted
    for method in methods:
        yield method, explain(model.classifier, prediction, method=method, target=target).heatmap


def _scores(heatmap: NDArray[np.float32], one: Marked, masks: dict[str, Mask], lungs: LungMask) -> Record:
    """Referee -> score -> value of one map; None where it is not defined."""
    found: Record = {name: {"area": float(mask.mean()), **lesion_scores(heatmap, mask)} for name, mask in masks.items()}
    if one.zones:
        means = zone_means(heatmap, lungs.mask)
        found[ZONE_SCORES] = {reader: zone_correlation(means, score.zones) for reader, score in one.zones.items()}
    return {name: {key: None if np.isnan(value) else value for key, value in cells.items()} for name, cells in found.items()}


def _agreement(one: Marked) -> float | None:
    """How far the junior's zone scores of an image agree with the senior's."""
    if not one.zones:
        return None
    found = zone_correlation(one.zones["junior"].zones, one.zones["senior"].zones)
    return None if np.isnan(found) else found
