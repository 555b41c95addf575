"""Choose the synthetic images that ship: accepted by the input check, with two lungs, not a copy of a training image."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model import __version__
from covid_model.backends.base import EMBEDDING
from covid_model.build.synthetic.draw import GUIDANCE, STEPS, Generator
from covid_model.data.manifest import data_hash
from covid_model.data.similar import embedding_path
from covid_model.data.synthetic_samples import RECORD
from covid_model.errors import DataError
from covid_model.files import file_sha256, write_json
from covid_model.images.image_stats import standardised
from covid_model.images.read import load_image, read_image
from covid_model.images.xray_image import XrayImage
from covid_model.input_check.check import InputCheckResult, check_image
from covid_model.models.classifier import Classifier
from covid_model.models.predict import Prediction, predict

COARSE: Final = 64
"""Pixels a side at which images are correlated: fine enough for ribs, too coarse for noise."""
QUANTILE: Final = 0.95
"""A sample may be as similar to a training image as this share of the real images of other patients are."""
AGE: Final = "adults"
"""Children come from one collection, and their images do not look like the others."""


@dataclass(frozen=True)
class Nearness:
    """Similarity of an image to the training images. correlation: largest Pearson correlation at 64 x 64, also of the
    mirrored image. embedding: largest cosine similarity in the model's penultimate layer.
    """

    correlation: float
    embedding: float

    def within(self, limit: "Nearness") -> bool:
        """Are both similarities at most those of `limit`?"""
        return self.correlation <= limit.correlation and self.embedding <= limit.embedding


@dataclass(frozen=True, eq=False)
class TrainingImages:
    """pictures: (n, 64 * 64) standardised; embeddings: (n, features) of length 1; both float32."""

    pictures: NDArray[np.float32]
    embeddings: NDArray[np.float32]

    def nearest(self, pixels: NDArray[np.float32], features: NDArray[np.float32]) -> Nearness:
        """The largest similarities of an image: pixels (H, W) in [0, 1], features (n,) unscaled."""
        both = (coarse(pixels), coarse(np.ascontiguousarray(pixels[:, ::-1])))
        correlation = max(float((self.pictures @ picture).max()) for picture in both)
        return Nearness(correlation, float((self.embeddings @ unit(features)).max()))


def unit(vectors: NDArray[Any]) -> NDArray[np.float32]:
    """(…, n) scaled to length 1."""
    wide = np.asarray(vectors, np.float32)
    return np.asarray(wide / np.maximum(np.linalg.norm(wide, axis=-1, keepdims=True), 1e-6), np.float32)


def coarse(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W) -> (64 * 64,) of mean 0 and length 1."""
    return standardised(pixels, COARSE).ravel().astype(np.float32)


def training_images(manifest: Path, table: pd.DataFrame) -> tuple[TrainingImages, Nearness]:
    """The training images of a measured manifest, and the QUANTILE of similarities of the other real images to them.

    Raises DataError where the manifest was not measured.
    """
    if not embedding_path(manifest).is_file():
        raise DataError(f"{manifest.name} was not measured; run `python -m covid_model data measure` first.")
    embeddings = unit(np.load(embedding_path(manifest)))
    pixels = [load_image(Path(path)).pixels for path in table["path"]]
    train = (table["split"] == "train").to_numpy()
    pictures = np.stack([coarse(image) for image in pixels])
    known = TrainingImages(pictures[train], embeddings[train])
    others = [known.nearest(pixels[i], embeddings[i]) for i in np.flatnonzero(~train)]
    return known, Nearness(
        float(np.quantile([near.correlation for near in others], QUANTILE)),
        float(np.quantile([near.embedding for near in others], QUANTILE)),
    )


@dataclass(frozen=True, eq=False)
class Candidate:
    """A drawn image with everything that decides whether it ships. predictions: of every model asked, by its key."""

    label: str
    seed: int
    png: bytes
    image: XrayImage
    input_check: InputCheckResult
    predictions: Mapping[str, Prediction]
    near: Nearness

    @property
    def name(self) -> str:
        """Of its file, and of the sample."""
        return f"{self.label.lower()}-{self.seed}"

    def fit(self, limit: Nearness, judge: str) -> bool:
        """Is it accepted, with two lungs, not a copy, and of the predicted class (by the model `judge`) it was drawn for?"""
        prediction = self.predictions[judge]
        lungs = prediction.prepared.lungs.quality == "good"
        return self.input_check.accepted and lungs and self.near.within(limit) and prediction.predicted == self.label


