"""Prediction, attention and statistics of every image of a manifest: `data measure`, read by the Dataset page."""

import shutil
from collections.abc import Iterator
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model.api.model import Model
from covid_model.backends.base import EMBEDDING, Progress
from covid_model.data.similar import embedding_path
from covid_model.errors import DataError, ImageError
from covid_model.explain.energy import energy_in_mask
from covid_model.files import written_whole
from covid_model.images.image_stats import image_stats
from covid_model.images.read import load_image
from covid_model.models.predict import predict
from covid_model.models.user_models import row_of
from covid_model.progress import ProgressLog
from covid_model.threads import in_order

EVERY: Final = 100
"""Images between two writes: an interruption loses at most the work on these."""
MOST_MAPPED: Final = 10_000
LEAST_MAPPED: Final = 10


def measure_images(model: Model, table: pd.DataFrame, out: Path) -> pd.DataFrame:
    """Write the manifest's rows with what was measured to `out`, and the embeddings beside it.

    Added columns: predicted, confidence, correct (where the model knows the label), lungs (quality of the outline),
    attention (share of the default heatmap inside the lungs), mean, contrast, likeness, border, letters (see
    `images.image_stats`), model, weights, map_x, map_y (place on a map of the embeddings). Continues an interrupted call
    for the same weights. Raises DataError when an image cannot be read or a file cannot be written.
    """
    parts = out.with_suffix(".parts")
    try:
        parts.mkdir(parents=True, exist_ok=True)
        chunks = [table.iloc[start : start + EVERY] for start in range(0, len(table), EVERY)]
        with ProgressLog("measuring", len(table)) as shown:
            done = [_chunk(model, rows, parts, shown) for rows in chunks]
        measured = pd.concat([cells for cells, _ in done], ignore_index=True)
        features = np.concatenate([features for _, features in done])
        whole = table.reset_index(drop=True).join(measured).join(_layout(features))
        with written_whole(embedding_path(out)) as partial, partial.open("wb") as stream:
            np.save(stream, features)
        with written_whole(out) as partial:
            whole.to_parquet(partial, index=False)
    except OSError as error:
        raise DataError(f"{out} cannot be written: {error.strerror}.") from error
    shutil.rmtree(parts)
    return whole


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


def _chunk(model: Model, rows: pd.DataFrame, parts: Path, shown: ProgressLog) -> tuple[pd.DataFrame, NDArray[np.float16]]:
    """What was measured on some rows, read from disk where an earlier call finished them."""
    stem = sha256("".join([model.classifier.weights_digest, *rows["digest"]]).encode()).hexdigest()[:32]
    cells_path, features_path = parts / f"{stem}.parquet", parts / f"{stem}.npy"
    if not cells_path.is_file():
        found = list(_measured(model, rows, shown))
        with written_whole(features_path) as partial, partial.open("wb") as stream:
            np.save(stream, np.stack([features for _, features in found]))
        with written_whole(cells_path) as partial:
            pd.DataFrame([cells for cells, _ in found]).to_parquet(partial, index=False)
    else:
        shown.add(len(rows))
    return pd.read_parquet(cells_path), np.load(features_path)


def _measured(model: Model, rows: pd.DataFrame, shown: ProgressLog) -> Iterator[tuple[dict[str, Any], NDArray[np.float16]]]:
    spec = row_of(model.key)

    def measured(row: Any, progress: Progress) -> tuple[dict[str, Any], NDArray[np.float16]]:
        try:
            image = load_image(Path(row.path))
            prediction = predict(model.classifier, image)
        except ImageError as error:
            raise DataError(f"{row.path} cannot be measured: {error}") from error
        heatmap = model.explain(image, prediction=prediction, progress=progress).heatmap
        lungs = prediction.prepared.lungs
        features = prediction.outputs[EMBEDDING][0]
        return (
            {
                "predicted": prediction.predicted,
                "confidence": prediction.probabilities[prediction.predicted],
                "correct": prediction.predicted == spec.merges.get(row.label, row.label)
                if row.label in spec.labels
                else None,
                "lungs": lungs.quality,
                "attention": energy_in_mask(heatmap, lungs.mask) if lungs.mask.any() else None,
                **asdict(image_stats(image)),
                "model": model.key,
                "weights": model.classifier.weights_digest,
            },
            features.astype(np.float16),
        )

    for found in in_order(measured, rows.itertuples()):
        yield found
        shown.add()
