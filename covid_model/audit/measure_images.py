"""Prediction, attention and statistics of every image of a manifest: `data measure`, read by the Dataset page."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model.api.model import Model
from covid_model.audit.outline import made_from
from covid_model.backends.base import EMBEDDING, Progress
from covid_model.data.manifest import write_noted
from covid_model.data.similar import embedding_path
from covid_model.engines.engine import FoundOn, found_on
from covid_model.engines.parts import finished_parts
from covid_model.engines.work import Row, half_precision
from covid_model.errors import DataError
from covid_model.explain.energy import energy_in_mask
from covid_model.files import written_whole
from covid_model.images.image_stats import image_stats
from covid_model.images.xray_image import XrayImage
from covid_model.models.predict import predict
from covid_model.models.user_models import row_of

EVERY: Final = 100
"""Images between two writes."""
MOST_MAPPED: Final = 10_000
LEAST_MAPPED: Final = 10


def measure_images(
    model: Model, table: pd.DataFrame, out: Path, work_on: FoundOn = found_on, note: bytes = b"{}"
) -> pd.DataFrame:
    """Write the manifest's rows with what was measured to `out`, and the embeddings beside it.

    Added columns: predicted, confidence, correct (where the model knows the label), lungs (quality of the outline),
    attention (share of the default heatmap inside the lungs), mean, contrast, likeness, border, letters (see
    `images.image_stats`), model, weights, map_x, map_y (place on a map of the embeddings). Continues an interrupted call
    for the same weights and outlines. work_on: who works on the images. note: of the manifest (`manifest.note_of`), which
    the written file keeps. Raises DataError when an image cannot be read or a file cannot be written.
    """
    parts = out.with_suffix(".parts")
    of = "".join(made_from(model.classifier).values())

    def find(paths: list[str]) -> Iterator[tuple[str, Row]]:
        return work_on(model, measured, paths, None)

    try:
        paths = finished_parts(find, table, parts / "*.parquet", of, _write, "measuring", EVERY)
        cells = pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)
        features = np.stack(cells.pop("features").to_list()).astype(np.float16)
        whole = table.reset_index(drop=True).join(_compared(table, cells, model)).join(_layout(features))
        with written_whole(embedding_path(out)) as partial, partial.open("wb") as stream:
            np.save(stream, features)
        write_noted(whole, note, out)
    except OSError as error:
        raise DataError(f"{out} cannot be written: {error.strerror}.") from error
    shutil.rmtree(parts)
    return whole


def measured(model: Model, image: XrayImage, settings: Mapping[str, Any], progress: Progress) -> Row:
    """What is measured on one image, as `engines.work.ImageFunction`; features (k,): of the model."""
    prediction = predict(model.classifier, image)
    heatmap = model.explain(image, prediction=prediction, progress=progress).heatmap
    lungs = prediction.prepared.lungs
    share = energy_in_mask(heatmap, lungs.mask) if lungs.mask.any() else np.nan
    return {
        "predicted": prediction.predicted,
        "confidence": prediction.probabilities[prediction.predicted],
        "lungs": lungs.quality,
        "attention": None if np.isnan(share) else share,  # NaN for a map of zeros
        **asdict(image_stats(image)),
        "features": half_precision(prediction.outputs[EMBEDDING][0]),
    }


def _write(path: Path, rows: list[Row]) -> None:
    with written_whole(path) as partial:
        pd.DataFrame(rows).to_parquet(partial, index=False)


def _compared(table: pd.DataFrame, cells: pd.DataFrame, model: Model) -> pd.DataFrame:
    """The measured cells with `correct`, the model and its weights."""
    spec = row_of(model.key)
    right = [
        predicted == spec.merges.get(label, label) if label in spec.labels else None
        for predicted, label in zip(cells["predicted"], table["label"], strict=True)
    ]
    cells.insert(2, "correct", pd.Series(right, dtype=object))
    return cells.assign(model=model.key, weights=model.classifier.weights_digest)


def _layout(features: NDArray[np.float16]) -> pd.DataFrame:
    """Columns map_x and map_y: t-SNE (van der Maaten 2008) of the embeddings' leading components.

    Of at most MOST_MAPPED images, spread evenly over the manifest; the others have no place on the map.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    places = np.full((len(features), 2), np.nan)
    chosen = np.arange(0, len(features), max(1, -(-len(features) // MOST_MAPPED)))
    if len(chosen) > LEAST_MAPPED:
        sample = features[chosen].astype(np.float32)
        leading = PCA(min(50, len(chosen) - 1, sample.shape[1]), random_state=0).fit_transform(sample)
        places[chosen] = TSNE(perplexity=min(30, (len(chosen) - 1) / 3), random_state=0).fit_transform(leading)
    return pd.DataFrame(places, columns=["map_x", "map_y"])