def candidate(label: str, seed: int, png: bytes, classifiers: Mapping[str, Classifier], known: TrainingImages) -> Candidate:
    """Examine one drawn image, a PNG file, with all models; the first of `classifiers` gives the embedding."""
    image = read_image(png)
    first = next(iter(classifiers))
    outputs = classifiers[first].segmenter.run(image.pixels)
    checked = check_image(image, outputs)
    predictions = {key: predict(classifier, image, outputs.lungs, checked) for key, classifier in classifiers.items()}
    features = predictions[first].outputs[EMBEDDING][0]
    return Candidate(label, seed, png, image, checked, predictions, known.nearest(image.pixels, features))


def write_samples(
    chosen: list[Candidate], tried: Mapping[str, int], limit: Nearness, generator: Path, table: pd.DataFrame, out: Path
) -> None:
    """Write the images as PNG files and their record as JSON to the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    for sample in chosen:
        (out / f"{sample.name}.png").write_bytes(sample.png)
    stages = sorted(generator.glob("*.weights.h5"))
    record = {
        "generator": {path.name: file_sha256(path) for path in stages},
        "steps": STEPS,
        "guidance": GUIDANCE,
        "tried": dict(tried),
        **_measured(chosen, limit, table),
    }
    write_json(out / RECORD, record)


def measure_samples(
    folder: Path, classifiers: Mapping[str, Classifier], known: TrainingImages, limit: Nearness, table: pd.DataFrame
) -> list[Candidate]:
    """Examine the images in `folder` again, as models and training images are now, and update their record."""
    record = json.loads((folder / RECORD).read_text("utf-8"))
    found = [
        candidate(row["label"], row["seed"], (folder / f"{row['name']}.png").read_bytes(), classifiers, known)
        for row in record["samples"]
    ]
    write_json(folder / RECORD, {**record, **_measured(found, limit, table)})
    return found


def _measured(chosen: Sequence[Candidate], limit: Nearness, table: pd.DataFrame) -> dict[str, Any]:
    """What a record says that follows from models and training images."""
    return {
        "limit": {**asdict(limit), "quantile": QUANTILE},
        "data_hash": data_hash(table),
        "models": {key: prediction.weights_digest for key, prediction in chosen[0].predictions.items()},
        "date": datetime.now(UTC).isoformat("T", "seconds"),
        "version": __version__,
        "samples": [
            {
                "name": sample.name,
                "label": sample.label,
                "seed": sample.seed,
                "digest": sample.image.digest,
                "nearest": asdict(sample.near),
                "input_check": sample.input_check.frontal,
                "predicted": {key: prediction.predicted for key, prediction in sample.predictions.items()},
            }
            for sample in chosen
        ],
    }


def choose(
    generator: Generator,
    classifiers: Mapping[str, Classifier],
    known: TrainingImages,
    limit: Nearness,
    *,
    labels: tuple[str, ...],
    count: int,
    most: int,
) -> tuple[list[Candidate], dict[str, int]]:
    """The first `count` seeds of each label whose image is fit, and how many were tried. Raises DataError after `most`."""
    judge = next(iter(classifiers))
    chosen: list[Candidate] = []
    tried: dict[str, int] = {}
    for label in labels:
        fit: list[Candidate] = []
        while len(fit) < count:
            start = tried.get(label, 0)
            if start >= most:
                raise DataError(f"Of {most} images drawn as {label} only {len(fit)} are fit; train the generator longer.")
            seeds = list(range(start, start + count))
            drawn = generator.draw(label, AGE, seeds)
            files = [bytes(cv2.imencode(".png", image)[1]) for image in drawn]
            found = [candidate(label, seed, png, classifiers, known) for seed, png in zip(seeds, files, strict=True)]
            fit += [image for image in found if image.fit(limit, judge)]
            tried[label] = start + count
        chosen += fit[:count]
    return chosen, tried
